"""批量报送 A file of facts: every line becomes a report to a life, page by page, until all are answered.

The lines stand in the registry, with their answers; so after any crash it goes on where it stopped, and what has an
answer is not asked again. It can be cancelled: what is not reported by then stays unanswered.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from activities.imports import ImportActivities
    from domain.imports import IMPORT_STATES, ImportEnded, ImportOrder, ImportPage, ImportState, PageCarried
    from workflows.names import INTAKE_QUEUE

PAGE_LIMIT = timedelta(hours=2)
# Longer than a life may take to answer.
HEARTBEAT = timedelta(minutes=5)
# The lives' workers or the registry may be away for days; the file waits.
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
# So many pages in one run.
PAGES = 200
# When the lines are tried again whose lives did not answer. What is silent then stays without an answer in the result,
# and is tried once more when the same file is handed over again.
ROUNDS = (timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=2))


@workflow.defn
class Batch:
    """One file, of one sender."""

    @workflow.init
    def __init__(self, order: ImportOrder) -> None:
        self.order = order
        self.state = ImportState.RUNNING
        self.handed_over_again = False

    @workflow.run
    async def run(self, order: ImportOrder) -> ImportOrder:
        while True:
            self.handed_over_again = False
            await self._carry()
            if not self.handed_over_again:
                self._show()
                return self.order
            # The same file came again while this was ending: what has no answer yet is reported after all.
            self.order.after, self.order.rounds, self.order.passed_over = 0, 0, 0
            self.state = ImportState.RUNNING
            await self._say()

    async def _carry(self) -> None:
        """Report every line that has no answer, and say what became of the file."""
        pages = 0
        self._show()
        try:
            while (carried := await self._page()).after or await self._another_round():
                self._count(carried)
                self._show()
                pages += 1
                if pages == PAGES:
                    if self.handed_over_again:
                        self.order.after = 0  # what was read anew can stand before this page
                    workflow.continue_as_new(self.order)
            self.state = ImportState.DONE
        except (asyncio.CancelledError, ActivityError) as stopped:
            self.state = ImportState.CANCELLED
            if not is_cancelled_exception(stopped):
                await self._say()
                raise
        await self._say()

    async def _page(self) -> PageCarried:
        order = self.order
        return await workflow.execute_activity_method(
            ImportActivities.carry,
            ImportPage(import_id=order.import_id, sender=order.sender, after=order.after, again=order.rounds > 0),
            task_queue=INTAKE_QUEUE,
            start_to_close_timeout=PAGE_LIMIT,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRY,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            # Files of several areas take turns, however long one of them is.
            priority=Priority(fairness_key=order.area),
            summary=f"报送 · report from line {order.after + 1}",
        )

    async def _another_round(self) -> bool:
        """Whether what was passed over is tried once more, from the first line, after a wait."""
        order = self.order
        if not order.passed_over or order.rounds == len(ROUNDS):
            return False
        wait = ROUNDS[order.rounds]
        await workflow.sleep(wait, summary=f"再次报送 · {order.passed_over} lines once more")
        order.rounds, order.passed_over, order.after = order.rounds + 1, 0, 0
        return True

    async def _say(self) -> None:
        await workflow.execute_activity_method(
            ImportActivities.end,
            ImportEnded(import_id=self.order.import_id, state=self.state),
            task_queue=INTAKE_QUEUE,
            start_to_close_timeout=HEARTBEAT,
            retry_policy=RETRY,
            summary=IMPORT_STATES[self.state].both(),
        )

    def _count(self, carried: PageCarried) -> None:
        self.order.taken += carried.taken
        self.order.refused += carried.refused
        self.order.passed_over += carried.passed_over
        self.order.after = carried.after

    def _show(self) -> None:
        order = self.order
        workflow.set_current_details(
            f"## 批量报送 · file {order.name}\n\n{IMPORT_STATES[self.state].both()}\n\n"
            f"报送单位 · sender {order.sender}, 第 {order.after} / {order.lines} 行 · line, "
            f"已受理 · taken {order.taken}, 不予受理 · refused {order.refused}"
        )

    @workflow.signal(description="同一文件再次提交 · The same file was handed over again")
    def hand_over(self) -> None:
        self.handed_over_again = True

    @workflow.query(description="进度 · How far it has come")
    def progress(self) -> ImportOrder:
        return self.order
