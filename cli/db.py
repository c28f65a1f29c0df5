"""`canbao db`: the registry's schema, brought to this version or looked at."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from adapters.registry.database import Database, open_registry
from adapters.registry.schema import Schema
from adapters.settings import load_settings
from cli.language import Speaker


def add(app: typer.Typer, say: Speaker) -> None:
    group = typer.Typer(no_args_is_help=True, help=say("登记库的结构。", "The registry's schema."))
    app.add_typer(group, name="db")

    @group.command(
        "upgrade", help=say("升级到本版本,可从任何发布版升级。", "Bring it to this version, from any release.")
    )
    def upgrade() -> None:
        before, after = asyncio.run(_upgrade())
        said = say(f"结构{before or '(空)'} → {after}", f"schema {before or '(none)'} → {after}")
        print(said if before != after else say(f"结构{after},无须升级", f"schema {after}, nothing to do"))

    @group.command(
        "check", help=say("查找与本版本的差异;有差异时以 1 退出。", "Find drift; exits with 1 where there is.")
    )
    def check() -> None:
        version, found = asyncio.run(_check())
        print(say(f"结构{version or '(空)'}", f"schema {version or '(none)'}"))
        for line in found:
            print(f"  {line}")
        if found:
            raise typer.Exit(1)
        print(say("没有差异", "no drift"))


T = TypeVar("T")


async def _with_registry(work: Callable[[Database], Awaitable[T]]) -> T:
    database = open_registry(load_settings())
    try:
        return await work(database)
    finally:
        await database.close()


async def _upgrade() -> tuple[str, str]:
    async def change(database: Database) -> tuple[str, str]:
        before = await database.on_schema(Schema.version)
        await database.on_schema(Schema.upgrade)
        return before, await database.on_schema(Schema.version)

    return await _with_registry(change)


async def _check() -> tuple[str, list[str]]:
    async def look(database: Database) -> tuple[str, list[str]]:
        return await database.on_schema(Schema.version), await database.on_schema(Schema.drift)

    return await _with_registry(look)
