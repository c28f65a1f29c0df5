"""`canbao serve`: the HTTP service through which senders report and read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated

import typer
import uvicorn

from adapters.logs import configure
from adapters.registry.database import open_registry
from adapters.secrets import load_or_create
from adapters.settings import Settings, load_settings
from cli.language import Speaker
from domain.errors import ConfigurationError
from intake.api.app import create_app
from intake.api.service import Service
from intake.sender_files import read_senders
from intake.tokens import Tokens
from sandbox.processes import claim_port


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command("serve", help=say("运行报送与查询接口(HTTP)。", "Run the HTTP service for reports and reading."))
    def serve(
        port: Annotated[int, typer.Option(help=say("端口", "port to listen on"))] = 8680,
        host: Annotated[str, typer.Option(help=say("监听地址", "address to listen at"))] = "127.0.0.1",
    ) -> None:
        claim_port(port, "the service")
        settings = load_settings()
        configure(settings.log_level)
        asyncio.run(_serve(settings, host, port, say))


@asynccontextmanager
async def service_of(settings: Settings) -> AsyncIterator[Service]:
    """The service by the settings. Raises ConfigurationError without any sender, Unavailable without Temporal."""
    from worker import connect

    senders = read_senders(settings.senders)
    if not len(senders):
        raise ConfigurationError(
            f"there is no sender in {settings.senders}; set CANBAO_SENDERS to a folder with SENDER/sender.yaml",
            f"{settings.senders}中没有报送单位;请将 CANBAO_SENDERS 设为含有 单位/sender.yaml 的目录",
        )
    database = open_registry(settings)
    await database.prepare()
    try:
        client = await connect(database.keys, settings)
        yield Service.of(
            client,
            database,
            load_or_create(settings.secret_file),
            senders,
            Tokens(settings.key_set_address, settings.token_issuer, settings.token_audience),
            timedelta(seconds=settings.answer_seconds),
            settings.identity_hash,
        )
    finally:
        await database.close()


async def _serve(settings: Settings, host: str, port: int, say: Speaker) -> None:
    async with service_of(settings) as service:
        config = uvicorn.Config(
            create_app(service),
            host=host,
            port=port,
            log_config=None,  # as everything else is logged
            access_log=False,  # a path can name a person
            server_header=False,
        )
        count = len(service.senders)
        print(
            say(
                f"接口约定 http://{host}:{port}/openapi.json,{count}个报送单位",
                f"contract at http://{host}:{port}/openapi.json, {count} senders",
            ),
            flush=True,
        )
        await uvicorn.Server(config).serve()
