"""The registry in a file: the embedded default, one writer at a time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, event
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, create_engine

from adapters.registry.database import Database, in_words, with_schema
from adapters.registry.schema import Schema
from domain.errors import ConfigurationError

T = TypeVar("T")
# A writer that finds the database busy, with another process, waits this long.
BUSY_SECONDS = 20


class SQLite(Database):
    """A registry in a file, brought to the newest schema whenever it is opened."""

    dialect = "sqlite"

    def __init__(self, url: URL) -> None:
        assert url.database is not None
        self.file = Path(url.database)
        self._engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="registry")
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin_writing)

    async def prepare(self) -> None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            await self._on_schema(Schema.upgrade)
        except (OSError, DatabaseError) as error:
            raise ConfigurationError(
                f"the registry {self.file} cannot be opened for writing: {in_words(error)}; "
                "choose another folder with --data",
                f"登记库{self.file}无法写入:{in_words(error)};请用 --data 另选目录",
            ) from None

    async def _on_schema(self, work: Callable[[Schema], T]) -> T:
        return await self._beside(lambda: with_schema(self._engine, work))

    async def close(self) -> None:
        await self._beside(self._engine.dispose)

    async def _scrub(self) -> bool:
        def checkpoint() -> bool:
            # Deleted rows are overwritten in the file; the log beside it still has them until it is emptied.
            with closing(sqlite3.connect(self.file, timeout=BUSY_SECONDS)) as connection:
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy

        return await self._beside(checkpoint)

    async def _transact(self, work: Callable[[Session], T]) -> T:
        def transact() -> T:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                return work(session)

        return await self._beside(transact)

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _prepare(connection: Any, _record: Any) -> None:
    # The driver's own way of opening transactions is turned off, so that `_begin_writing` decides.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    # What is deleted, such as an erased key, is overwritten.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _begin_writing(connection: Any) -> None:
    # Taking the write lock at once turns a deadlock between two readers that both want to write into a short wait.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
