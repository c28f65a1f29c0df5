"""The bare limit: a workflow that takes the same updates, runs as many empty activities with payloads of the same size,
and does nothing else. What the real life costs on top of it is ours."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from bench.bare_activities import BareActivities, BareInput

LIMIT = timedelta(seconds=30)


@workflow.defn(name="Bare")
class Bare:
    @workflow.init
    def __init__(self, given: BareInput) -> None:
        self.given = given
        self.reported = 0
        self.judged = 0
        self.recorded = 0
        self.recording: asyncio.Task[None] | None = None
        self.levy: asyncio.Task[None] | None = None
        self.over = False

    @workflow.run
    async def run(self, given: BareInput) -> None:
        await workflow.execute_local_activity_method(BareActivities.read, "key", start_to_close_timeout=LIMIT)
        while not self.over:
            seen = self.reported
            await workflow.execute_local_activity_method(
                BareActivities.local, given.sizes.step, start_to_close_timeout=LIMIT
            )
            self.judged = seen
            if self.recording is None:
                self.recording = asyncio.create_task(self._record())
            if seen == 2:
                self.levy = asyncio.create_task(self._issue())
            await workflow.wait_condition(lambda: self.over or self.reported > self.judged)

    @workflow.update
    async def report(self, text: str) -> str:
        self.reported += 1
        mine = self.reported
        await workflow.wait_condition(lambda: self.judged >= mine)
        return "x" * self.given.sizes.receipt

    @workflow.signal
    def end(self) -> None:
        self.over = True

    async def _record(self) -> None:
        """One record at a time, each with everything since the last, as the real life writes."""
        while self.recorded < self.judged:
            upto = self.judged
            await workflow.execute_local_activity(
                "bare.regular", args=["x" * self.given.sizes.record, upto - self.recorded], start_to_close_timeout=LIMIT
            )
            self.recorded = upto
        self.recording = None

    async def _issue(self) -> None:
        await workflow.execute_activity(
            "bare.regular",
            args=["x" * self.given.sizes.levy, 1],
            task_queue=self.given.tax_queue,
            start_to_close_timeout=LIMIT,
        )
