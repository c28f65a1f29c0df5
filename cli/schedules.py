"""What `worker.py --setup` has done by the clock: the daily reconciliation, and every area's annual collection."""

from __future__ import annotations

from datetime import date, timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import Priority
from temporalio.service import RPCError

from domain.bilingual import Text
from domain.campaigns import CampaignOrder
from domain.errors import ConfigurationError
from domain.reconciliation import ReconciliationOrder
from policy.campaigns import Collection, campaign_areas, collecting, opening_days
from policy.pack_library import PackLibrary
from workflows.names import LIVES_QUEUE

RECONCILIATION = "canbao-reconciliation"
CAMPAIGN = "canbao-campaign-"
_ZONE = "Asia/Shanghai"


async def schedule_reconciliation(client: Client) -> None:
    """Have every day reconciled on the next morning; a schedule that is there is brought up to date."""
    action = ScheduleActionStartWorkflow(
        "Reconciliation",
        ReconciliationOrder(),
        id=RECONCILIATION,
        task_queue=LIVES_QUEUE,
        static_summary=Text("每日对账", "daily reconciliation").both(),
    )
    spec = ScheduleSpec(
        calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(6)], minute=[ScheduleRange(30)])],
        time_zone_name=_ZONE,
    )
    # Money of one day is not compared twice at once, and no morning is passed over: each run catches up by itself.
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=timedelta(days=7))
    await _keep(client, RECONCILIATION, Schedule(action=action, spec=spec, policy=policy))


async def schedule_campaigns(client: Client, library: PackLibrary, today: date) -> list[str]:
    """Have every area's collection begin on the morning of its first day; the areas that have a day ahead.

    A collection whose window is open begins at once, unless it runs already. What a pack that is published
    later says of a window, the next setup takes over.
    """
    scheduled = []
    for area in campaign_areas(library):
        calendars = [
            ScheduleCalendarSpec(
                year=[] if year is None else [ScheduleRange(year)],
                month=[ScheduleRange(day.month)],
                day_of_month=[ScheduleRange(day.day)],
                hour=[ScheduleRange(7)],
            )
            for year, day in opening_days(library, area)
            if year is None or day >= today
        ]
        under_way = isinstance(collecting(library, area, today), Collection)
        if not calendars and not under_way:
            continue
        action = ScheduleActionStartWorkflow(
            "Campaign",
            CampaignOrder(area=area),
            id=f"campaign-{area}",
            task_queue=LIVES_QUEUE,
            static_summary=Text(f"集中征缴 {library.name(area).zh}", f"annual collection of {area}").both(),
            priority=Priority(fairness_key=area),
        )
        # One collection of an area at a time; a day that was missed is caught up within the month.
        policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=31))
        spec = ScheduleSpec(calendars=calendars, time_zone_name=_ZONE)
        await _keep(client, f"{CAMPAIGN}{area}", Schedule(action=action, spec=spec, policy=policy), at_once=under_way)
        scheduled.append(area)
    return scheduled


async def _keep(client: Client, name: str, schedule: Schedule, *, at_once: bool = False) -> None:
    """Make a schedule, or bring the one that is there up to date; and have it act at once where it should be under way.

    Raises ConfigurationError.
    """
    try:
        await client.create_schedule(name, schedule, trigger_immediately=at_once)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(name)
        await handle.update(lambda held: _kept(held, schedule))
        if at_once:
            await handle.trigger()  # passed over where it is under way
    except RPCError as error:
        raise ConfigurationError(f"the schedule cannot be made: {error}", f"定时任务无法建立:{error}") from None


def _kept(held: ScheduleUpdateInput, schedule: Schedule) -> ScheduleUpdate:
    """The schedule as this release has it; whether it is paused stays as an operator left it."""
    schedule.state = held.description.schedule.state
    return ScheduleUpdate(schedule)
