"""The connection to the registry's database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from adapters.registry import tables
from domain.errors import ConfigurationError, Unavailable

# A writer that finds the database busy waits this long; SQLite lets one write at a time.
BUSY_SECONDS = 20


class Database:
    """A pool of connections. Each `transaction` is one database transaction."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._engine: AsyncEngine = create_async_engine(
            f"sqlite+aiosqlite:///{file}", connect_args={"timeout": BUSY_SECONDS}, pool_size=4
        )
        event.listen(self._engine.sync_engine, "connect", _prepare)
        event.listen(self._engine.sync_engine, "begin", _begin_writing)

    async def create(self) -> None:
        """Create what is missing. Raises ConfigurationError where the file cannot be written."""
        assert tables.Person.metadata is SQLModel.metadata
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            async with self._engine.begin() as connection:
                await connection.run_sync(SQLModel.metadata.create_all)
        except (OSError, OperationalError) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error.strerror
            raise ConfigurationError(
                f"the registry {self.file} cannot be opened for writing: {reason}; choose another folder with --data"
            ) from None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction, undone by an exception. Raises Unavailable when the database is away."""
        try:
            async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (OperationalError, OSError) as error:
            raise Unavailable(f"the registry does not answer: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._engine.dispose()


def _prepare(connection: Any, _record: Any) -> None:
    # The driver's own way of opening transactions is turned off, so that `_begin_writing` decides.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_writing(connection: Any) -> None:
    # Taking the write lock at once turns a deadlock between two readers that both want to write into a short wait.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
