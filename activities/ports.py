"""What the activities need of the world outside. Adapters fulfil these; tests fulfil them with small classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Protocol

from domain.cases import Case, CaseOperation, CaseReport, RefundState
from domain.life import Acknowledged, Interval, PolicyNotice, Reconsidered, Record, Remembered
from domain.policy_notices import LifeChanged
from domain.reconciliation import AgentTotals, AreaTotals, Found, Movement, StatementPage


class Registry(Protocol):
    """The ledger that other systems read."""

    async def read(self, person: str) -> Remembered:
        """What is recorded of a person; empty for a key that was never recorded. Raises Unavailable."""

    async def record(self, record: Record) -> Acknowledged:
        """Write one assessment in one transaction; a repeat gets the stored answer. Raises Unavailable."""

    async def coverage(self, person: str) -> list[Interval]:
        """The days of cover that are held. Raises Unavailable."""

    async def keep_operation(self, done: CaseOperation) -> None:
        """Keep what was done in a case; the same again changes nothing. Raises Unavailable."""


class TaxBureau(Protocol):
    """The tax bureau, which collects the premiums."""

    async def issue_levy(self, reference: str, revision: int, payload: str) -> None:
        """Have a levy collected; the same revision again is no second levy. Raises Unavailable or Refused."""

    async def cancel_levy(self, reference: str, revision: int) -> None:
        """Have a levy collected no more, if it ever was. Raises Unavailable or Refused."""

    async def request_refund(self, reference: str, revision: int, payload: str) -> None:
        """Have money paid back; a higher revision replaces a lower one. Raises Unavailable or Refused."""

    async def refund_state(self, reference: str) -> RefundState:
        """Where a refund stands. Raises Unavailable."""

    async def cancel_refund(self, reference: str, revision: int) -> RefundState:
        """Have a refund not paid, unless it was; the answer says. Raises Unavailable."""


class Notices(Protocol):
    """The way to tell somebody something."""

    async def send(self, key: str, person: str, payload: str, correction: bool) -> None:
        """Send a notice, or the correction of one; the same key again is no second notice. Raises Unavailable."""


class Cases(Protocol):
    """The way to the workflows of cases and of lives."""

    async def open(self, case: Case) -> None:
        """Open a case, or tell the running one what it is about now; the same again changes nothing."""

    async def withdraw(self, person: str, slot: str, generation: int) -> None:
        """Tell a case that it no longer follows; one that is closed, or never was, needs nothing."""

    async def report(self, told: CaseReport) -> None:
        """Report a fact to a running life. Raises Unavailable, or Refused where there is none or it says no."""


class Lives(Protocol):
    """The way to running lives."""

    async def reconsider(self, person: str, notice: PolicyNotice) -> Reconsidered | None:
        """Have a life judge again by new rules; None where none runs any more. Raises Unavailable."""


class NoticeReports(Protocol):
    """Whom a policy notice concerns, and what it changed."""

    async def people(self, area: str, after: str, limit: int) -> list[str]:
        """Keys of lives that an area's rules may concern, in order, after a key. Raises Unavailable."""

    async def keep_change(self, change: LifeChanged) -> None:
        """Keep what a notice changed of one life; the same again changes nothing. Raises Unavailable."""


class Statements(Protocol):
    """The tax bureau's daily statement."""

    async def statement(self, day: date, after: int = 0) -> StatementPage:
        """A page of the statement of a day, after a line's number. Raises Unavailable."""


class PaymentFeed(Protocol):
    """The way in which payments are learned of."""

    async def learn(self, progress: Callable[[int], None]) -> int:
        """Report whatever the bureau booked and no life knows yet; how many. Raises Unavailable."""


class MoneyLedger(Protocol):
    """What the ledger holds of a day's money, and where the differences are kept. All raise Unavailable."""

    async def knows(self, person: str) -> bool:
        """Whether there is such a person."""

    async def movements(self, day: date, after: str = "") -> list[Movement]:
        """A page of the payments that arrived on a day, by id; empty after the last."""

    async def suspended(self, day: date) -> list[Movement]:
        """The money of a day that no life has taken."""

    async def refund(self, reference: str) -> int | None:
        """What is held to have gone back by a refund's reference; None for nothing."""

    async def days_to_reconcile(self, until: date, at_most: int) -> list[date]:
        """The days with open differences, and those after the last one that was reconciled."""

    async def keep_day(
        self,
        day: date,
        areas: Mapping[str, AreaTotals],
        agents: Mapping[str, AgentTotals],
        found: Sequence[Found],
        on: date,
    ) -> tuple[int, int, int]:
        """Keep what a day's reconciliation found; how many differences were opened, were closed, and are open."""
