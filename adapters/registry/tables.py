"""The registry's tables.

Nothing is overwritten: a correction closes a coverage row (`superseded_*`) and opens a new one, so that what was known
on an earlier day can still be read.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel


class Person(SQLModel, table=True):
    """A life, by its opaque key, and how far its record goes."""

    key: str = Field(primary_key=True)
    sequence: int = 0
    """The last assessment that was recorded."""
    digest: str = ""
    """Of that record, so that a repeat is known from another record with the same sequence."""
    status: str = ""
    area: str = Field(default="", index=True)
    parked: str = "[]"
    recorded_on: date | None = None


class Document(SQLModel, table=True):
    """An identity document, by keyed hash, and whose it is. The number itself is not kept."""

    hash: str = Field(primary_key=True)
    kind: str
    person: str = Field(index=True)


class JournalFact(SQLModel, table=True):
    """A fact, as it was admitted. Append-only."""

    __tablename__ = "journal"

    person: str = Field(primary_key=True)
    fact_id: str = Field(primary_key=True)
    sequence: int
    position: int
    """The order of admission: by the record that brought it, then by its place in it."""
    content: str
    recorded_on: date


class CoverageInterval(SQLModel, table=True):
    """Days of cover (valid time), and when the registry held them to be true (recorded time)."""

    __tablename__ = "coverage"
    __table_args__ = (
        Index("one_of_them_holds", "person", "interval", unique=True, sqlite_where=text("superseded_on IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    person: str = Field(index=True)
    interval: str
    """The life's name of these days; one of them at a time holds."""
    scheme: str
    area: str
    starts: date
    ends: date | None
    share: str
    because_zh: str
    because_en: str
    recorded_sequence: int
    recorded_on: date
    superseded_sequence: int | None = None
    superseded_on: date | None = None


class Decision(SQLModel, table=True):
    """A conclusion of the rules, with the pack and the clauses behind it. Append-only."""

    person: str = Field(primary_key=True)
    decision_id: str = Field(primary_key=True)
    sequence: int
    rule: str
    outcome_zh: str
    outcome_en: str
    as_of: date
    pack: str | None
    sources: str


class EffectSlot(SQLModel, table=True):
    """Where an effect stood at the last record, so that a life that is rebuilt does nothing twice."""

    __tablename__ = "effect"

    person: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    content: str


class OperatorAct(SQLModel, table=True):
    """What an operator did or proposed, and why. Append-only."""

    __tablename__ = "operation"

    person: str = Field(primary_key=True)
    operation_id: str = Field(primary_key=True)
    sequence: int
    on: date
    verb: str
    actor: str
    role: str
    reason: str
    about: str
    state: str


class PublishedPack(SQLModel, table=True):
    """A policy pack that came into force without a release. Append-only; the latest of an id counts."""

    __tablename__ = "published_pack"

    number: int | None = Field(default=None, primary_key=True)
    pack: str = Field(index=True)
    """Area and name, as 130925/2026."""
    content: str
    digest: str
    published_by: str
    reason: str
    published_at: str


class NoticeChange(SQLModel, table=True):
    """What a policy notice changed of one life."""

    __tablename__ = "notice_change"

    notice: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    before: str
    after: str
    what: str


class Feed(SQLModel, table=True):
    """How far a feed of another system was read, such as the tax bureau's payments."""

    name: str = Field(primary_key=True)
    cursor: str
