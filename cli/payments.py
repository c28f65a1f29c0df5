"""`canbao payments`: learn from the tax bureau which premiums were paid, and tell the lives."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from adapters.registry.feeds import Feeds
from adapters.registry.money import MoneyBooks
from adapters.secrets import load_or_create
from adapters.settings import Settings, load_settings
from adapters.tax.client import TaxBureauClient
from cli.connections import registry_and_temporal
from cli.language import Speaker
from domain.errors import Unavailable
from domain.facts import Fact
from domain.life import Receipt
from intake.report import report
from intake.tax_payments import TAX_SENDER, PaymentDesk
from intake.tax_pushes import create_app
from sandbox.processes import claim_port


@dataclass(frozen=True, slots=True)
class Listening:
    """The port of this machine at which pushes arrive, and the address by which the bureau reaches it."""

    port: int
    address: str


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command(
        "payments", help=say("从税务系统取得缴费记录。", "Learn from the tax bureau which premiums were paid.")
    )
    def payments(
        every: Annotated[
            float | None,
            typer.Option(min=1, help=say("每隔多少秒重复", "go on until SIGTERM, with so many seconds between")),
        ] = None,
        listen: Annotated[
            int | None,
            typer.Option(
                help=say(
                    "同时在本机该端口接收签名推送", "also take the bureau's signed pushes, at this port of this machine"
                )
            ),
        ] = None,
        address: Annotated[
            str | None,
            typer.Option(
                help=say(
                    "税务推送到的地址,缺省为本机端口", "where the bureau pushes to; this machine's port if left out"
                )
            ),
        ] = None,
    ) -> None:
        pushed = None
        if listen is not None:
            pushed = Listening(listen, f"{address or f'http://127.0.0.1:{listen}'}/v1/tax/payments")
        asyncio.run(_pull(load_settings(), every if listen is None else every or 60, pushed, say))


@asynccontextmanager
async def payment_desk(settings: Settings) -> AsyncIterator[tuple[PaymentDesk, MoneyBooks, TaxBureauClient]]:
    """What takes payments to the lives. Raises ConfigurationError or Unavailable."""
    async with registry_and_temporal() as (database, client), TaxBureauClient(settings.tax_address) as bureau:

        async def tell(person: str, fact: Fact) -> Receipt:
            return await report(client, person, fact, TAX_SENDER)

        books = MoneyBooks(database)
        yield PaymentDesk(bureau, Feeds(database), books, tell), books, bureau


async def _pull(settings: Settings, every: float | None, listen: Listening | None, say: Speaker) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with payment_desk(settings) as (desk, books, bureau):
        listener, secret = None, ""
        if listen is not None:
            secret = load_or_create(settings.push_secret_file).hex()
            claim_port(listen.port, "pushes")
            listener = asyncio.create_task(_listen(create_app(desk, books, secret), listen.port, stopped))
        while not stopped.is_set():
            try:
                if listen is not None:
                    await bureau.ask_for_pushes(listen.address, secret)
                count, held = await desk.pull()
                print(say(f"收到{count}笔缴费", f"{count} payments reported"), flush=True)
                for line in held:
                    print(say(f"暂收 {line}", f"held in suspense: {line}"), flush=True)
            except Unavailable as error:
                if every is None:
                    raise
                print(error, flush=True)  # the next round goes on from where this one stopped
            if every is None:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), every)
        if listener is not None:
            await listener


class _Server(uvicorn.Server):
    """A server that leaves signals to the program that it is a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _listen(app: FastAPI, port: int, stopped: asyncio.Event) -> None:
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve())
    await stopped.wait()
    server.should_exit = True
    await serving
