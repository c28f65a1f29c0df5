"""Reconciliation (对账): the tax bureau's statement of a day against the ledger. Amounts in whole fen."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from pydantic import Field

from domain.bilingual import Text
from domain.life import Message
from domain.money import Money

Cause = Literal["late", "unknown_payer", "amount", "not_in_statement", "duplicate_line", "receipts"]

CAUSE_NAMES: dict[Cause, Text] = {
    "late": Text("推送迟到,登记库尚无", "a late push: not in the ledger yet"),
    "unknown_payer": Text("缴费人不明", "unknown payer"),
    "amount": Text("金额不符", "the amounts differ"),
    "not_in_statement": Text("登记库有而对账单无", "in the ledger and not in the statement"),
    "duplicate_line": Text("对账单重复列示", "listed twice in the statement"),
    "receipts": Text("人数、票据数不一致", "heads and receipts differ"),
}


class StatementLine(Message):
    """A movement of money on a day, as the bureau lists it; the amount in fen, without a sign."""

    number: int
    kind: Literal["payment", "refund"]
    id: str
    reference: str
    area: str
    amount: Money
    agent: str
    receipt: str

    @property
    def signed(self) -> int:
        """The amount, less than zero for what went out."""
        return self.amount if self.kind == "payment" else -self.amount


class StatementPage(Message):
    """Some lines of a day's statement, and what all of them come to: number, and sum in fen, in less out."""

    count: int
    amount: Money
    lines: list[StatementLine]


class Movement(NamedTuple):
    """Money that came in, as the ledger holds it; a tuple, because a day may have a million."""

    id: str
    area: str
    amount: int
    placed: bool = True
    """Whether a life has taken it; what has no life is held in suspense."""


class Found(Message):
    """A movement on which statement and ledger disagree."""

    movement: str
    cause: Cause
    area: str
    agent: str = ""
    statement_amount: int | None = None
    ledger_amount: int | None = None


class AreaTotals(Message):
    """Number and sum of a day in an area, on both sides."""

    statement_count: int = 0
    statement_amount: int = 0
    ledger_count: int = 0
    ledger_amount: int = 0


class AgentTotals(Message):
    """What an agent handed over on a day: heads, receipts and money by the statement, heads and money by the ledger."""

    heads: int = 0
    receipts: int = 0
    amount: int = 0
    ledger_heads: int = 0
    ledger_amount: int = 0


class DayOutcome(Message):
    """What a day's reconciliation found."""

    day: date
    count: int = 0
    amount: int = 0
    agreed: bool = True
    opened: int = 0
    closed: int = 0
    open: int = 0


class ReconciliationOrder(Message):
    """Reconcile every day up to one, that was not reconciled or has open differences."""

    until: date | None = None
    """Yesterday, where it is left out."""
    outcomes: list[DayOutcome] = Field(default_factory=list)
