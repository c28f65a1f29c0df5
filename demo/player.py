"""Plays people's first year on a real server: each life's clock is put back to its first day, and moved ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from adapters.registry.feeds import Feeds
from adapters.registry.money import MoneyBooks
from adapters.tax.client import SandboxClient
from demo.plan import BankPayment, Plan
from domain.civil_time import first_instant
from domain.errors import Refused
from domain.facts import Fact
from domain.life import Receipt
from intake.desk import Desk
from intake.tax_payments import TAX_SENDER, PaymentDesk
from policy.counting import add_months
from workflows.names import person_workflow_id

# How long a life is played, from its first fact.
PLAYED_MONTHS = 15
# How many lives are played at once: enough to keep two processors busy.
AT_ONCE = 8
# A life may wake several times in the span that is skipped; this many is more than fifteen months can hold.
SKIPS = 2000
_LEVY_SECONDS = 20
_SETTLE_SECONDS = 20


@dataclass
class Player:
    """Plays plans; `start` is the real day that the shifts of all clocks are counted from."""

    skipper: TimeSkipper
    desk: Desk
    bureau: SandboxClient
    feeds: Feeds
    books: MoneyBooks
    start: date
    refusals: list[str] = field(default_factory=list)
    _shifts: dict[str, int] = field(default_factory=dict)
    _pulling: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._payments = PaymentDesk(self.bureau, self.feeds, self.books, self._report_payment)

    async def play_all(self, plans: list[Plan], played: Callable[[Plan], None]) -> None:
        """Play every plan; `played` is told of each that is done."""
        for plan in plans:
            self._shifts[plan.key] = (plan.first_day - self.start).days
        places = asyncio.Semaphore(AT_ONCE)

        async def play(plan: Plan) -> None:
            async with places:
                await self._play(plan)
                played(plan)

        async with asyncio.TaskGroup() as group:
            for plan in plans:
                group.create_task(play(plan))

    async def _play(self, plan: Plan) -> None:
        for position, (day, event) in enumerate(plan.events):
            if position:
                await self._move_to(plan, day)
            if isinstance(event, BankPayment):
                await self._pay(plan, event)
            else:
                await self._report(plan.key, event)
        await self._move_to(plan, add_months(plan.first_day, PLAYED_MONTHS))
        await self._settle(plan)

    async def _report(self, key: str, fact: Fact) -> Receipt | None:
        try:
            return await self.desk.report(key, fact, "demo", self._shifts[key])
        except Refused as error:
            self.refusals.append(str(error))
            return None

    async def _pay(self, plan: Plan, payment: BankPayment) -> None:
        """Pay the levy at the bank, and let Canbao learn of it as it learns of every payment: from the bureau."""
        reference = f"{plan.key}/levy/resident/{plan.area}/{payment.plan_year}/basic"
        async with asyncio.timeout(_LEVY_SECONDS):
            while True:
                try:
                    await self.bureau.pay(reference, payment.id, payment.amount, payment.paid_on, payment.arrived_on)
                    break
                except Refused:
                    # The levy is on its way to the bureau; the queue at the counter waits for it.
                    await asyncio.sleep(0.05)
        async with self._pulling:
            _, held = await self._payments.pull()
            self.refusals.extend(held)

    async def _report_payment(self, key: str, fact: Fact) -> Receipt:
        return await self.desk.report(key, fact, TAX_SENDER, self._shifts[key])

    async def _move_to(self, plan: Plan, day: date) -> None:
        """Move a life's clock to noon of a civil day, through every timer on the way."""
        handle = self.skipper.client.get_workflow_handle(person_workflow_id(plan.key))
        description = await handle.describe()
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return  # the life has ended; its clock stands still
        info = description.raw_description.workflow_extended_info.time_skipping_info
        now = info.current_time.ToDatetime(UTC) if info.HasField("current_time") else datetime.now(UTC)
        target = first_instant(day, self._shifts[plan.key]) + timedelta(hours=12)
        if target > now:
            await self.skipper.fast_forward(handle, target - now)

    async def _settle(self, plan: Plan) -> None:
        """Wait until what the last wake-up set going is recorded."""
        handle = self.skipper.client.get_workflow_handle(person_workflow_id(plan.key))
        async with asyncio.timeout(_SETTLE_SECONDS):
            while True:
                description = (await handle.describe()).raw_description
                if not description.pending_activities and not description.HasField("pending_workflow_task"):
                    return
                await asyncio.sleep(0.05)


def make_skipper(client: Client) -> TimeSkipper:
    """A skipper whose lives stand still until their clock is moved."""
    return TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=SKIPS))
