"""`canbao shadow`: whom new packs would change, judged on the facts of live lives without changing one of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from activities.assessment import area_of
from activities.packs_in_force import with_published
from adapters.registry.ledger import Ledger
from adapters.registry.published_packs import PublishedPacks
from cli.connections import registry
from cli.language import Speaker
from cli.notice import PACK_FILES, areas_of, check
from cli.person import differences
from domain.civil_time import current_day
from domain.facts import parse_fact
from policy.assess import assess
from policy.pack_library import PackLibrary, library

_PAGE = 200
_CHANGED = 1


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command("shadow", help=say("新政策包会改变谁;不作改动。", "Whom new packs would change; changes nothing."))
    def shadow(
        packs: Annotated[list[Path], typer.Argument(help=say(*PACK_FILES))],
        on: Annotated[
            datetime | None,
            typer.Option(formats=["%Y-%m-%d"], help=say("判断日,默认今天", "the day to judge on; today by default")),
        ] = None,
        details: Annotated[
            bool, typer.Option("--details", help=say("逐人列出变化", "say what changes of each"))
        ] = False,
    ) -> None:
        if asyncio.run(_shadow(say, packs, on.date() if on else current_day(), details)):
            raise typer.Exit(_CHANGED)


async def _shadow(say: Speaker, files: list[Path], on: date, details: bool) -> int:
    console = Console(highlight=False, soft_wrap=True)
    async with registry() as database:
        ledger = Ledger(database)
        published = await PublishedPacks(database).texts()
        packs, new = check(files, published)
        old = with_published(library(), published)
        changed = total = 0
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(say("比较", "comparing"), total=None)
            async for person in _everybody(ledger, areas_of(packs)):
                lines = await _differences(ledger, person, on, old, new, say)
                total, changed = total + 1, changed + bool(lines)
                progress.advance(task)
                if lines and details:
                    console.print("\n  ".join([f"[bold]{person}[/]", *lines]))
    console.print(say(f"{total}人中有{changed}人会变化", f"{changed} of {total} lives would change"))
    return changed


async def _everybody(ledger: Ledger, areas: list[str]) -> AsyncIterator[str]:
    for area in areas:
        after = ""
        while people := await ledger.people(area, after, _PAGE):
            for person in people:
                yield person
            after = people[-1]


async def _differences(
    ledger: Ledger, person: str, on: date, old: PackLibrary, new: PackLibrary, say: Speaker
) -> list[str]:
    facts = [parse_fact(text) for text in (await ledger.read(person)).facts.values()]
    area = area_of(facts)
    return differences(assess(facts, area, on, old), assess(facts, area, on, new), say)
