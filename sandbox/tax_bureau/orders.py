"""What callers send to the bureau, and what it answers: the models of its contract."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from fastapi import HTTPException
from pydantic import BaseModel, Field

from domain.money import fen

Channel = Literal["bank", "app", "village_agent", "school"]
# Money that an agent collects in cash arrives a day later.
_DELAYS = {"village_agent": timedelta(days=1), "school": timedelta(days=1)}


class LevyOrder(BaseModel):
    """What is to be collected (应缴核定). A higher revision of the same reference replaces a lower one."""

    revision: int = Field(ge=1)
    scheme: str
    area: str = Field(pattern=r"^\d{6}$")
    plan_year: int
    part: str = "basic"
    basis: str = "individual"
    amount: str = Field(description="yuan, a decimal string such as 150 or 31.50", examples=["150"])
    due: date | None = None


class RefundOrder(BaseModel):
    """What is to be paid back (退费) of what was paid on the levy of a year."""

    revision: int = Field(ge=1)
    scheme: str
    area: str = Field(pattern=r"^\d{6}$")
    plan_year: int
    amount: str
    to: str


class PaymentOrder(BaseModel):
    """Money that a payer hands over."""

    id: str = Field(min_length=1, max_length=120)
    amount: str
    paid_on: date
    arrived_on: date | None = None
    channel: Channel = "bank"
    agent: str = "bank-1"

    @property
    def arrival(self) -> date:
        return self.arrived_on or self.paid_on + _DELAYS.get(self.channel, timedelta())


class BatchLine(PaymentOrder):
    """A line of what an agent collected in cash; the levy may be gone meanwhile, the money is not."""

    reference: str


class Batch(BaseModel):
    lines: list[BatchLine] = Field(min_length=1, max_length=10_000)


class PaymentNotice(BaseModel):
    """Money that was booked (缴费通知), as it is pushed and pulled."""

    cursor: int
    id: str
    reference: str
    scheme: str
    area: str
    plan_year: int
    amount: str
    paid_on: date
    arrived_on: date
    channel: Channel
    agent: str
    receipt: str


class Push(BaseModel):
    """What the bureau posts to whoever it was told of, signed."""

    payments: list[PaymentNotice]


class RefundAnswer(BaseModel):
    """Where a refund stands."""

    state: Literal["unknown", "accepted", "paid", "failed", "cancelled"]
    amount: str | None = None
    on: date | None = None
    because: str = ""


class StatementLine(BaseModel):
    """A movement of money on a day: a payment that arrived, or a refund that was paid out."""

    number: int
    kind: Literal["payment", "refund"]
    id: str
    reference: str
    scheme: str
    area: str
    plan_year: int
    amount: str
    agent: str
    receipt: str


class Statement(BaseModel):
    """The statement of a day (对账单), by page; the totals are of the whole day."""

    day: date
    count: int
    amount: str
    lines: list[StatementLine]


class Registration(BaseModel):
    """Where payments are to be pushed, and the secret that pushes are signed with."""

    url: str
    secret: str = Field(min_length=16)


class RefundPayment(BaseModel):
    on: date


def amount_of(text: str) -> int:
    """An amount in fen; one that is none, or not positive, is refused."""
    try:
        amount = fen(text)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    if amount <= 0:
        raise HTTPException(422, "an amount is positive")
    return amount
