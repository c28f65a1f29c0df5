"""Writing a record: one assessment, in one transaction, by compare-and-set.

A record names the sequence that the ledger last acknowledged and carries everything since, so no order of late
retries, resets and restarts loses or doubles a row.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, select

from adapters.registry.projections import CARRIED, STATED, Projected, of_facts, of_slot, state_of
from adapters.registry.tables import (
    ClawBack,
    CoverageInterval,
    Decision,
    EffectSlot,
    JournalFact,
    OperatorAct,
    ParkedQuestion,
    Person,
)
from adapters.registry.together import Row, There, Together, table_of
from domain.facts import parse_fact
from domain.life import Acknowledged, EffectKind, Interval, OpenQuestion, Record, Slot, SlotState
from domain.life import ClawBack as Claimed

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_SAID = {"payload"}
_STANDING = ("sequence", "digest", "status", "area", "recorded_on", "parked", "claw_backs")


def insert_of(dialect: str, table: Table) -> Any:
    """An insert into a table, as a database offers it that can pass over rows which are there."""
    return _INSERTS[dialect](table)


Rows = defaultdict[type[SQLModel], list[Row]]


class Writer:
    """The statements of a record, which is written for every fact of every life: built once, so they stay compiled."""

    def __init__(self, dialect: str) -> None:
        self._insert = _INSERTS[dialect]
        person, coverage = table_of(Person), table_of(CoverageInterval)
        of = person.c.key == bindparam("of")
        # Whoever writes a record of a person holds that person's row until it is written.
        self._position = select(Person).where(of).with_for_update()
        self._begin = self._insert(person).on_conflict_do_nothing()
        self._supersede = _closing(coverage, coverage.c.interval == bindparam("which"))
        appended: tuple[Projected, ...] = (JournalFact, Decision, OperatorAct, *STATED)
        self._together = Together(
            dialect,
            {
                **dict.fromkeys(appended, There()),
                **dict.fromkeys(CARRIED.values(), There(revised=("state", "changed_on"))),
                EffectSlot: There(revised=("content",)),
                CoverageInterval: There(key=("person", "interval"), where="superseded_on IS NULL"),
                Person: There(revised=_STANDING),
            },
        )
        self._taking_back = [
            _closing(table_of(model), table_of(model).c.fact_id == bindparam("which")) for model in STATED
        ]
        self._carried = {kind: self._carrying(table_of(model)) for kind, model in CARRIED.items()}
        self._revising: dict[Projected, tuple[Any, Any]] = {
            model: (_closing(table_of(model)), self._insert(table_of(model))) for model in (ParkedQuestion, ClawBack)
        }

    def record(self, session: Session, record: Record) -> Acknowledged:
        """Write a record. A repeat changes nothing and gets the same answer; one that does not follow is not taken."""
        connection = session.connection()
        digest = hashlib.sha256(record.model_dump_json(exclude={"slots"}).encode()).hexdigest()[:16]
        held = self._hold(connection, record.person)
        if held.sequence == record.sequence and held.digest == digest:
            return Acknowledged(sequence=held.sequence)
        if held.sequence != record.after:
            return Acknowledged(sequence=held.sequence, ahead=True)
        rows: Rows = defaultdict(list)
        self._state_facts(connection, record, rows)
        rows[Decision] += _decisions(record)
        rows[OperatorAct] += _operations(record)
        self._set_slots(connection, record, rows)
        self._revise_coverage(connection, record, rows)
        parked, claw_backs = _json(record.parked), _json(record.claw_backs)
        if parked != held.parked:
            self._revise(connection, ParkedQuestion, record, [_question(item, record.area) for item in record.parked])
        if claw_backs != held.claw_backs:
            self._revise(connection, ClawBack, record, [_claimed(item) for item in record.claw_backs])
        standing = {
            "key": record.person,
            "sequence": record.sequence,
            "digest": digest,
            "status": record.status,
            "area": record.area,
            "recorded_on": record.recorded_on,
            "parked": parked,
            "claw_backs": claw_backs,
        }
        rows[Person].append(standing)
        self._together.write(connection, rows)
        return Acknowledged(sequence=record.sequence)

    def append(self, connection: Connection, model: Projected, rows: list[Row]) -> None:
        """Append rows; what is there stays."""
        self._together.write(connection, {model: rows})

    def upsert(self, model: type[SQLModel], keys: Sequence[str]) -> Any:
        """A statement that writes rows whole, whether or not they are there."""
        statement = self._insert(table_of(model))
        rest = {column.name: statement.excluded[column.name] for column in table_of(model).columns}
        return statement.on_conflict_do_update(
            index_elements=list(keys), set_={name: value for name, value in rest.items() if name not in keys}
        )

    def _hold(self, connection: Connection, person: str) -> Any:
        row = connection.execute(self._position, {"of": person}).first()
        if row is not None:
            return row
        new = Person(key=person)
        if connection.execute(self._begin, new.model_dump()).rowcount == 1:
            return new
        return connection.execute(self._position, {"of": person}).one()  # somebody else began it just now

    def _state_facts(self, connection: Connection, record: Record, rows: Rows) -> None:
        rows[JournalFact] += [
            {
                "person": record.person,
                "fact_id": fact_id,
                "sequence": record.sequence,
                "position": position,
                "type": parse_fact(content).type,
                "sender": record.senders.get(fact_id, ""),
                "content": content,
                "recorded_on": record.recorded_on,
            }
            for position, (fact_id, content) in enumerate(record.facts.items())
        ]
        stated = of_facts(record)
        for model, stating in stated.rows.items():
            rows[model] += stating
        if stated.replaced:
            # What is replaced may have come with the same record, so that must be there first.
            self._together.write(connection, rows)
            rows.clear()
        for replaced in stated.replaced:
            for statement in self._taking_back:
                connection.execute(statement, _closed(record, which=replaced))

    def _set_slots(self, connection: Connection, record: Record, rows: Rows) -> None:
        for name, slot in record.slots.items():
            # What was asked stands in the row of its kind; a life that begins again need not carry it.
            content = slot.model_dump_json(exclude_defaults=True, exclude=_SAID if _is_over(slot) else None)
            rows[EffectSlot].append({"person": record.person, "slot": name, "content": content})
            replace, revise = self._carried[slot.kind]
            row = of_slot(record, name, slot)
            key = {"of": record.person, "which": name, "number": slot.generation, "today": record.recorded_on}
            if slot.generation > 1:
                connection.execute(replace, key)
            if row is not None:
                rows[CARRIED[slot.kind]].append(row)
            else:
                connection.execute(revise, {**key, "stands": state_of(slot)})

    def _carrying(self, table: Table) -> tuple[Any, Any]:
        """Statements on effects of a kind: say that the earlier generations of one count no more, change one."""
        mine = (table.c.person == bindparam("of")) & (table.c.slot == bindparam("which"))
        earlier = mine & (table.c.generation < bindparam("number")) & table.c.state.not_in(("taken_back", "replaced"))
        replace = update(table).where(earlier).values(state="replaced", changed_on=bindparam("today"))
        this = mine & (table.c.generation == bindparam("number")) & (table.c.state != bindparam("stands"))
        revise = update(table).where(this).values(state=bindparam("stands"), changed_on=bindparam("today"))
        return replace, revise

    def _revise_coverage(self, connection: Connection, record: Record, rows: Rows) -> None:
        """Close the intervals that hold no longer and open those that are new, in the order in which that was found."""
        for change in record.coverage:
            if change.added is not None:
                rows[CoverageInterval].append(_opened(record, change.added))
                continue
            if rows[CoverageInterval]:
                self._together.write(connection, rows)
                rows.clear()
            connection.execute(self._supersede, _closed(record, which=change.gone))

    def _revise(
        self, connection: Connection, model: type[SQLModel], record: Record, rows: list[dict[str, Any]]
    ) -> None:
        close, open_ = self._revising[model]
        connection.execute(close, _closed(record))
        if rows:
            connection.execute(open_, [{**row, **_recorded(record)} for row in rows])


def _is_over(slot: Slot) -> bool:
    """Whether nothing repeats what an effect said; the correction of a notice does."""
    return slot.state is SlotState.WITHDRAWN or (slot.state is SlotState.DONE and slot.kind is not EffectKind.NOTICE)


def _closing(table: Table, *which: Any) -> Any:
    """The statement that ends what the registry holds to be true of a person."""
    return (
        update(table)
        .where(table.c.person == bindparam("of"), *which, table.c.superseded_on.is_(None))
        .values(superseded_sequence=bindparam("now_sequence"), superseded_on=bindparam("today"))
    )


def _closed(record: Record, **more: str) -> dict[str, Any]:
    return {"of": record.person, "now_sequence": record.sequence, "today": record.recorded_on, **more}


def _recorded(record: Record) -> dict[str, Any]:
    return {"person": record.person, "recorded_sequence": record.sequence, "recorded_on": record.recorded_on}


def _opened(record: Record, interval: Interval) -> dict[str, Any]:
    return {
        "interval": interval.id,
        "scheme": interval.scheme,
        "area": interval.area,
        "starts": interval.starts,
        "ends": interval.ends,
        "share": interval.share,
        "service": interval.service,
        "because_zh": interval.because.zh,
        "because_en": interval.because.en,
        **_recorded(record),
    }


def _decisions(record: Record) -> list[dict[str, Any]]:
    return [
        {
            "person": record.person,
            "decision_id": conclusion.id,
            "sequence": record.sequence,
            "rule": conclusion.rule,
            "outcome_zh": conclusion.outcome.zh,
            "outcome_en": conclusion.outcome.en,
            "as_of": conclusion.as_of,
            "pack": conclusion.pack,
            "sources": json.dumps(conclusion.sources, ensure_ascii=False),
        }
        for conclusion in record.conclusions
    ]


def _operations(record: Record) -> list[Row]:
    """What operators did."""
    return [
        {
            "person": record.person,
            "operation_id": item.id,
            "sequence": record.sequence,
            **item.model_dump(exclude={"id"}),
        }
        for item in record.operations
    ]


def _question(item: OpenQuestion, area: str) -> dict[str, Any]:
    return {"area": area, "question": item.question, "because_zh": item.because.zh, "because_en": item.because.en}


def _claimed(item: Claimed) -> dict[str, Any]:
    words = {"because_zh": item.because.zh, "because_en": item.because.en}
    return {"scheme": item.scheme, "area": item.area, "plan_year": item.plan_year, **words}


def _json(items: Sequence[OpenQuestion] | Sequence[Claimed]) -> str:
    return json.dumps([item.model_dump(mode="json") for item in items], ensure_ascii=False)
