"""What comes in: who may report, keys that are one person, files and their lines, the audit journal, campaigns."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"

_ONE_IN_A_LIFETIME = sa.text("kind IN ('id_number', 'birth_certificate')")
_NOT_PARTED = sa.text("parted_on IS NULL")


def upgrade() -> None:
    _identity_tables()
    _sender_tables()
    _import_tables()
    op.create_table("not_enrolled", *_keys("campaign", "person"), *_texts("area", "status", "because"))


def _keys(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(), primary_key=True) for name in names]


def _texts(*names: str, index: tuple[str, ...] = ()) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(), nullable=False, index=name in index) for name in names]


def _set_aside(bind: sa.Connection) -> None:
    """What an earlier release joined although a person has one of the kind: one of them keeps its kind."""
    twice = bind.execute(
        sa.text(
            "SELECT hash, kind FROM document d WHERE kind IN ('id_number', 'birth_certificate') AND hash > "
            "(SELECT min(hash) FROM document o WHERE o.person = d.person AND o.kind = d.kind)"
        )
    ).all()
    for row in twice:
        bind.execute(
            sa.text("UPDATE document SET kind = :kind WHERE hash = :hash"),
            {"kind": f"{row.kind}_in_doubt", "hash": row.hash},
        )


def _identity_tables() -> None:
    _set_aside(op.get_bind())
    op.create_index(
        "one_in_a_lifetime",
        "document",
        ["person", "kind"],
        unique=True,
        sqlite_where=_ONE_IN_A_LIFETIME,
        postgresql_where=_ONE_IN_A_LIFETIME,
    )
    op.create_table(
        "key_merge",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_texts("person", "into", index=("into",)),
        sa.Column("merged_on", sa.Date(), nullable=False),
        *_texts("merged_by", "reason"),
        sa.Column("parted_on", sa.Date()),
        *_texts("parted_by", "parting_reason"),
    )
    op.create_index(
        "one_merge_holds",
        "key_merge",
        ["person"],
        unique=True,
        sqlite_where=_NOT_PARTED,
        postgresql_where=_NOT_PARTED,
    )


def _sender_tables() -> None:
    op.create_table("sender_person", *_keys("sender", "person"), sa.Column("since", sa.Date(), nullable=False))
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_texts("at", "sender", "act", "person", "outcome", "because", index=("sender",)),
    )
    op.create_table(
        "used_key", *_keys("sender", "key"), *_texts("digest"), sa.Column("used_on", sa.Date(), nullable=False)
    )


def _import_tables() -> None:
    op.create_table(
        "import_file",
        *_keys("id"),
        *_texts("sender", "area", "name", index=("sender",)),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("staged", sa.Integer(), nullable=False),
        *_texts("handed_over_at", "totals", "state"),
    )
    op.create_table(
        "import_line",
        *_keys("import_id"),
        sa.Column("line", sa.Integer(), primary_key=True, autoincrement=False),
        *_texts("person", "fact", "outcome", "status", "answer_zh", "answer_en"),
    )
