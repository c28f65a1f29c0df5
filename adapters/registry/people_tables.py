"""The registry's tables of who people are, who asks about them, and the keys that seal them."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

_ONE_IN_A_LIFETIME = text("kind IN ('id_number', 'birth_certificate')")


class Document(SQLModel, table=True):
    """An identity document: found by its keyed hash, shown from its ciphertext."""

    __table_args__ = (
        Index(
            "one_in_a_lifetime",
            "person",
            "kind",
            unique=True,
            sqlite_where=_ONE_IN_A_LIFETIME,
            postgresql_where=_ONE_IN_A_LIFETIME,
        ),
    )

    hash: str = Field(primary_key=True)
    kind: str
    person: str = Field(index=True)
    ciphertext: bytes | None = Field(default=None, sa_type=LargeBinary)
    """None for a document that a release kept which did not encrypt yet."""
    sealed_by: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    """The id of the data key; empty where the first releases sealed it."""


class PersonName(SQLModel, table=True):
    """The name of a person, sealed, for operators who may see it. Nobody is ever found by it."""

    __tablename__ = "person_name"

    person: str = Field(primary_key=True)
    ciphertext: bytes = Field(sa_type=LargeBinary)
    sealed_by: str = Field(index=True)
    recorded_on: date


class StoredDataKey(SQLModel, table=True):
    """A data key, wrapped by a key of the ring. Deleting the row shreds what it sealed."""

    __tablename__ = "data_key"

    owner: str = Field(primary_key=True)
    """person-<key>, or what the key is for: intake, system, registry, audit."""
    made_under: str = Field(primary_key=True)
    """The ring's key that was current, and the cipher."""
    chance: str
    wrapped_by: str = Field(index=True)
    wrapped: bytes = Field(sa_type=LargeBinary)
    made_at: str


class ClosedOwner(SQLModel, table=True):
    """Somebody who is being erased: no key is made for them, and nothing sealed, until that is done."""

    __tablename__ = "closed_owner"

    owner: str = Field(primary_key=True)
    since: str


_NOT_PARTED = text("parted_on IS NULL")


class KeyMerge(SQLModel, table=True):
    """A decision that two keys are one person: `person` is `into`, until somebody takes them apart again."""

    __tablename__ = "key_merge"
    __table_args__ = (
        Index("one_merge_holds", "person", unique=True, sqlite_where=_NOT_PARTED, postgresql_where=_NOT_PARTED),
    )

    id: int | None = Field(default=None, primary_key=True)
    person: str
    into: str = Field(index=True)
    merged_on: date
    merged_by: str
    reason: str
    parted_on: date | None = None
    parted_by: str = ""
    parting_reason: str = ""


class SenderPerson(SQLModel, table=True):
    """A person whom a sender may speak of as one of its own, such as a school of its students."""

    __tablename__ = "sender_person"

    sender: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    since: date


class AuditEntry(SQLModel, table=True):
    """Who asked for what about whom, by which way, and what was answered. Append-only."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: str
    sender: str = Field(index=True)
    act: str
    """What was asked for, such as `report paid` or `read timeline`."""
    person: str = Field(default="", index=True)
    outcome: str
    """done or refused."""
    because: str = ""
    way: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """By which way: api, console, codec."""
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Why, where a reason was demanded."""
    digest: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Keyed hash of this line and of the one before it; empty for lines of releases that did not chain them."""


class AuditHead(SQLModel, table=True):
    """Where the chain of the audit journal ends."""

    __tablename__ = "audit_head"

    name: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)
    """How many lines are chained."""
    digest: str
    """Of the last line."""
    earlier: int = Field(sa_type=BigInteger)
    """How many lines there were before lines were chained."""
    earlier_digest: str
    """Of those."""
    sealed: str
    """Keyed hash of the fields above."""


class UsedKey(SQLModel, table=True):
    """An Idempotency-Key that a sender used, and the keyed digest of what it was used for."""

    __tablename__ = "used_key"

    sender: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    used_on: date
