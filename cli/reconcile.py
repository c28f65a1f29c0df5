"""`canbao reconcile`: the tax bureau's statement against the ledger, now; what differs, and closing it."""

import asyncio
from datetime import date, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from adapters.registry.money import MoneyBooks
from adapters.registry.tables import Difference
from cli.connections import in_a_sentence, registry, temporal
from cli.language import Speaker
from domain.areas import NATION
from domain.civil_time import current_day
from domain.errors import ContractError, Refused, Unavailable
from domain.money import yuan
from domain.reconciliation import CAUSE_NAMES, ReconciliationOrder
from workflows.names import LIVES_QUEUE

_WAIT_SECONDS = 600


def add(app: typer.Typer, say: Speaker) -> None:
    reconcile = typer.Typer(no_args_is_help=True, help=say("与税务对账。", "Reconcile with the tax bureau."))
    app.add_typer(reconcile, name="reconcile")

    @reconcile.command("run", help=say("立即对账至某日。", "Reconcile now, up to a day."))
    def run(
        until: Annotated[
            datetime | None, typer.Option(formats=["%Y-%m-%d"], help=say("截止日", "the last day"))
        ] = None,
    ) -> None:
        order = asyncio.run(_run(until.date() if until else None))
        for outcome in order.outcomes:
            state = say("一致", "agreed") if outcome.agreed else say(f"{outcome.open}处差异", f"{outcome.open} open")
            print(f"{outcome.day}: {outcome.count} · {yuan(outcome.amount)} · {state}")

    @reconcile.command("show", help=say("未结差异。", "The differences that are open."))
    def show(
        area: Annotated[str, typer.Argument(help=say("地区代码", "area code"))] = NATION,
        after: Annotated[str, typer.Option(help=say("上一页最后的编号", "the last name of the page before"))] = "",
    ) -> None:
        rows = asyncio.run(_differences(area, after))
        table = Table()
        for name in (
            say("编号", "name"),
            say("地区", "area"),
            say("原因", "cause"),
            say("税务", "bureau"),
            say("登记库", "ledger"),
        ):
            table.add_column(name)
        for row in rows:
            sums = [yuan(sum_) if sum_ is not None else "—" for sum_ in (row.statement_amount, row.ledger_amount)]
            cause = next(text for name, text in CAUSE_NAMES.items() if name == row.cause)
            table.add_row(f"{row.day}/{row.movement}", row.area, cause.in_(say.language), *sums)
        Console().print(table if rows else say("没有未结差异", "no difference is open"))

    @reconcile.command("close", help=say("结清一处差异。", "Close a difference."))
    def close(
        name: Annotated[str, typer.Argument(help=say("编号,如 2026-03-01/abc", "its name, as 2026-03-01/abc"))],
        actor: Annotated[str, typer.Option(help=say("办理人", "who does it"))],
        reason: Annotated[str, typer.Option(help=say("理由", "why"))],
    ) -> None:
        asyncio.run(_close(name, actor, reason))
        print(say("已结清", "closed"))


async def _run(until: date | None) -> ReconciliationOrder:
    from cli.schedules import RECONCILIATION

    async with temporal() as client:
        try:
            handle = await client.start_workflow(
                "Reconciliation",
                ReconciliationOrder(until=until),
                id=f"{RECONCILIATION}-now",
                task_queue=LIVES_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                result_type=ReconciliationOrder,
            )
            async with asyncio.timeout(_WAIT_SECONDS):
                order: ReconciliationOrder = await handle.result()
                return order
        except TimeoutError:
            raise Unavailable(
                f"it is not done yet and goes on; see the workflow {RECONCILIATION}-now in the Web UI",
                f"尚未完成,仍在进行;见网页界面中的流程 {RECONCILIATION}-now",
            ) from None
        except WorkflowFailureError as error:
            raise Refused(f"the reconciliation failed: {error.cause}", f"对账失败:{error.cause}") from None
        except RPCError as error:
            raise in_a_sentence(error, "reconciliation") from None


async def _differences(area: str, after: str) -> list[Difference]:
    async with registry() as database:
        return await MoneyBooks(database).differences(area, after)


async def _close(name: str, actor: str, reason: str) -> None:
    day, _, movement = name.partition("/")
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise ContractError(
            f"{name} is no difference's name; it is a day, a slash and the movement",
            f"{name}不是差异编号,应为:日期/编号",
        ) from None
    async with registry() as database:
        await MoneyBooks(database).close_difference(on, movement, current_day(), actor, reason)
