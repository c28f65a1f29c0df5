"""Both times of everything that is corrected are kept; effects, relations and money are rows of their own."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"

_HOLDS = sa.text("superseded_on IS NULL")
_UNIQUE_NAMES = {"uq": "uq_%(table_name)s_%(column_0_name)s"}


def upgrade() -> None:
    _carried_tables()
    _stated_tables()
    _other_tables()
    _money_tables()
    _carry_over()
    _change_tables()
    _guard()


def _recorded() -> list[sa.Column[Any]]:
    return [
        sa.Column("recorded_sequence", sa.Integer(), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.Column("superseded_sequence", sa.Integer()),
        sa.Column("superseded_on", sa.Date()),
    ]


def _texts(*names: str, index: tuple[str, ...] = ()) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(), nullable=False, index=name in index) for name in names]


def _carried(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("slot", sa.String(), primary_key=True),
        sa.Column("generation", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("recorded_sequence", sa.Integer(), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=False),
        *columns,
    )


def _carried_tables() -> None:
    number, day = sa.Integer(), sa.Date()
    _carried(
        "levy",
        *_texts("scheme", "area", index=("area",)),
        sa.Column("plan_year", number, nullable=False),
        *_texts("part"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("due", day),
    )
    _carried(
        "refund",
        *_texts("scheme", "area", index=("area",)),
        sa.Column("plan_year", number, nullable=False),
        *_texts("recipient"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
    )
    _carried(
        "transfer",
        *_texts("scheme", "from_area", "to_area", index=("from_area", "to_area")),
        sa.Column("requested_on", day, nullable=False),
    )
    _carried(
        "duplicate",
        *_texts("scheme", "area", index=("area",)),
        sa.Column("reported_on", day, nullable=False),
        *_texts("action"),
    )
    _carried("notice", *_texts("recipient", "matter"), sa.Column("on", day, nullable=False))
    op.create_table(
        "effect",
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("slot", sa.String(), primary_key=True),
        *_texts("content"),
    )


def _stated(name: str, *columns: sa.Column[Any]) -> None:
    key = [sa.Column("person", sa.String(), primary_key=True), sa.Column("fact_id", sa.String(), primary_key=True)]
    op.create_table(name, *key, *_texts("scheme", "area", index=("area",)), *columns, *_recorded())


def _stated_tables() -> None:
    number, day = sa.Integer(), sa.Date()
    _stated(
        "relation",
        *_texts("capacity"),
        sa.Column("plan_year", number),
        sa.Column("starts", day, nullable=False),
    )
    _stated(
        "payment",
        sa.Column("plan_year", number),
        *_texts("kind", "payer"),
        sa.Column("amount", sa.BigInteger()),
        sa.Column("paid_on", day, nullable=False),
        sa.Column("arrived_on", day, nullable=False, index=True),
    )
    _stated(
        "refund_paid",
        sa.Column("plan_year", number),
        sa.Column("amount", sa.BigInteger()),
        sa.Column("paid_on", day, nullable=False),
    )


def _other_tables() -> None:
    number, day = sa.Integer(), sa.Date()
    op.create_table(
        "claw_back",
        sa.Column("id", number, primary_key=True),
        *_texts("person", "scheme", "area", index=("person",)),
        sa.Column("plan_year", number, nullable=False),
        *_texts("because_zh", "because_en"),
        *_recorded(),
    )
    op.create_table(
        "parked_question",
        sa.Column("id", number, primary_key=True),
        *_texts("person", "area", "question", "because_zh", "because_en", index=("person", "area")),
        *_recorded(),
    )
    op.create_table(
        "operation",
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("operation_id", sa.String(), primary_key=True),
        sa.Column("sequence", number, nullable=False),
        sa.Column("on", day, nullable=False),
        *_texts("verb", "actor", "role", "reason", "about", "state"),
    )
    op.create_table(
        "published_pack",
        sa.Column("number", number, primary_key=True),
        *_texts("pack", "content", "digest", "published_by", "reason", "published_at", index=("pack",)),
    )
    op.create_table(
        "notice_change",
        sa.Column("notice", sa.String(), primary_key=True),
        sa.Column("person", sa.String(), primary_key=True),
        *_texts("before", "after", "what"),
    )


def _money_tables() -> None:
    number, day = sa.Integer(), sa.Date()
    op.create_table(
        "suspense",
        sa.Column("payment", sa.String(), primary_key=True),
        *_texts("reference", "scheme", "area", index=("area",)),
        sa.Column("plan_year", number, nullable=False),
        *_texts("amount"),
        sa.Column("paid_on", day, nullable=False),
        sa.Column("arrived_on", day, nullable=False, index=True),
        *_texts("agent", "cause", "because_zh", "because_en"),
        sa.Column("settled_on", day),
        *_texts("settled_by", "settled_how"),
    )
    op.create_table(
        "rejected_push", sa.Column("digest", sa.String(), primary_key=True), *_texts("received_at", "because")
    )
    op.create_table(
        "reconciled_day",
        sa.Column("day", day, primary_key=True),
        sa.Column("area", sa.String(), primary_key=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("statement_count", "statement_amount", "ledger_count", "ledger_amount")
        ),
    )
    op.create_table(
        "agent_day",
        sa.Column("day", day, primary_key=True),
        sa.Column("agent", sa.String(), primary_key=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("heads", "receipts", "amount", "ledger_heads", "ledger_amount")
        ),
    )
    op.create_table(
        "difference",
        sa.Column("day", day, primary_key=True),
        sa.Column("movement", sa.String(), primary_key=True),
        *_texts("cause", "area", "agent", index=("area",)),
        sa.Column("statement_amount", sa.BigInteger()),
        sa.Column("ledger_amount", sa.BigInteger()),
        sa.Column("found_on", day, nullable=False),
        sa.Column("closed_on", day),
        *_texts("closed_by", "reason"),
    )


def _change_tables() -> None:
    with op.batch_alter_table("person") as person:
        person.drop_column("slots")
        person.add_column(sa.Column("claw_backs", sa.String(), nullable=False, server_default="[]"))
    with op.batch_alter_table("document") as document:
        document.add_column(sa.Column("ciphertext", sa.LargeBinary()))
    with op.batch_alter_table("journal") as journal:
        journal.alter_column("type", nullable=False)
        journal.add_column(sa.Column("sender", sa.String(), nullable=False, server_default=""))
    old = [item["name"] for item in sa.inspect(op.get_bind()).get_unique_constraints("coverage")]
    with op.batch_alter_table("coverage", naming_convention=_UNIQUE_NAMES) as coverage:
        coverage.drop_constraint(old[0] or "uq_coverage_person", type_="unique")
        coverage.alter_column("interval", nullable=False)
        coverage.add_column(sa.Column("service", sa.String(), nullable=False, server_default=""))
    op.create_index(
        "one_of_them_holds",
        "coverage",
        ["person", "interval"],
        unique=True,
        sqlite_where=_HOLDS,
        postgresql_where=_HOLDS,
    )


def _carry_over() -> None:
    """What the first release kept goes on: its effects, its payments and relations, the names of its intervals."""
    bind = op.get_bind()
    for name, slots in bind.execute(sa.text("SELECT key, slots FROM person")).all():
        rows = [
            {"person": name, "slot": slot, "content": json.dumps(content, ensure_ascii=False)}
            for slot, content in json.loads(slots).items()
        ]
        if rows:
            bind.execute(sa.text("INSERT INTO effect (person, slot, content) VALUES (:person, :slot, :content)"), rows)
    _carry_questions(bind)
    op.add_column("coverage", sa.Column("interval", sa.String()))
    bind.execute(sa.text("UPDATE coverage SET interval = 'first-' || id"))
    op.add_column("journal", sa.Column("type", sa.String()))
    bind.execute(sa.text("UPDATE journal SET type = ''"))
    journal = bind.execute(
        sa.text(
            "SELECT j.person, j.fact_id, j.sequence, j.content, j.recorded_on, p.area "
            "FROM journal j JOIN person p ON p.key = j.person ORDER BY j.sequence, j.position"
        ).columns(recorded_on=sa.Date())
    )
    for row in journal.all():
        _carry_fact(bind, row)


def _carry_questions(bind: sa.Connection) -> None:
    """What a person must decide is listed from now on, since the day of the last record."""
    people = bind.execute(
        sa.text("SELECT key, area, parked, sequence, recorded_on FROM person WHERE parked <> '[]'").columns(
            recorded_on=sa.Date()
        )
    )
    for person in people.all():
        for item in json.loads(person.parked):
            because = item["because"]
            words = {"because_zh": because["zh"], "because_en": because["en"], "question": item["question"]}
            since = {"recorded_sequence": person.sequence, "recorded_on": person.recorded_on}
            _insert(bind, "parked_question", {"person": person.key, "area": person.area, **words, **since})


def _carry_fact(bind: sa.Connection, row: Any) -> None:
    fact = json.loads(row.content)
    key = {"person": row.person, "fact_id": row.fact_id}
    bind.execute(
        sa.text("UPDATE journal SET type = :type WHERE person = :person AND fact_id = :fact_id"),
        {**key, "type": fact["type"]},
    )
    if fact.get("corrects"):
        for table in ("relation", "payment"):
            bind.execute(
                sa.text(
                    f"UPDATE {table} SET superseded_sequence = :sequence, superseded_on = :day "
                    "WHERE person = :person AND fact_id = :corrects"
                ).bindparams(sa.bindparam("day", type_=sa.Date())),
                {"person": row.person, "corrects": fact["corrects"], "sequence": row.sequence, "day": row.recorded_on},
            )
    if fact.get("withdrawn") or fact["type"] not in ("registered", "paid"):
        return
    common = {
        **key,
        "scheme": fact["scheme"],
        "area": fact.get("area") or row.area,
        "plan_year": fact.get("plan_year"),
        "recorded_sequence": row.sequence,
        "recorded_on": row.recorded_on,
    }
    if fact["type"] == "registered":
        _insert(bind, "relation", {**common, "capacity": fact.get("capacity", "ordinary")}, starts=fact["on"])
        return
    amount = None if fact.get("amount") is None else _fen(str(fact["amount"]))
    what = {"kind": fact.get("kind", "individual"), "payer": fact.get("payer", "person"), "amount": amount}
    _insert(bind, "payment", {**common, **what}, paid_on=fact["on"], arrived_on=fact.get("arrived_on") or fact["on"])


def _insert(bind: sa.Connection, table: str, row: dict[str, Any], **days: str) -> None:
    from datetime import date

    whole = {**row, **{name: date.fromisoformat(day) for name, day in days.items()}}
    bind.execute(sa.insert(sa.table(table, *(sa.column(name) for name in whole))), whole)


def _fen(yuan: str) -> int:
    whole, _, part = yuan.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def _guard() -> None:
    """The database itself refuses cover twice on a day: whole cover of one kind of service."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute(
            "ALTER TABLE coverage ADD CONSTRAINT no_two_covers_at_once EXCLUDE USING gist "
            "(person WITH =, service WITH =, daterange(starts, ends, '[]') WITH &&) "
            "WHERE (superseded_on IS NULL AND share = '1')"
        )
        return
    op.execute(
        """
        CREATE TRIGGER no_two_covers_at_once BEFORE INSERT ON coverage
        WHEN NEW.superseded_on IS NULL AND NEW.share = '1'
        BEGIN
            SELECT RAISE(ABORT, 'no_two_covers_at_once') FROM coverage
            WHERE person = NEW.person AND superseded_on IS NULL AND share = '1' AND service = NEW.service
              AND interval <> NEW.interval
              AND starts <= coalesce(NEW.ends, '9999-12-31') AND NEW.starts <= coalesce(ends, '9999-12-31');
        END
        """
    )
