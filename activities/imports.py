"""Activities that carry the lines of a file to the lives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from temporalio import activity

from activities.failures import translated
from domain.bilingual import Text
from domain.errors import ContractError, Refused, Unavailable
from domain.imports import ImportEnded, ImportPage, ImportState, LineAnswer, LineOutcome, PageCarried, StagedLine
from domain.life import Receipt
from domain.status import STATUS_NAMES

# So many lines of one file are on their way at once: a city's file takes no more of the lives' workers than this.
AT_ONCE = 8
# Answers are kept so many at a time; after a crash no more than these are reported again, which changes nothing.
KEPT_TOGETHER = 24


# So often is a page tried again where a few are silent and nobody else is in it.
PATIENT_ATTEMPTS = 5


def _line_of(answer: LineAnswer) -> int:
    return answer.line


class Lines(Protocol):
    """The registry's side of a file. All raise Unavailable."""

    async def waiting(self, import_id: str, after: int, limit: int) -> list[StagedLine]:
        """The next lines that have no answer."""

    async def answer(self, import_id: str, answers: Sequence[LineAnswer]) -> None:
        """Keep what was answered."""

    async def set_state(self, import_id: str, state: ImportState) -> None:
        """Say what became of the file."""


class Reporting(Protocol):
    """The way to the lives."""

    async def __call__(self, person: str, fact: str, sender: str) -> Receipt:
        """Report a fact (JSON). Raises ContractError, Refused or Unavailable."""


@dataclass(frozen=True)
class ImportActivities:
    lines: Lines
    report: Reporting

    @activity.defn(name="imports.carry")
    async def carry(self, page: ImportPage) -> PageCarried:
        """Report a page of lines. After an interruption those that have an answer are not reported again."""
        carried = PageCarried()
        with translated():
            lines = await self.lines.waiting(page.import_id, page.after, page.limit)
            for start in range(0, len(lines), KEPT_TOGETHER):
                part = lines[start : start + KEPT_TOGETHER]
                answers: list[LineAnswer] = []
                try:
                    silent = await self._report_all(page.sender, part, answers)
                finally:
                    # What was answered is kept, also where the file is cancelled, or the next line failed.
                    await asyncio.shield(self.lines.answer(page.import_id, sorted(answers, key=_line_of)))
                # Where nobody answers the workers are away, and the page waits for them; a few who are silent are
                # passed over. In a later round only those are left who were silent before.
                many = len(silent) >= AT_ONCE and not page.again
                if silent and not answers and (many or activity.info().attempt < PATIENT_ATTEMPTS):
                    raise silent[0]
                taken = sum(answer.outcome is LineOutcome.TAKEN for answer in answers)
                carried.taken += taken
                carried.refused += len(answers) - taken
                carried.passed_over += len(part) - len(answers)
                carried.after = part[-1].line
        return carried

    @activity.defn(name="imports.end")
    async def end(self, ended: ImportEnded) -> None:
        """Say what became of a file."""
        with translated():
            await self.lines.set_state(ended.import_id, ended.state)

    async def _report_all(
        self, sender: str, lines: Sequence[StagedLine], answers: list[LineAnswer]
    ) -> list[Unavailable]:
        """The facts of one person one after the other, those of several at once; who did not answer.

        A life that does not answer is passed over, with what else is said of that person.
        """
        places = asyncio.Semaphore(AT_ONCE)
        by_person: dict[str, list[StagedLine]] = {}
        for line in lines:
            by_person.setdefault(line.person, []).append(line)
        silent: list[Unavailable] = []

        async def of_one(own: list[StagedLine]) -> None:
            async with places:
                try:
                    for line in own:
                        answer = await self._report_one(sender, line)
                        answers.append(answer)
                        activity.heartbeat(line.line)
                except Unavailable as error:
                    silent.append(error)
                    activity.heartbeat()

        try:
            async with asyncio.TaskGroup() as group:
                for own in by_person.values():
                    group.create_task(of_one(own))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one sentence for whoever looks into the workflow
        return silent

    async def _report_one(self, sender: str, line: StagedLine) -> LineAnswer:
        try:
            receipt = await self.report(line.person, line.fact, sender)
        except (ContractError, Refused) as error:
            return LineAnswer(line=line.line, outcome=LineOutcome.REFUSED, answer=error.text)
        outcome = LineOutcome.TAKEN if receipt.refused is None else LineOutcome.REFUSED
        says = receipt.refused or (receipt.conclusions[-1] if receipt.conclusions else STATUS_NAMES[receipt.status])
        return LineAnswer(line=line.line, outcome=outcome, status=receipt.status, answer=Text(says.zh, says.en))
