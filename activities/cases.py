"""Activities that open cases and speak with lives, through a client."""

from __future__ import annotations

import json
from dataclasses import dataclass

from temporalio import activity

from activities.failures import translated
from activities.ports import Cases
from domain.cases import Case, CaseReport
from domain.civil_time import current_day
from domain.life import Attempt


@dataclass(frozen=True)
class CaseActivities:
    cases: Cases

    @activity.defn(name="cases.carry")
    async def carry(self, attempt: Attempt) -> None:
        """Open a case, tell a running one what it is about now, or, where it no longer follows, take it back."""
        with translated():
            if attempt.withdraw:
                await self.cases.withdraw(attempt.person, attempt.slot, attempt.generation)
            else:
                await self.cases.open(_case(attempt))

    @activity.defn(name="cases.report")
    async def report(self, told: CaseReport) -> None:
        """Report a fact to the life that opened a case; never starts one."""
        with translated():
            await self.cases.report(told)


def _case(attempt: Attempt) -> Case:
    # A life that is played back lives on other days than this machine, and so do its cases.
    shifted = attempt.clock_shifted and attempt.on is not None
    return Case(
        person=attempt.person,
        slot=attempt.slot,
        generation=attempt.generation,
        kind=attempt.kind,
        content=json.loads(attempt.payload),
        clock_shift_days=(attempt.on - current_day()).days if shifted and attempt.on else 0,
    )
