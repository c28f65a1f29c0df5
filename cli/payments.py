"""`canbao payments`: learn from the tax bureau which premiums were paid, and tell the lives."""

import asyncio
import signal
from typing import Annotated

import typer

from adapters.registry.database import open_registry
from adapters.registry.feeds import Feeds
from adapters.settings import Settings, load_settings
from adapters.tax import TaxBureauClient
from cli.language import Speaker
from domain.errors import Unavailable
from intake.report import report
from intake.tax_payments import TAX_SENDER, pull_payments


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command(
        "payments", help=say("从税务系统取得缴费记录。", "Learn from the tax bureau which premiums were paid.")
    )
    def payments(
        every: Annotated[
            float | None,
            typer.Option(min=1, help=say("每隔多少秒重复", "go on until SIGTERM, with so many seconds between")),
        ] = None,
    ) -> None:
        asyncio.run(_pull(load_settings(), every, say))


async def _pull(settings: Settings, every: float | None, say: Speaker) -> None:
    from worker import connect

    client = await connect()
    database = open_registry(settings)
    await database.prepare()
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    try:
        async with TaxBureauClient(settings.tax_address) as bureau:
            while not stopped.is_set():
                try:
                    count, refusals = await pull_payments(
                        bureau, Feeds(database), lambda person, fact: report(client, person, fact, TAX_SENDER)
                    )
                    print(say(f"收到{count}笔缴费", f"{count} payments reported"), flush=True)
                    for refusal in refusals:
                        print(refusal, flush=True)
                except Unavailable as error:
                    if every is None:
                        raise
                    print(error, flush=True)  # the next round goes on from where this one stopped
                if every is None:
                    break
                try:
                    await asyncio.wait_for(stopped.wait(), every)
                except TimeoutError:
                    continue
    finally:
        await database.close()
