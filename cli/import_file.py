"""`canbao import FILE`: hand over an agency's file: checked, carried by a workflow, and answered line by line."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from xlsxwriter import Workbook

from adapters.registry.identities import Identities
from adapters.registry.imports import ImportBooks
from adapters.registry.senders import SenderPeople
from adapters.secrets import load_or_create
from adapters.settings import Settings, load_settings
from cli.connections import registry_and_temporal
from cli.language import Speaker
from domain.areas import NATION
from domain.bilingual import Text
from domain.civil_time import current_day
from domain.errors import ContractError
from domain.facts import FACT_TYPES
from domain.imports import IMPORT_STATES, ImportProgress, ImportState
from domain.money import fen, yuan
from domain.senders import NOT_REPORTED, Sender, SenderKind
from intake.files.check import Checked
from intake.files.mapping import Mapping
from intake.files.rows import StatedTotals
from intake.imports import HandedOver, ImportDesk, csv_text
from intake.sender_files import read_senders

_UNUSABLE_LINES = 1
_LOOK_SECONDS = 0.3
THE_BUREAU = Sender(
    id="bureau",
    name=Text("经办机构", "the bureau itself"),
    kind=SenderKind.BUREAU,
    area=NATION,
    reports=tuple(kind for kind in FACT_TYPES if kind not in NOT_REPORTED),
)
"""Whose files they are that no sender is named for: an operator's, who may state everything."""


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command(
        "import",
        help=say(
            "报送文件中的全部事实(CSV 或 xlsx):先核对,再由工作流逐行报送。",
            "Hand over a file of facts (CSV or xlsx): checked first, then carried by a workflow, line by line.",
        ),
    )
    def import_file(
        file: Annotated[Path, typer.Argument(help=say("事实文件", "file of facts"))],
        sender: Annotated[
            str | None,
            typer.Option(help=say("报送单位,缺省为本机构", "whose file it is; ours if left out")),
        ] = None,
        headcount: Annotated[int | None, typer.Option(help=say("应有人数", "stated number of people"))] = None,
        receipts: Annotated[int | None, typer.Option(help=say("应有笔数", "stated number of payments"))] = None,
        amount: Annotated[str | None, typer.Option(help=say("应有金额,元", "stated money in yuan"))] = None,
        despite_differences: Annotated[
            bool, typer.Option("--despite-differences", help=say("合计不符也受理", "take it although totals disagree"))
        ] = False,
        only_check: Annotated[
            bool, typer.Option("--check", help=say("只核对,不报送", "check it and report nothing"))
        ] = False,
        result: Annotated[
            Path | None,
            typer.Option(help=say("结果文件,.csv 或 .xlsx", "file for the answer to every line, .csv or .xlsx")),
        ] = None,
        progress: Annotated[bool, typer.Option(help=say("显示进度", "show progress"))] = True,
    ) -> None:
        settings = load_settings()
        given = _given(settings, file, sender)
        stated = StatedTotals(headcount, receipts, None if amount is None else _money(amount))
        console = Console(highlight=False, soft_wrap=True)
        with _bar(progress) as bar:
            task = bar.add_task(say("核对", "checking"), total=None)
            checked = given.check(stated, lambda line: bar.update(task, completed=line))
        _print_check(console, say, checked)
        if checked.differences() and not despite_differences and not only_check:
            raise ContractError(
                "the totals do not agree, and nothing was taken; --despite-differences takes the file nevertheless",
                "合计不符,未受理任何一行;如仍要受理请加 --despite-differences",
            )
        if only_check:
            raise typer.Exit(_UNUSABLE_LINES if checked.broken or checked.differences() else 0)
        done = asyncio.run(_hand_over(settings, given, checked, result or _beside(file), say, progress))
        _print_end(console, say, done, result or _beside(file))
        if done.taken < done.lines:
            raise typer.Exit(_UNUSABLE_LINES)


def _given(settings: Settings, file: Path, sender: str | None) -> HandedOver:
    if sender is None:
        return HandedOver(file, THE_BUREAU, Mapping(), current_day())
    senders = read_senders(settings.senders)
    return HandedOver(file, senders.get(sender), senders.mapping(sender), current_day())


def _money(text: str) -> int:
    try:
        return fen(text)
    except ValueError as error:
        raise ContractError(f"--amount: {error}", "--amount 应为金额,如 24000.00") from None


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.stem}.result.csv")


def _bar(shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not shown or not sys.stderr.isatty())


async def _hand_over(
    settings: Settings, given: HandedOver, checked: Checked, result: Path, say: Speaker, shown: bool
) -> ImportProgress:
    async with registry_and_temporal() as (database, client):
        identities = Identities(database, load_or_create(settings.secret_file), settings.identity_hash)
        desk = ImportDesk(client, identities, ImportBooks(database), SenderPeople(database))
        with _bar(shown) as bar:
            task = bar.add_task(say("接收", "taking down"), total=checked.lines)
            import_id = await desk.take(given, checked, lambda line: bar.update(task, completed=line))
            task = bar.add_task(say("报送", "reporting"), total=checked.rows + checked.broken)
            while (now := await desk.progress(import_id)).state is ImportState.RUNNING:
                bar.update(task, completed=now.answered)
                await asyncio.sleep(_LOOK_SECONDS)
            bar.update(task, completed=now.answered)
        await _write(desk, import_id, result, say)
        return now


async def _write(desk: ImportDesk, import_id: str, file: Path, say: Speaker) -> None:
    """The result file: xlsx where its name says so, else CSV that a spreadsheet reads as UTF-8."""
    if file.suffix.lower() == ".xlsx":
        book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
        sheet, number = book.add_worksheet(), 0
        async for rows in desk.result(import_id, say.language):
            for row in rows:
                sheet.write_row(number, 0, row)
                number += 1
        book.close()
        return
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        async for rows in desk.result(import_id, say.language):
            opened.write(csv_text(rows))


def _print_check(console: Console, say: Speaker, checked: Checked) -> None:
    for problem in checked.problems:
        console.print(problem.in_(say.language), markup=False)
    if checked.broken > len(checked.problems):
        more = checked.broken - len(checked.problems)
        console.print(say(f"……另有{more}行", f"… and {more} lines more"))
    console.print(
        say(
            f"共{checked.rows + checked.broken}行,{checked.broken}行无法使用;{checked.headcount}人,"
            f"缴费{checked.receipts}笔,{yuan(checked.amount)}元",
            f"{checked.rows + checked.broken} lines, {checked.broken} not usable; {checked.headcount} people, "
            f"{checked.receipts} payments, {yuan(checked.amount)} yuan",
        )
    )
    for item in checked.differences():
        console.print(f"[yellow]{item.in_(say.language)}[/]")


def _print_end(console: Console, say: Speaker, done: ImportProgress, result: Path) -> None:
    waiting = done.lines - done.answered
    console.print(
        say(
            f"{IMPORT_STATES[done.state].zh}:已受理{done.taken},不予受理{done.refused},无法使用{done.broken},"
            f"未报送{waiting}",
            f"{IMPORT_STATES[done.state].en}: taken {done.taken}, refused {done.refused}, not usable {done.broken}, "
            f"not reported {waiting}",
        )
    )
    console.print(say(f"逐行结果:{result}", f"the answer to every line: {result}"))
    with suppress(ValueError):
        console.print(say(f"编号:{done.import_id}", f"import: {done.import_id}"))
