"""`canbao campaign`: the annual collection of an area: opening it, how far it has come, who is not enrolled."""

import asyncio
import csv
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.packs_in_force import with_published
from adapters.registry.campaigns import CampaignBooks
from adapters.registry.published_packs import PublishedPacks
from cli.connections import in_a_sentence, registry, temporal
from cli.language import Speaker
from domain.bilingual import Text
from domain.campaigns import PER_SECOND, REMIND_DAYS_BEFORE, STAGES, CampaignOrder
from domain.civil_time import current_day
from domain.errors import ContractError, Refused
from domain.money import yuan
from domain.status import STATUS_NAMES, Status
from policy.campaigns import collection
from policy.pack_library import NotStated, library
from workflows.campaign import Campaign
from workflows.names import LIVES_QUEUE, campaign_workflow_id

AREA, YEAR = ("统筹区代码", "code of the area, such as 130925"), ("参保年度", "plan year")
_REASONS = {
    "no_registration": Text("未登记", "not registered"),
    "unpaid": Text("已登记未缴费", "registered, and not paid"),
}


def add(app: typer.Typer, say: Speaker) -> None:
    campaign = typer.Typer(no_args_is_help=True, help=say("年度集中征缴。", "The annual collection of an area."))
    app.add_typer(campaign, name="campaign")
    console = Console(highlight=False, soft_wrap=True)
    area_help, year_help = say(*AREA), say(*YEAR)

    @campaign.command("open", help=say("开始一个统筹区的征缴。", "Begin the collection of an area."))
    def open_campaign(
        area: Annotated[str, typer.Argument(help=area_help)],
        year: Annotated[int, typer.Argument(help=year_help)],
        target: Annotated[
            float | None, typer.Option(min=0, max=100, help=say("目标缴费率(百分比)", "percent that are to have paid"))
        ] = None,
        rate: Annotated[float, typer.Option(min=0.1, help=say("每秒催缴人数", "reminders a second"))] = PER_SECOND,
        remind: Annotated[
            str,
            typer.Option(help=say("截止前几天催缴,逗号分隔", "days before the end on which reminders go out")),
        ] = ",".join(map(str, REMIND_DAYS_BEFORE)),
    ) -> None:
        order = CampaignOrder(
            area=area, plan_year=year, target=target, per_second=rate, remind_days_before=_days(remind)
        )
        print(asyncio.run(_open(order, say)))

    @campaign.command("status", help=say("进度。", "How far it has come."))
    def status(
        area: Annotated[str, typer.Argument(help=area_help)], year: Annotated[int, typer.Argument(help=year_help)]
    ) -> None:
        _print(console, say, asyncio.run(_progress(area, year)))

    for verb, zh, en in (("pause", "暂停。", "Pause it."), ("resume", "继续。", "Go on.")):
        _add_signal(campaign, say, verb, say(zh, en))

    @campaign.command("list", help=say("未参保名单(CSV)。", "Who was not enrolled when it closed (CSV)."))
    def list_not_enrolled(
        area: Annotated[str, typer.Argument(help=area_help)], year: Annotated[int, typer.Argument(help=year_help)]
    ) -> None:
        asyncio.run(_list(area, year, say))


def _add_signal(campaign: typer.Typer, say: Speaker, verb: str, words: str) -> None:
    @campaign.command(verb, help=words)
    def send(
        area: Annotated[str, typer.Argument(help=say(*AREA))], year: Annotated[int, typer.Argument(help=say(*YEAR))]
    ) -> None:
        asyncio.run(_signal(area, year, verb))


