"""Secrets: wrapped data keys, names, what seals a document, and an audit journal that is chained."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    op.create_table(
        "data_key",
        sa.Column("owner", sa.String(), primary_key=True),
        sa.Column("made_under", sa.String(), primary_key=True),
        sa.Column("chance", sa.String(), nullable=False),
        sa.Column("wrapped_by", sa.String(), nullable=False, index=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.String(), nullable=False),
    )
    op.create_table(
        "closed_owner",
        sa.Column("owner", sa.String(), primary_key=True),
        sa.Column("since", sa.String(), nullable=False),
    )
    op.create_table(
        "person_name",
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_by", sa.String(), nullable=False, index=True),
        sa.Column("recorded_on", sa.Date(), nullable=False),
    )
    with op.batch_alter_table("document") as document:
        # Empty: by the key that the first releases derived from the secret of the person keys.
        document.add_column(sa.Column("sealed_by", sa.String(), nullable=False, server_default=""))
        document.create_index("ix_document_sealed_by", ["sealed_by"])
    with op.batch_alter_table("audit") as audit:
        for name in ("way", "reason", "digest"):
            audit.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
        audit.create_index("ix_audit_person", ["person"])
    op.create_table(
        "audit_head",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("earlier", sa.BigInteger(), nullable=False),
        sa.Column("earlier_digest", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
    )
