"""What commands that speak with lives or with the registry open, and close again."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from adapters.registry.audit import AuditJournal, Way
from adapters.registry.database import Database, open_registry
from adapters.registry.key_merges import KeyMerges
from adapters.settings import load_settings
from domain.errors import Refused, Unavailable
from workflows.names import person_of


@asynccontextmanager
async def registry() -> AsyncIterator[Database]:
    """The registry of the settings. Raises ConfigurationError where it cannot be opened."""
    database = open_registry(load_settings())
    await database.prepare()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def registry_and_temporal() -> AsyncIterator[tuple[Database, Client]]:
    """The registry, and Temporal with the keys of its people.

    Raises ConfigurationError where the registry cannot be opened, Unavailable where either does not answer.
    """
    from worker import connect

    async with registry() as database:
        yield database, await connect(database.keys, load_settings())


@asynccontextmanager
async def temporal() -> AsyncIterator[Client]:
    """Temporal, for what needs the registry for its keys only."""
    async with registry_and_temporal() as (_, client):
        yield client


def console_user() -> str:
    """Who uses the console, as the machine knows them."""
    return f"console:{getpass.getuser()}"


async def look_into(database: Database, what: str, where: str) -> None:
    """Write to the audit journal that somebody looks into a life or a case, or acts on it, by key or workflow id.

    What is typed may be anything, an ID number too: only a key that is known is written down.
    """
    person = person_of(where) or where
    named = person if await KeyMerges(database).known(person) else ""
    await AuditJournal(database).write(console_user(), what, person=named, way=Way.CONSOLE)


def in_a_sentence(error: RPCError, what: str) -> Unavailable | Refused:
    """An error of the server as one of ours."""
    if error.status is RPCStatusCode.NOT_FOUND:
        return Refused(f"there is no {what}; `canbao person show` takes the key or the workflow id", f"没有{what}")
    return Unavailable(f"Temporal does not answer: {error.status.name}", f"Temporal 没有答复:{error.status.name}")
