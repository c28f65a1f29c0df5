"""Files that were handed over: what their lines state, and what was answered. The files themselves are not kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, func, select

from adapters.registry.database import Database
from adapters.registry.tables import ImportFile, ImportLine
from adapters.registry.together import table_of
from adapters.registry.writing import insert_of
from domain.bilingual import Text
from domain.errors import Missing
from domain.imports import ImportProgress, ImportState, LineAnswer, LineOutcome, StagedLine

_LINES = table_of(ImportLine)
_ANSWER = (
    update(_LINES)
    .where(_LINES.c.import_id == bindparam("of"), _LINES.c.line == bindparam("number"), _LINES.c.outcome == "")
    .values(
        # What it stated stands in the life's own record now.
        fact="",
        outcome=bindparam("what"),
        status=bindparam("now"),
        answer_zh=bindparam("zh"),
        answer_en=bindparam("en"),
    )
)


class ImportBooks:
    """The registry's side of files."""

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = insert_of(database.dialect, _LINES)
        # A line that could not be used is read anew; one that was written down stays as it is.
        said = {name: insert.excluded[name] for name in ("person", "fact", "outcome", "answer_zh", "answer_en")}
        self._stage = insert.on_conflict_do_update(
            index_elements=["import_id", "line"], set_=said, where=_LINES.c.outcome == LineOutcome.BROKEN
        )

    async def open(self, import_id: str, sender: str, area: str, name: str, lines: int, totals: dict[str, int]) -> int:
        """Open a file's book, or find it open already; the last line that stands in it."""

        def write(session: Session) -> int:
            held = session.get(ImportFile, import_id)
            if held is not None:
                return held.staged
            session.add(
                ImportFile(
                    id=import_id,
                    sender=sender,
                    area=area,
                    name=name,
                    lines=lines,
                    staged=0,
                    handed_over_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    totals=json.dumps(totals),
                    state=ImportState.STAGING,
                )
            )
            return 0

        return await self._database.transaction(write)

    async def stage(self, import_id: str, lines: Sequence[StagedLine]) -> None:
        """Write lines down; of those that are there, only what could not be used is written anew."""
        rows = [
            {
                "import_id": import_id,
                "line": line.line,
                "person": line.person,
                "fact": line.fact,
                "outcome": line.outcome,
                "status": "",
                "answer_zh": line.answer.zh,
                "answer_en": line.answer.en,
            }
            for line in lines
        ]

        def write(session: Session) -> None:
            session.connection().execute(self._stage, rows)
            held = session.get(ImportFile, import_id, with_for_update=True)
            assert held is not None
            held.staged = max(held.staged, lines[-1].line)
            session.add(held)

        await self._database.transaction(write)

    async def set_state(self, import_id: str, state: ImportState) -> None:
        def write(session: Session) -> None:
            held = session.get(ImportFile, import_id, with_for_update=True)
            if held is not None:
                held.state = state
                session.add(held)

        await self._database.transaction(write)

    async def waiting(self, import_id: str, after: int, limit: int) -> list[StagedLine]:
        """The next lines that have no answer, in order."""

        def read(session: Session) -> list[StagedLine]:
            rows = (
                select(ImportLine)
                .where(ImportLine.import_id == import_id, ImportLine.line > after, ImportLine.outcome == "")
                .order_by(col(ImportLine.line))
                .limit(limit)
            )
            return [StagedLine(line=row.line, person=row.person, fact=row.fact) for row in session.exec(rows)]

        return await self._database.transaction(read)

    async def answer(self, import_id: str, answers: Sequence[LineAnswer]) -> None:
        """Keep what was answered; a line that has an answer keeps it."""
        rows = [
            {
                "of": import_id,
                "number": item.line,
                "what": item.outcome,
                "now": item.status,
                "zh": item.answer.zh,
                "en": item.answer.en,
            }
            for item in answers
        ]
        if rows:
            await self._database.transaction(lambda session: session.connection().execute(_ANSWER, rows) and None)

    async def progress(self, import_id: str) -> ImportProgress:
        """How far a file has come. Raises Missing where there is none of this id."""

        def read(session: Session) -> ImportProgress:
            held = session.get(ImportFile, import_id)
            if held is None:
                raise Missing(f"there is no import {import_id}", f"没有编号为{import_id}的报送文件")
            counts = (
                select(ImportLine.outcome, func.count())
                .where(ImportLine.import_id == import_id)
                .group_by(col(ImportLine.outcome))
            )
            by_outcome = {outcome: int(count) for outcome, count in session.exec(counts)}
            return ImportProgress(
                import_id=import_id,
                sender=held.sender,
                area=held.area,
                name=held.name,
                state=ImportState(held.state),
                lines=held.lines,
                taken=by_outcome.get(LineOutcome.TAKEN, 0),
                refused=by_outcome.get(LineOutcome.REFUSED, 0),
                broken=by_outcome.get(LineOutcome.BROKEN, 0),
            )

        return await self._database.transaction(read)

    async def answers(self, import_id: str, after: int = 0, limit: int = 2000) -> list[LineAnswer]:
        """What was answered to the lines after one, in order."""

        def read(session: Session) -> list[LineAnswer]:
            rows = (
                select(ImportLine)
                .where(ImportLine.import_id == import_id, ImportLine.line > after)
                .order_by(col(ImportLine.line))
                .limit(limit)
            )
            return [
                LineAnswer(
                    line=row.line,
                    outcome=LineOutcome(row.outcome),
                    status=row.status,
                    answer=Text(row.answer_zh, row.answer_en),
                )
                for row in session.exec(rows)
            ]

        return await self._database.transaction(read)
