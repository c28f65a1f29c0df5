"""对账 Reconciliation: the tax bureau's daily statement against the ledger, by area, number and sum.

Started every morning by a Temporal Schedule. What was pushed late is learned first; what still differs is kept, with
its cause, until a later day finds it agreed or an operator closes it. A day that could not be reconciled, because the
bureau was away, is reconciled with the next one.
"""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.reconciliation import DaysAsked, ReconciliationActivities
    from domain.civil_time import civil_day
    from domain.money import yuan
    from domain.reconciliation import DayOutcome, ReconciliationOrder
    from workflows.names import TAX_QUEUE

# The bureau may be away for days; the next schedule's run waits behind this one.
PATIENCE = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10))
DAY_LIMIT = timedelta(hours=1)
HEARTBEAT = timedelta(minutes=2)


@workflow.defn
class Reconciliation:
    """All days up to yesterday that are not reconciled, or have open differences."""

    @workflow.init
    def __init__(self, order: ReconciliationOrder) -> None:
        self.order = order

    @workflow.run
    async def run(self, order: ReconciliationOrder) -> ReconciliationOrder:
        yesterday = civil_day(workflow.now()) - timedelta(days=1)
        # A day that is not over would be taken for compared.
        until = min(order.until or yesterday, yesterday)
        self._show("了解迟到缴费 · learning of late payments")
        await workflow.execute_activity_method(
            ReconciliationActivities.learn_payments,
            task_queue=TAX_QUEUE,
            start_to_close_timeout=DAY_LIMIT,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=PATIENCE,
            summary="了解迟到缴费 · learn of late payments",
        )
        days: list[date] = await workflow.execute_activity_method(
            ReconciliationActivities.days,
            DaysAsked(until=until),
            task_queue=TAX_QUEUE,
            start_to_close_timeout=HEARTBEAT,
            retry_policy=PATIENCE,
            summary="哪些日期 · which days",
        )
        for day in days:
            self._show(f"核对{day} · comparing {day}")
            self.order.outcomes.append(await self._compare(day))
        self._show("完成 · done")
        return self.order

    async def _compare(self, day: date) -> DayOutcome:
        return await workflow.execute_activity_method(
            ReconciliationActivities.compare,
            day,
            task_queue=TAX_QUEUE,
            start_to_close_timeout=DAY_LIMIT,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=PATIENCE,
            summary=f"核对 · compare {day}",
        )

    def _show(self, stage: str) -> None:
        lines = [f"## 对账 · reconciliation\n\n{stage}\n"]
        for outcome in self.order.outcomes:
            state = "一致 · agreed" if outcome.agreed else f"差异 · differences: {outcome.open}"
            lines.append(f"- {outcome.day}: {outcome.count} 笔 · lines, {yuan(outcome.amount)} 元 · yuan, {state}")
        workflow.set_current_details("\n".join(lines))

    @workflow.query(description="进度 · What was found so far")
    def progress(self) -> ReconciliationOrder:
        return self.order
