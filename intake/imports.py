"""Handing over a file: checked first, then written down, then carried by a workflow, and answered line by line."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import Priority, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from adapters.registry.identities import Identities
from adapters.registry.imports import ImportBooks
from adapters.registry.senders import SenderPeople
from domain.bilingual import Language, Text
from domain.errors import ContractError, Missing, Refused, Unavailable
from domain.facts import wire
from domain.imports import LINE_OUTCOMES, ImportOrder, ImportProgress, ImportState, LineOutcome, StagedLine
from domain.senders import Sender
from domain.status import STATUS_NAMES, Status
from intake.files.check import Checked, check_file
from intake.files.mapping import Mapping
from intake.files.rows import Problem, Row, StatedTotals, read_rows
from intake.rights import Rights, not_its_own
from workflows.batch import Batch
from workflows.names import LIVES_QUEUE, import_workflow_id

# So many lines are written down in one transaction.
PAGE = 500
HEADING = ("行", "结果", "状态", "说明"), ("line", "outcome", "status", "answer")


@dataclass(frozen=True)
class HandedOver:
    """A file, who hands it over, and how it is read."""

    file: Path
    sender: Sender
    mapping: Mapping
    today: date
    name: str = ""
    """What the sender calls it; the file's own name where it is empty."""

    @property
    def title(self) -> str:
        return self.name or self.file.name

    def check(
        self, stated: StatedTotals | None = None, progress: Callable[[int], None] = lambda _line: None
    ) -> Checked:
        """What it holds, before anything is taken. Raises ContractError where it cannot be read as a whole."""
        return check_file(self.file, self.sender, self.mapping, self.today, stated, progress)


