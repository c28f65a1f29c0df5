"""`canbao nudge`: after a release, wake the sleeping lives so that they move to it, at a pace."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from temporalio.service import RPCError, RPCStatusCode

from cli.connections import temporal
from cli.language import Speaker
from workflows.person import PersonLifecycle

RUNNING = 'WorkflowType="PersonLifecycle" AND ExecutionStatus="Running"'


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command("nudge", help=say("发布新版本后唤醒沉睡的流程。", "After a release, wake the sleeping lives."))
    def nudge(
        rate: Annotated[float, typer.Option(min=0.1, help=say("每秒人数", "lives a second"))] = 20.0,
        query: Annotated[str, typer.Option(help=say("附加筛选", "narrow the visibility query"))] = "",
    ) -> None:
        asyncio.run(_nudge(say, rate, query))


async def _nudge(say: Speaker, rate: float, query: str) -> None:
    async with temporal() as client:
        whom = f"{RUNNING} AND ({query})" if query else RUNNING
        total = (await client.count_workflows(whom)).count
        nudged = 0
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(say("唤醒", "nudging"), total=total)
            async for life in client.list_workflows(whom):
                try:
                    await client.get_workflow_handle(life.id).signal(PersonLifecycle.nudge)
                    nudged += 1
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:  # it ended meanwhile
                        raise
                progress.advance(task)
                await asyncio.sleep(1 / rate)
        print(say(f"已唤醒{nudged}个流程", f"nudged: {nudged}"))
