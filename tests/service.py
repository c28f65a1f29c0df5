"""The service over a test's world, asked over HTTP as senders ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlmodel import select

from adapters.registry.database import Database
from adapters.registry.people_tables import Document
from adapters.registry.tables import ImportFile, Person
from intake.api.app import create_app
from intake.api.service import Service
from intake.sender_files import Senders, read_senders
from intake.tokens import Tokens
from sandbox.dev_issuer import DevelopmentIssuer
from tests.world import World
from workflows.names import import_workflow_id

SAMPLES = Path(__file__).parent.parent / "samples"
ISSUER, AUDIENCE = "http://issuer.test", "canbao"


@dataclass
class Caller:
    """Whoever asks."""

    service: Service
    app: FastAPI
    issuer: DevelopmentIssuer
    http: httpx2.AsyncClient

    def as_(self, sender: str, **headers: str) -> dict[str, str]:
        """The headers of a sender."""
        return {"Authorization": f"Bearer {self.issuer.token(sender)}", **headers}

    async def report(self, sender: str, documents: list[dict[str, Any]], fact: dict[str, Any]) -> httpx2.Response:
        body = {"person": {"documents": documents}, "fact": fact}
        return await self.http.post("/v1/reports", json=body, headers=self.as_(sender))

    async def get(self, sender: str, path: str, **query: str) -> httpx2.Response:
        return await self.http.get(path, params=query, headers=self.as_(sender))

    async def recorded(self, person: str) -> None:
        """Wait until the registry knows of a person."""
        async with asyncio.timeout(20):
            while not await self.service.reader.history(person):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def calling(
    world: World,
    folder: Path,
    *,
    patience: float = 20,
    senders: Senders | None = None,
    database: Database | None = None,
) -> AsyncIterator[Caller]:
    """A service over a world. When it is left, the world knows of every life and file that it began."""
    issuer = DevelopmentIssuer(b"i" * 32, ISSUER, AUDIENCE)
    keys = folder / "keys.json"
    issuer.publish(keys)
    service = Service.of(
        world.client,
        database or world.database,
        world.secret,
        senders or read_senders(SAMPLES),
        Tokens(str(keys), ISSUER, AUDIENCE),
        timedelta(seconds=patience),
    )
    app = create_app(service)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://canbao.test", timeout=60) as http:
            yield Caller(service, app, issuer, http)
    finally:
        await adopt(world, world.database)


async def adopt(world: World, database: Database) -> None:
    """Have the world replay, and end, the lives and files that a service began."""

    def names(session: Any) -> tuple[list[str], list[str]]:
        people = {*session.exec(select(Person.key)), *session.exec(select(Document.person))}
        return sorted(people), list(session.exec(select(ImportFile.id)))

    people, files = await database.transaction(names)
    for key in people:
        if key not in world.keys:
            world.keys.append(key)
            world.shifts[key] = 0
    world.cases.extend(import_workflow_id(name) for name in files)
