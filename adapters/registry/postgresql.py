"""The registry on a server: PostgreSQL 15 and later, many writers at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Session, create_engine

from adapters.registry.database import Database, with_schema
from adapters.registry.schema import Schema
from domain.errors import ConfigurationError

T = TypeVar("T")
_CONNECT_SECONDS = 5
_SCRUBBED = ("data_key", "document", "person_name", "import_line")
# Who finds every connection in use waits this long, less than a call of an activity may take.
_POOL_SECONDS = 20


class PostgreSQL(Database):
    """A registry on a server. `canbao db upgrade` brings it to the newest schema, and nothing else does."""

    dialect = "postgresql"

    def __init__(self, url: URL, connections: int) -> None:
        self._url = url
        self._under_way: set[asyncio.Future[Any]] = set()
        self._engine = create_async_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=_POOL_SECONDS,
            # What is wrong with a row is said without saying what stands in it.
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
        )

    async def prepare(self) -> None:
        if await self.on_schema(Schema.missing):
            raise ConfigurationError(
                "the registry's schema is not of this version; run canbao db upgrade",
                "登记库的结构不是本版本的;请运行 canbao db upgrade",
            )

    async def _on_schema(self, work: Callable[[Schema], T]) -> T:
        def change() -> T:
            engine = create_engine(self._url, hide_parameters=True, connect_args={"connect_timeout": _CONNECT_SECONDS})
            try:
                return with_schema(engine, work)
            finally:
                engine.dispose()

        return await asyncio.to_thread(change)

    async def close(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_POOL_SECONDS)
        await self._engine.dispose()

    async def _scrub(self) -> bool:
        def vacuum() -> bool:
            # By a connection of its own: it takes no part in a transaction.
            engine = create_engine(self._url, isolation_level="AUTOCOMMIT", hide_parameters=True)
            try:
                with engine.connect() as connection:
                    for table in _SCRUBBED:
                        connection.exec_driver_sql(f"VACUUM {table}")
            finally:
                engine.dispose()
            return True

        return await asyncio.to_thread(vacuum)

    async def _transact(self, work: Callable[[Session], T]) -> T:
        try:
            return await self._once(work)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            # A restart of the server has cut the connection, and those beside it, which are replaced now. Whether the
            # transaction was committed is not known, so what is repeated must be one that may be: all of ours may.
            return await self._once(work)

    async def _once(self, work: Callable[[Session], T]) -> T:
        # Whoever waits may be cancelled, such as a worker that ends; a transaction that is cut off in the middle would
        # leave its connection behind.
        doing = asyncio.ensure_future(self._do(work))
        self._under_way.add(doing)
        doing.add_done_callback(self._done)
        return await asyncio.shield(doing)

    def _done(self, doing: asyncio.Future[Any]) -> None:
        self._under_way.discard(doing)
        if not doing.cancelled():
            doing.exception()  # nobody may wait for it any more

    async def _do(self, work: Callable[[Session], T]) -> T:
        sessions = AsyncSession(self._engine, expire_on_commit=False, sync_session_class=Session)
        async with sessions as session, session.begin():
            return await session.run_sync(lambda inner: work(cast("Session", inner)))
