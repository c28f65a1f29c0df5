"""`canbao identity`: whether two keys are one person, which a person decides, and can take back."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from temporalio.client import Client

from adapters.registry.database import Database
from adapters.registry.key_merges import KeyMerges, Merging
from adapters.registry.reader import Reader
from cli.connections import look_into, registry, registry_and_temporal
from cli.language import Speaker
from domain.civil_time import current_day
from domain.errors import Refused
from domain.facts import parse_fact
from intake.report import report

_SENDER = "console"


def add(app: typer.Typer, say: Speaker) -> None:
    console = Console(highlight=False)
    identity = typer.Typer(
        no_args_is_help=True, help=say("登记号的合并与拆分。", "Two keys that are one person: merging and parting.")
    )
    app.add_typer(identity, name="identity")
    key = say("登记号", "opaque key")
    into = say("保留的登记号", "the key that stays")
    actor = say("经办人", "who decides")
    why = say("理由", "why")

    @identity.command("merge", help=say("认定两个登记号为同一人。", "Decide that two keys are one person."))
    def merge(
        person: Annotated[str, typer.Argument(help=key)],
        other: Annotated[str, typer.Argument(help=into)],
        by: Annotated[str, typer.Option(help=actor)],
        reason: Annotated[str, typer.Option(help=why)],
    ) -> None:
        asyncio.run(_merge(person, other, by, reason))
        console.print(say(f"{person} 已并入 {other}", f"{person} is {other} from now on"))

    @identity.command("part", help=say("撤销合并。", "Take two keys apart again."))
    def part(
        person: Annotated[str, typer.Argument(help=key)],
        by: Annotated[str, typer.Option(help=actor)],
        reason: Annotated[str, typer.Option(help=why)],
    ) -> None:
        other = asyncio.run(_part(person, by, reason))
        console.print(say(f"{person} 与 {other} 已拆分", f"{person} and {other} are two people again"))

    @identity.command("show", help=say("某登记号的合并记录。", "Every decision about a key."))
    def show(person: Annotated[str, typer.Argument(help=key)]) -> None:
        for item in asyncio.run(_history(person)):
            parted = f" … {item.parted_on}" if item.parted_on else ""
            console.print(f"{item.on}{parted} {item.person} → {item.into} {escape(item.by)}: {escape(item.reason)}")


async def _merge(person: str, into: str, by: str, reason: str) -> None:
    async with registry_and_temporal() as (database, client):
        merges = KeyMerges(database)
        await look_into(database, "act merge", person)
        await merges.merge(person, into, current_day(), by, reason)
        # Each life learns of the other. What becomes of facts that both hold, a person decides there.
        await _tell(client, database, "merged", person, into, len(await merges.history(person)))


async def _part(person: str, by: str, reason: str) -> str:
    async with registry_and_temporal() as (database, client):
        merges = KeyMerges(database)
        await look_into(database, "act part", person)
        into = await merges.part(person, current_day(), by, reason)
        await _tell(client, database, "unmerged", person, into, len(await merges.history(person)))
    return into


async def _tell(client: Client, database: Database, what: str, person: str, into: str, number: int) -> None:
    reader = Reader(database)
    for key, other in ((person, into), (into, person)):
        if not await reader.history(key):
            continue  # nothing was ever reported of it, so there is no life to tell
        fact = {"type": what, "id": f"identity:{what}/{other}/{number}", "on": current_day(), "other": other}
        try:
            await report(client, key, parse_fact(fact), _SENDER)
        except Refused as error:
            # The decision stands, whatever a life says to it.
            print(f"{key}: {error}")


async def _history(person: str) -> list[Merging]:
    async with registry() as database:
        return await KeyMerges(database).history(person)