class ImportDesk:
    """Takes files to the lives."""

    def __init__(self, client: Client, identities: Identities, books: ImportBooks, people: SenderPeople) -> None:
        self._client, self._identities, self._books, self._people = client, identities, books, people

    async def take(
        self, given: HandedOver, checked: Checked, progress: Callable[[int], None] = lambda _line: None
    ) -> str:
        """Write the lines down and start the workflow that carries them; the import's id.

        The same file of the same sender again is the same import: what was interrupted goes on, what has an answer
        keeps it. Raises Unavailable, Refused where a part of it cannot be written.
        """
        import_id = self._import_id(given)
        totals = {"headcount": checked.headcount, "receipts": checked.receipts, "amount": checked.amount}
        staged = await self._books.open(
            import_id, given.sender.id, given.sender.area, given.title, checked.rows + checked.broken, totals
        )
        if staged and (await self._books.progress(import_id)).broken:
            staged = 0  # the mapping, or what the sender may say, can have changed since
        rows = read_rows(given.file, given.today, given.mapping, given.sender)
        # Read beside the loop: a large workbook would hold up everybody else.
        while page := await asyncio.to_thread(lambda: list(islice(rows, PAGE))):
            new = [item for item in page if item.line > staged]
            if new:
                await self._write_down(import_id, given.sender, new, given.today)
            progress(page[-1].line)
        progress(checked.lines)
        await self._start(import_id, given, checked.lines)
        return import_id

    async def progress(self, import_id: str) -> ImportProgress:
        """How far a file has come. Raises Missing where there is none of this id."""
        return await self._books.progress(import_id)

    async def cancel(self, import_id: str) -> None:
        """Report no further line of a file. Raises Missing where it is not under way."""
        try:
            await self._client.get_workflow_handle(import_workflow_id(import_id)).cancel()
        except RPCError as error:
            raise _translated(error, f"import {import_id} is not under way", f"{import_id}不在报送中") from None

    async def result(self, import_id: str, language: Language) -> AsyncIterator[list[list[str]]]:
        """The answer to every line, in pages of cells, the heading first."""
        yield [list(HEADING[language == "en"])]
        after = 0
        while answers := await self._books.answers(import_id, after):
            yield [
                [
                    str(answer.line),
                    LINE_OUTCOMES[answer.outcome].in_(language),
                    STATUS_NAMES[Status(answer.status)].in_(language) if answer.status else "",
                    answer.answer.in_(language),
                ]
                for answer in answers
            ]
            after = answers[-1].line

    def _import_id(self, given: HandedOver) -> str:
        with given.file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").digest()
        return f"{given.sender.id}-{self._identities.digest(content)[:16]}"

    async def _write_down(self, import_id: str, sender: Sender, page: Sequence[Row | Problem], today: date) -> None:
        rows = [item for item in page if isinstance(item, Row)]
        keys = dict(
            zip(
                (row.line for row in rows),
                await self._identities.people([row.documents for row in rows], [row.name for row in rows]),
                strict=True,
            )
        )
        found = {line: key for line, key in keys.items() if isinstance(key, str)}
        own = await self._own(sender, rows, found, today)
        lines = []
        for item in page:
            if isinstance(item, Problem):
                lines.append(_broken(item.line, item.message))
                continue
            key = keys[item.line]
            if isinstance(key, Refused | ContractError):
                lines.append(_broken(item.line, key.text))
                continue
            if own is not None and key not in own:
                because: Text | None = not_its_own(sender)
            else:
                because = await Rights(self._people).against_fact(sender, key, item.states)
            if because is not None:
                lines.append(_broken(item.line, because))
            else:
                lines.append(StagedLine(line=item.line, person=key, fact=wire(item.fact)))
        await self._books.stage(import_id, lines)

    async def _own(self, sender: Sender, rows: Sequence[Row], keys: dict[int, str], today: date) -> set[str] | None:
        """Of whom the sender may speak, with those whom these lines make its own; None for everybody."""
        if sender.people == "area":
            return None
        claimed = [keys[row.line] for row in rows if row.states.type in sender.claims and row.line in keys]
        await self._people.claim(sender.id, claimed, today)
        return await self._people.owned(sender.id, list(keys.values()))

    async def _start(self, import_id: str, given: HandedOver, lines: int) -> None:
        """Start the workflow where a line waits and none runs."""
        workflow_id = import_workflow_id(import_id)
        if not await self._books.waiting(import_id, 0, 1):
            if not await self._runs(workflow_id):
                await self._books.set_state(import_id, ImportState.DONE)
            return
        await self._books.set_state(import_id, ImportState.RUNNING)
        order = ImportOrder(
            import_id=import_id, sender=given.sender.id, area=given.sender.area, name=given.title, lines=lines
        )
        summary = Text(f"批量报送 {given.title}", f"file {given.title} of {given.sender.id}")
        try:
            await self._client.start_workflow(
                Batch.run,
                order,
                id=workflow_id,
                task_queue=LIVES_QUEUE,
                # One that is just ending goes through the lines once more.
                start_signal="hand_over",
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=summary.both(),
                priority=Priority(fairness_key=given.sender.area),
            )
        except RPCError as error:
            raise _translated(error, "there is no such namespace", "没有这一命名空间") from None

    async def _runs(self, workflow_id: str) -> bool:
        try:
            described = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise _translated(error, "", "") from None
        return described.status is WorkflowExecutionStatus.RUNNING


def csv_text(rows: Sequence[Sequence[str]]) -> str:
    """Cells as CSV; none of them is taken for a formula by a spreadsheet."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in row] for row in rows
    )
    return text.getvalue()


def _broken(line: int, because: Text) -> StagedLine:
    return StagedLine(line=line, outcome=LineOutcome.BROKEN, answer=because)


def _translated(error: RPCError, en: str, zh: str) -> Missing | Unavailable:
    if error.status is RPCStatusCode.NOT_FOUND:
        return Missing(en, zh)
    return Unavailable(f"Temporal does not answer: {error.status.name}", f"Temporal 没有答复:{error.status.name}")
