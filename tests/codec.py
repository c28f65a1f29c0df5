"""The codec server over a test's world, at a port of this machine, as the Web UI and Temporal's command line ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvicorn

from adapters.registry.audit import AuditJournal
from adapters.settings import Settings
from cli.codec import service_of
from intake.codec_server.app import create_app
from sandbox.dev_issuer import DevelopmentIssuer
from sandbox.processes import answers, free_port
from tests.world import World

SAMPLES = Path(__file__).parent.parent / "samples"
ISSUER, AUDIENCE = "http://issuer.test", "canbao"
OPERATOR, STRANGER = "yanshan-clerk", "kunming-clerk"
"""Who sees the people of Yanshan, and who sees those of Kunming."""


def issuer_of_tests() -> DevelopmentIssuer:
    return DevelopmentIssuer(b"i" * 32, ISSUER, AUDIENCE)


def endpoint(port: int, operator: str) -> str:
    """The address that a Web UI is given: with a token in its path."""
    return f"http://127.0.0.1:{port}/as/{issuer_of_tests().token(operator)}"


class _Server(uvicorn.Server):
    """A server that leaves signals to the tests."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup()
        loop = asyncio.create_task(self.main_loop())
        try:
            yield
        finally:
            self.should_exit = True
            await loop
            await self.shutdown()


@dataclass
class CodecServer:
    """Where it is, and how somebody speaks with it."""

    port: int
    http: httpx2.AsyncClient
    audit: AuditJournal

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def as_(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {issuer_of_tests().token(name)}"}

    def arguments(self, name: str) -> list[str]:
        """How Temporal's command line is told of it."""
        return ["--codec-endpoint", self.address, "--codec-auth", f"Bearer {issuer_of_tests().token(name)}"]


@asynccontextmanager
async def codec_server(
    world: World, folder: Path, *, port: int = 0, ui: Sequence[str] = (), token_in_path: bool = True
) -> AsyncIterator[CodecServer]:
    """The server while the block runs."""
    keys = folder / "issuer.jwks.json"
    issuer_of_tests().publish(keys)
    settings = Settings(
        data=folder,
        senders=SAMPLES,
        operators=SAMPLES / "operators.yaml",
        key_set=str(keys),
        token_issuer=ISSUER,
        token_audience=AUDIENCE,
    )
    service = service_of(world.database, settings, world.client.namespace, token_in_path=token_in_path)
    port = port or free_port()
    config = uvicorn.Config(create_app(service, ui), host="127.0.0.1", port=port, log_level="error", access_log=False)
    async with _Server(config).running(), httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        assert answers(port)
        yield CodecServer(port, http, AuditJournal(world.database))
