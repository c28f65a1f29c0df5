"""`canbao import FILE`: report every line of an agency's file; a broken line is named and stops no other."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from adapters.registry.database import open_registry
from adapters.registry.identities import Identities
from adapters.secrets import load_or_create
from adapters.settings import Settings, load_settings
from cli.language import Speaker
from domain.civil_time import current_day
from domain.errors import Refused
from domain.status import STATUS_NAMES
from intake.desk import Desk
from intake.files.rows import Problem, Row, read_rows

_UNUSABLE_LINES = 1


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command(
        "import",
        help=say(
            "报送文件中的全部事实(CSV,UTF-8 或 GB18030)。", "Report every fact in a file (CSV, UTF-8 or GB18030)."
        ),
    )
    def import_file(
        file: Annotated[Path, typer.Argument(help=say("事实文件", "file of facts"))],
        progress: Annotated[bool, typer.Option(help=say("显示进度", "show progress"))] = True,
    ) -> None:
        rows = list(read_rows(file, current_day()))
        problems = asyncio.run(_report(load_settings(), file, rows, say, progress))
        for problem in sorted(problems, key=lambda problem: problem.line):
            print(problem.in_(say.language))
        print(say(f"共{len(rows)}行,{len(problems)}行未受理", f"{len(rows)} lines, {len(problems)} not taken"))
        if problems:
            raise typer.Exit(_UNUSABLE_LINES)


async def _report(
    settings: Settings, file: Path, rows: list[Row | Problem], say: Speaker, progress: bool
) -> list[Problem]:
    from worker import connect

    database = open_registry(settings)
    await database.prepare()
    try:
        desk = Desk(await connect(), Identities(database, load_or_create(settings.secret_file)))
        problems = []
        for row in track(rows, say("报送", "reporting"), disable=not progress):
            if isinstance(row, Problem):
                problems.append(row)
                continue
            try:
                receipt = await desk.report(await desk.person(row.documents), row.fact, f"file:{file.name}")
            except Refused as error:
                problems.append(Problem(file.name, row.line, error.text))
                continue
            print(f"{file.name}, {row.line}: {STATUS_NAMES[receipt.status].in_(say.language)}")
        return problems
    finally:
        await database.close()
