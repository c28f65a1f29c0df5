"""Waiting: one durable timer per deadline, armed again whenever the deadlines change."""

from __future__ import annotations

import asyncio
import zlib
from datetime import timedelta

from temporalio import workflow

from domain.civil_time import first_instant
from domain.life import Deadline
from workflows.life_state import LifeState

# Wake-ups are spread over two hours by the person's key, so that 1 January is not one spike.
SPREAD_SECONDS = 2 * 60 * 60


class Waiting(LifeState):
    """The part of the loop that sleeps."""

    def arm(self) -> None:
        """One durable timer per deadline that is ahead. One that is not would wake the life at once, for ever."""
        wanted = {f"{item.matter} {item.on}": item for item in self.deadlines() if item.wake_on > self.today()}
        for name in [name for name, (armed, _) in self.timers.items() if wanted.get(name) != armed]:
            self.timers.pop(name)[1].cancel()
        for name, deadline in wanted.items():
            if name not in self.timers:
                self.timers[name] = (deadline, asyncio.create_task(self._wake(name, deadline)))

    async def _wake(self, name: str, deadline: Deadline) -> None:
        spread = timedelta(seconds=zlib.crc32(self.life.key.encode()) % SPREAD_SECONDS)
        instant = first_instant(deadline.wake_on, self.life.clock_shift_days) + spread
        await workflow.sleep(max(instant - workflow.now(), timedelta(seconds=1)), summary=deadline.summary)
        self.timers.pop(name, None)
        self.woken = True