def _days(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise ContractError("--remind takes days with commas between, such as 30,7,1", "--remind 应为天数,如 30,7,1")
    return [int(part) for part in parts]


async def _open(order: CampaignOrder, say: Speaker) -> str:
    assert order.plan_year is not None
    async with registry() as database:
        packs = with_published(library(), await PublishedPacks(database).texts())
    found = collection(packs, order.area, order.plan_year, current_day())
    if isinstance(found, NotStated):
        raise Refused(f"the collection cannot begin: {found.because.en}", f"无法开始征缴:{found.because.zh}")
    async with temporal() as client:
        name = campaign_workflow_id(order.area, order.plan_year)
        try:
            await client.start_workflow(
                Campaign.run,
                order,
                id=name,
                task_queue=LIVES_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                static_summary=Text(f"集中征缴 {order.plan_year}", f"collection for {order.plan_year}").both(),
                priority=Priority(fairness_key=order.area),
            )
        except WorkflowAlreadyStartedError:
            raise Refused(f"{name} is under way already", f"{name}已在进行中") from None
        return say(f"{name} 已开始:{found.opens} → {found.closes}", f"{name} begins: {found.opens} → {found.closes}")


async def _handle(client: Client, area: str, year: int) -> WorkflowHandle[Any, Any]:
    """The collection that was begun by hand, or the one that the area's schedule began."""
    by_hand = client.get_workflow_handle(campaign_workflow_id(area, year))
    try:
        await by_hand.describe()
        return by_hand
    except RPCError:
        query = f"WorkflowType = 'Campaign' AND WorkflowId STARTS_WITH 'campaign-{_code(area)}-'"
        async for found in client.list_workflows(query, limit=20):
            handle = client.get_workflow_handle(found.id, run_id=found.run_id)
            order: CampaignOrder = await handle.query("progress", result_type=CampaignOrder)
            if order.plan_year == year:
                return handle
    raise Refused(f"there is no collection of {area} for {year}", f"没有{area}{year}年度的集中征缴")


def _code(area: str) -> str:
    if len(area) != 6 or not area.isdecimal():
        raise ContractError("an area is six digits of GB/T 2260", "统筹区应为六位行政区划代码")
    return area


async def _progress(area: str, year: int) -> CampaignOrder:
    async with temporal() as client:
        handle = await _handle(client, area, year)
        try:
            order: CampaignOrder = await handle.query("progress", result_type=CampaignOrder)
        except RPCError as error:
            raise in_a_sentence(error, f"collection of {area} for {year}") from None
        return order


async def _signal(area: str, year: int, verb: str) -> None:
    async with temporal() as client:
        await (await _handle(client, area, year)).signal(verb)


async def _list(area: str, year: int, say: Speaker) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow([say("登记号", "person"), say("统筹区", "area"), say("状态", "status"), say("原因", "because")])
    async with registry() as database:
        books, after = CampaignBooks(database), ""
        while page := await books.not_enrolled(f"{area}/{year}", after):
            for row in page:
                status = STATUS_NAMES[Status(row.status or Status.UNREGISTERED)].in_(say.language)
                writer.writerow([row.person, row.area, status, _REASONS[row.because].in_(say.language)])
            after = page[-1].person


def _print(console: Console, say: Speaker, order: CampaignOrder) -> None:
    counts = order.counts
    extended = say("(延期)", " (extended)") if order.extended else ""
    stage = STAGES[order.stage].in_(say.language)
    console.print(f"{order.area} {order.plan_year}: {stage}, {order.opens} → {order.closes}{extended}")
    target = "" if order.target is None else say(f",目标{order.target}%", f", target {order.target}%")
    console.print(
        say(
            f"上年参保{counts.enrolled_last_year}人,已登记{counts.registered}人,"
            f"已缴费{counts.paid}人({counts.percent}%{target}),待缴{yuan(counts.open_amount)}元",
            f"enrolled last year {counts.enrolled_last_year}, registered {counts.registered}, paid {counts.paid} "
            f"({counts.percent}%{target}), {yuan(counts.open_amount)} yuan to be paid",
        )
    )
    console.print(
        say(
            f"续保登记{order.registered}人,不予受理{order.refused}人,催缴{order.reminded}次,未参保{order.not_enrolled}人",
            f"registered anew {order.registered}, refused {order.refused}, reminders {order.reminded}, "
            f"not enrolled {order.not_enrolled}",
        )
    )
