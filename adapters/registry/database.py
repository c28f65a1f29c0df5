"""The connection to the registry's database.

A transaction is an ordinary function of a session. SQLite does its work on one thread beside the event loop: it lets
one write at a time, and a hop per transaction instead of one per statement is what makes it fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, inspect
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session, SQLModel, create_engine

from adapters.registry import tables
from domain.errors import ConfigurationError, Unavailable

T = TypeVar("T")
# A writer that finds the database busy, with another process, waits this long.
BUSY_SECONDS = 20


class Database:
    """The registry's database in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": BUSY_SECONDS})
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="registry")
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin_writing)

    async def create(self) -> None:
        """Create what is missing. Raises ConfigurationError where the file cannot be written."""
        assert tables.Person.metadata is SQLModel.metadata
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            await self._beside(lambda: SQLModel.metadata.create_all(self._engine))
            missing = await self._beside(self._missing_columns)
        except (OSError, OperationalError) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error.strerror
            raise ConfigurationError(
                f"the registry {self.file} cannot be opened for writing: {reason}; choose another folder with --data",
                f"登记库{self.file}无法写入:{reason};请用 --data 另选目录",
            ) from None

        if missing:
            raise ConfigurationError(
                f"the registry {self.file} is of another version: it lacks {', '.join(missing)}; choose another folder",
                f"登记库{self.file}属于另一版本,缺少{'、'.join(missing)};请另选目录",
            )

    def _missing_columns(self) -> list[str]:
        there = inspect(self._engine)
        return [
            f"{table.name}.{column.name}"
            for table in SQLModel.metadata.sorted_tables
            for column in table.columns
            if column.name not in {item["name"] for item in there.get_columns(table.name)}
        ]

    async def transaction(self, work: Callable[[Session], T]) -> T:
        """Do some work in one transaction, undone by an exception. Raises Unavailable when the database is away."""

        def transact() -> T:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                return work(session)

        try:
            return await self._beside(transact)
        except (OperationalError, OSError) as error:
            raise Unavailable(f"the registry does not answer: {type(error).__name__}") from None

    async def close(self) -> None:
        await self._beside(self._engine.dispose)

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


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
