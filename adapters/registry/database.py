"""The registry's database: a file (SQLite) or a server (PostgreSQL), by its address.

A transaction is an ordinary function of a session, and is the same on both. SQLite does its work on one thread beside
the event loop: it lets one write at a time, and a hop per transaction instead of one per statement is what makes it
fast. PostgreSQL is spoken to without a thread, over a pool of connections.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import Session

from adapters.keys.ciphers import Cipher
from adapters.keys.data_keys import DataKeys
from adapters.keys.providers import provider_of
from adapters.keys.ring import KeyProvider
from adapters.registry.data_keys import DataKeyTable
from adapters.registry.schema import Schema
from adapters.settings import Settings
from domain.errors import ConfigurationError, Refused, Unavailable

T = TypeVar("T")


class Contradiction(Refused):
    """The database refuses a row that contradicts another, such as cover twice on a day."""


class Database(ABC):
    """The registry's database."""

    dialect: str
    """The name by which SQLAlchemy knows it: sqlite or postgresql."""
    keys: DataKeys
    """What seals its personal columns, and the payloads of its people."""

    @abstractmethod
    async def prepare(self) -> None:
        """Make it ready for use. Raises ConfigurationError where it cannot be used, Unavailable where it is away."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of all connections."""

    async def scrub(self) -> None:
        """Overwrite what was deleted, as far as the database itself still keeps it. Raises Unavailable."""
        try:
            done = await self._scrub()
        except (DBAPIError, sqlite3.Error, OSError) as error:
            raise _not_scrubbed(in_words(error)) from None
        if not done:
            raise _not_scrubbed("somebody else reads it")

    @abstractmethod
    async def _scrub(self) -> bool: ...

    @abstractmethod
    async def _transact(self, work: Callable[[Session], T]) -> T: ...

    @abstractmethod
    async def _on_schema(self, work: Callable[[Schema], T]) -> T: ...

    async def on_schema(self, work: Callable[[Schema], T]) -> T:
        """Do some work on the schema, in one transaction: upgrade it, or look for drift.

        Raises ConfigurationError where it cannot be done, Unavailable when the database is away.
        """
        try:
            return await self._on_schema(work)
        except (OperationalError, InterfaceError) as error:
            raise Unavailable(
                f"the registry does not answer: {in_words(error)}; see CANBAO_DATABASE_URL and CANBAO_DATA",
                f"登记库没有答复:{in_words(error)};请检查 CANBAO_DATABASE_URL 与 CANBAO_DATA",
            ) from None
        except DBAPIError as error:
            raise ConfigurationError(
                f"the registry's schema cannot be used: {in_words(error)}", f"登记库的结构无法使用:{in_words(error)}"
            ) from None

    async def transaction(self, work: Callable[[Session], T]) -> T:
        """Do some work in one transaction, undone by an exception.

        Raises Unavailable when the database is away, Contradiction when it refuses what was written.
        """
        try:
            try:
                return await self._transact(work)
            except IntegrityError:
                # Of two that write the same row for the first time at once, the second finds it the second time.
                return await self._transact(work)
        except IntegrityError as error:
            raise Contradiction(
                f"the registry refuses what contradicts it: {_first_line(error)}",
                f"登记库拒绝与已登记内容相抵触的记录:{_first_line(error)}",
            ) from None
        except (OperationalError, InterfaceError, PoolTimeoutError, OSError) as error:
            raise Unavailable(f"the registry does not answer: {type(error).__name__}") from None
        except DBAPIError as error:
            raise Contradiction(
                f"the registry cannot write this: {_first_line(error)}", f"登记库无法写入:{_first_line(error)}"
            ) from None


def open_registry(settings: Settings) -> Database:
    """The registry of the settings, with as many connections as activities may want at once. Nothing is opened yet."""
    ring = provider_of(settings)
    return connect_registry(settings.registry_address, ring, settings.activity_slots, settings.cipher)


def connect_registry(address: str, ring: KeyProvider, connections: int = 5, cipher: Cipher = Cipher.AES) -> Database:
    """The database at an address: sqlite:///FILE or postgresql://USER@HOST/NAME. Nothing is opened yet.

    `ring` wraps its data keys, which are of `cipher`; `connections` is how many transactions PostgreSQL is asked for
    at once. Raises ConfigurationError for an address of another kind.
    """
    database = _at(address, connections)
    database.keys = DataKeys(ring, DataKeyTable(database), cipher)
    return database


def _at(address: str, connections: int) -> Database:
    from sqlalchemy import make_url

    from adapters.registry.postgresql import PostgreSQL
    from adapters.registry.sqlite import SQLite

    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is not None and url.drivername == "sqlite" and url.database:
        return SQLite(url)
    if url is not None and url.drivername in ("postgresql", "postgresql+psycopg"):
        return PostgreSQL(url.set(drivername="postgresql+psycopg"), connections)
    raise ConfigurationError(
        "the registry's address is neither sqlite:///FILE nor postgresql://USER@HOST/NAME; set CANBAO_DATABASE_URL",
        "登记库地址须为 sqlite:///文件 或 postgresql://用户@主机/库名;请设置 CANBAO_DATABASE_URL",
    )


def _not_scrubbed(because: str) -> Unavailable:
    return Unavailable(
        f"what was deleted may still stand in the registry's files: {because}; run this again",
        f"已删除的内容可能仍在登记库文件中:{because};请再次运行",
    )


def in_words(error: BaseException) -> str:
    """What the database said, without the statement."""
    if isinstance(error, DBAPIError):
        return _first_line(error)
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def with_schema(engine: Engine, work: Callable[[Schema], T]) -> T:
    """Do some work on the schema of a database, in one transaction."""
    with engine.begin() as connection:
        return work(Schema(connection))


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
