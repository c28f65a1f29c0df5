"""What commands that speak with lives or with the registry open, and close again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.service import RPCError, RPCStatusCode

from adapters.registry.database import Database, open_registry
from adapters.settings import load_settings
from domain.errors import Refused, Unavailable


@asynccontextmanager
async def registry() -> AsyncIterator[Database]:
    """The registry of the settings. Raises ConfigurationError where it cannot be opened."""
    database = open_registry(load_settings())
    await database.prepare()
    try:
        yield database
    finally:
        await database.close()


def in_a_sentence(error: RPCError, what: str) -> Unavailable | Refused:
    """An error of the server as one of ours."""
    if error.status is RPCStatusCode.NOT_FOUND:
        return Refused(f"there is no {what}; `canbao person show` takes the key or the workflow id", f"没有{what}")
    return Unavailable(f"Temporal does not answer: {error.status.name}", f"Temporal 没有答复:{error.status.name}")
