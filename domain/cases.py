"""What a life and its cases tell one another: the messages of the workflows that wait for somebody else for weeks."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from domain.bilingual import Text
from domain.life import EffectKind, Entry, Message, Operation, Proposal


class Case(Message):
    """A case as its life opens it; told again, with a higher generation, when what it is about has changed."""

    person: str
    slot: str
    generation: int
    kind: EffectKind
    content: dict[str, Any]
    clock_shift_days: int = 0


class CaseReport(Message):
    """A fact that a case reports back to the life that opened it."""

    person: str
    fact: dict[str, Any]


class CaseOperation(Message):
    """What an operator or an agency did in a case, for the ledger."""

    person: str
    operation: Operation


class Letter(Message):
    """A question to a pooling area's agency (协查函), and what it answered."""

    to: str
    """GB/T 2260 code of the area."""
    what: Text
    due: date
    sent: int = 0
    """How often; it is sent again when nobody answered in time."""
    answer: Literal["accepted", "refused"] | None = None
    answered_by: str = ""
    because: str = ""
    months: int | None = None
    """Months of contribution that the sheet (《信息表》) carries, where it is one."""


class CaseStanding(Message):
    """Where a case stands, for operators."""

    stage: Text
    generation: int
    content: dict[str, Any]
    letters: dict[str, Letter] = Field(default_factory=dict)
    proposals: list[Proposal] = Field(default_factory=list)
    trouble: str = ""
    timeline: list[Entry] = Field(default_factory=list)


class RefundState(Message):
    """What the tax bureau says of a refund."""

    state: Literal["unknown", "accepted", "paid", "failed", "cancelled"]
    amount: str | None = None
    on: date | None = None
    because: str = ""


class Continuity(Message):
    """Days between two pooling areas that a transfer left uncovered, or covered twice; empty is proof."""

    gaps: list[tuple[date, date]] = Field(default_factory=list)
    overlaps: list[tuple[date, date]] = Field(default_factory=list)
