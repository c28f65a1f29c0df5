"""The schema of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=False, index=True),
        sa.Column("parked", sa.String(), nullable=False),
        sa.Column("slots", sa.String(), nullable=False),
        sa.Column("recorded_on", sa.Date()),
    )
    op.create_table(
        "document",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False, index=True),
    )
    op.create_table(
        "journal",
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("fact_id", sa.String(), primary_key=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
    )
    op.create_table(
        "coverage",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person", sa.String(), nullable=False, index=True),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date()),
        sa.Column("share", sa.String(), nullable=False),
        sa.Column("because_zh", sa.String(), nullable=False),
        sa.Column("because_en", sa.String(), nullable=False),
        sa.Column("recorded_sequence", sa.Integer(), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.Column("superseded_sequence", sa.Integer()),
        sa.Column("superseded_on", sa.Date()),
        sa.UniqueConstraint("person", "scheme", "area", "starts", "recorded_sequence"),
    )
    op.create_table(
        "decision",
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("decision_id", sa.String(), primary_key=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("outcome_zh", sa.String(), nullable=False),
        sa.Column("outcome_en", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("pack", sa.String()),
        sa.Column("sources", sa.String(), nullable=False),
    )
    op.create_table(
        "feed", sa.Column("name", sa.String(), primary_key=True), sa.Column("cursor", sa.String(), nullable=False)
    )
