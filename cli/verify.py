"""`canbao verify` and `canbao rebuild`: compare lives, ledger and bureau; start lives again from the journal."""

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from adapters.registry.ledger import Ledger
from adapters.registry.reader import Reader
from adapters.settings import load_settings
from adapters.tax.client import TaxBureauClient
from cli.connections import registry_and_temporal
from cli.language import Speaker
from intake.rebuilding import rebuild
from intake.verification import Verification, Verified

SIDES = {"life": ("流程", "life"), "ledger": ("登记库", "ledger"), "bureau": ("税务", "bureau")}


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command("verify", help=say("核对流程、登记库与税务;不一致时以 1 退出。", "Compare lives, ledger and bureau."))
    def verify(
        every: Annotated[int, typer.Option(min=1, help=say("每隔几人核对一人", "compare each so many-th person"))] = 1,
        bureau: Annotated[bool, typer.Option(help=say("也核对税务", "ask the tax bureau too"))] = True,
    ) -> None:
        if _report(say, asyncio.run(_verify(say, every, bureau))):
            raise typer.Exit(1)

    @app.command(
        "rebuild",
        help=say("Temporal 丢失后由日志重建全部流程,并核对。", "Start every life again from the journal, and compare."),
    )
    def rebuild_(
        rate: Annotated[float, typer.Option(min=0.1, help=say("每秒人数", "lives a second"))] = 50.0,
    ) -> None:
        asyncio.run(_rebuild(say, rate))


async def _verify(say: Speaker, every: int, ask_bureau: bool) -> Verified:
    async with AsyncExitStack() as stack:
        database, client = await stack.enter_async_context(registry_and_temporal())
        bureau = None
        if ask_bureau:
            bureau = await stack.enter_async_context(TaxBureauClient(load_settings().tax_address))
        verification = Verification(client, Ledger(database), Reader(database), bureau)
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = progress.add_task(say("核对", "comparing"), total=None)
        return await verification.whole(every, lambda: progress.advance(task))


def _report(say: Speaker, verified: Verified) -> bool:
    for item in verified.discrepancies:
        side = say(*SIDES[item.lacking])
        print(f"{item.person}  {side}: {item.what.in_(say.language)}")
    count = len(verified.discrepancies)
    print(
        say(f"已核对{verified.people}人,{count}处不一致", f"{verified.people} people compared, {count} discrepancies")
    )
    return bool(count)


async def _rebuild(say: Speaker, rate: float) -> None:
    async with registry_and_temporal() as (database, client):
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(say("重建", "rebuilding"), total=None)
            count, failed = await rebuild(
                client,
                Ledger(database),
                Reader(database),
                per_second=rate,
                begun=lambda _person: progress.advance(task),
            )
    for line in failed:
        print(line)
    if failed:
        print(say(f"{len(failed)}人未能重建,请再次运行", f"{len(failed)} could not be started; run it again"))
        raise typer.Exit(1)
    print(say(f"已重建{count}人;请运行 canbao verify 核对", f"{count} lives started; run canbao verify to compare"))
