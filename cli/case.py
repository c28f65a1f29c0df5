"""`canbao case`: look at a refund, a transfer or a duplicate case, and act on it."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from cli.connections import look_into, registry_and_temporal
from cli.language import Speaker
from cli.operate import add_verb, operate
from cli.person import query_of
from domain.cases import CaseStanding

CASE_VERBS = ("answer", "retry", "settle", "approve", "reject")
WORKFLOW = ("流程编号", "the workflow id")


def add(app: typer.Typer, say: Speaker) -> None:
    case = typer.Typer(
        no_args_is_help=True, help=say("查看与办理退费、转移、重复参保。", "Refunds, transfers, duplicates.")
    )
    app.add_typer(case, name="case")
    console = Console(highlight=False, soft_wrap=True)

    @case.command("show", help=say("现状。", "Where the case stands."))
    def show(workflow: Annotated[str, typer.Argument(help=say(*WORKFLOW))]) -> None:
        standing: CaseStanding = asyncio.run(_standing(workflow))
        console.print(f"[bold]{escape(standing.stage.in_(say.language))}[/]")
        for name, letter in standing.letters.items():
            answer = letter.answer or f"≤ {letter.due}"
            console.print(f"`{name}` → {letter.to}: {escape(letter.what.in_(say.language))} ({answer})")
        for proposal in standing.proposals:
            console.print(f"{say('待复核', 'to be approved')} `{proposal.id}` {proposal.actor}")
        if standing.trouble:
            console.print(f"{say('受阻', 'stuck')}: {escape(standing.trouble)} (retry)")
        for entry in standing.timeline:
            console.print(f"{entry.on} {escape(entry.what.in_(say.language) + (' — ' + entry.by if entry.by else ''))}")

    for verb in CASE_VERBS:
        add_verb(case, say, console, verb, WORKFLOW, _act)


async def _standing(workflow: str) -> Any:
    async with registry_and_temporal() as (database, client):
        await look_into(database, "read standing", workflow)
        return await query_of(client.get_workflow_handle(workflow), "standing", CaseStanding)


async def _act(workflow: str, verb: str, request: dict[str, Any]) -> Any:
    async with registry_and_temporal() as (database, client):
        await look_into(database, f"act {verb}", workflow)
        return await operate(client.get_workflow_handle(workflow), verb, request)
