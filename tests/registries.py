"""Empty registries for tests: files of SQLite, and databases of the run's PostgreSQL server, copied from a template."""

from __future__ import annotations

import os
import uuid
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from adapters.registry.database import Database, connect_registry
from adapters.registry.schema import Schema
from tests.keys import RING

SERVER = "TEST_DATABASE_URL"
DIALECTS = ("sqlite", "postgresql")
TEMPLATE = "canbao_template"


async def make_template(server: str) -> None:
    """A database with the newest schema, which the others are copied from."""
    await _command(server, sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(TEMPLATE)))
    await _command(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    database = connect_registry(_at(server, TEMPLATE), RING)
    await database.on_schema(Schema.upgrade)
    await database.close()


class Registries:
    """Makes registries; those of the server are dropped when it is left."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def empty(self, dialect: str, folder: Path, name: str = "registry.db") -> str:
        """The address of a registry without tables."""
        return await self._new(dialect, folder, name, "template0")

    async def new(self, dialect: str, folder: Path, name: str = "registry.db") -> str:
        """The address of a registry with the newest schema and nothing in it."""
        return await self._new(dialect, folder, name, TEMPLATE)

    async def opened(self, dialect: str, folder: Path, name: str = "registry.db") -> Database:
        """Such a registry, open; it is closed with all the others."""
        database = connect_registry(await self.new(dialect, folder, name), RING)
        await database.prepare()
        self._stack.push_async_callback(database.close)
        return database

    async def _new(self, dialect: str, folder: Path, name: str, template: str) -> str:
        if dialect == "sqlite":
            return f"sqlite:///{folder / name}"
        server = os.environ[SERVER]
        made = f"test_{uuid.uuid4().hex[:16]}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        await _command(server, create.format(sql.Identifier(made), sql.Identifier(template)))
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(made))
        self._stack.push_async_callback(_command, server, drop)
        return _at(server, made)


def _at(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def _command(server: str, command: sql.Composed) -> None:
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute(command)
