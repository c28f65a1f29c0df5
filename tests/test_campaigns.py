"""The annual collection: registering anew, levies, reminders that stop, an extension while it runs, the list."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from activities.packs_in_force import FixedPacks
from adapters.registry.campaigns import CampaignBooks
from cli.schedules import CAMPAIGN, schedule_campaigns
from domain.campaigns import CampaignOrder, CampaignPage, Renewal, Stage
from domain.civil_time import current_day
from policy.campaigns import areas_apart, campaign_areas, collecting, collection, opening_days
from policy.pack_files import parse_pack
from policy.pack_library import NotStated, PackLibrary, library
from tests.world import World
from workflows.campaign import Campaign
from workflows.names import LIVES_QUEUE, campaign_workflow_id

TODAY = current_day()
AREA = "140300"
YEAR = TODAY.year + 1


def _pack(extended: date | None = None, decided: date | None = None) -> PackLibrary:
    """An area that collects for next year, from ten days ago to in twenty days."""
    last = TODAY + timedelta(days=20)
    said = f", decided_on: {decided}" if decided else ""
    extension = f"\n      window.extension: [{{last: {extended}, applies_to: both{said}}}]" if extended else ""
    text = f"""
area: "{AREA}"
name: {{zh: 试验市, en: Testing}}
valid_from: {YEAR - 1}-01-01
valid_to: {YEAR}-12-31
review_by: {YEAR + 1}-01-01
documents:
  notice: {{title: 虚构通知, grade: B, read_on: {TODAY}}}
clauses:
  - source: {{document: notice, article: 一}}
    says:
      window.collect: [{{plan_year: [{YEAR}], first: {TODAY - timedelta(days=10)}, last: {last}}}]
      benefit_period: [{{first: plan-year 01-01, last: plan-year 12-31}}]
      cover_start.in_window: plan_year_start
      cover_start.in_extension: plan_year_start
      fee: [{{person: "400"}}]{extension}
"""
    return library().with_packs([parse_pack(text, Path(f"{AREA}/test.yaml"))])


class ChangingPacks(FixedPacks):
    """Rules to which a notice can be added."""

    def __init__(self, first: PackLibrary) -> None:
        object.__setattr__(self, "library", first)

    def publish(self, packs: PackLibrary) -> None:
        object.__setattr__(self, "library", packs)


async def _registered(world: World, *more: dict[str, Any], area: str = AREA) -> str:
    """Somebody who is registered for this year."""
    key = world.person(TODAY)
    fact = {"type": "registered", "scheme": "resident", "plan_year": YEAR - 1, "on": str(TODAY), "area": area}
    for item in (fact, *more):
        await world.report(key, item)
    await world.settled(key)
    return key


async def _stands(handle: WorkflowHandle[Any, Any], stage: Stage) -> CampaignOrder:
    async with asyncio.timeout(40):
        while True:
            order: CampaignOrder = await handle.query("progress", result_type=CampaignOrder)
            if order.stage is stage:
                return order
            await asyncio.sleep(0.05)


async def _facts(world: World, key: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in await world.handle(key).query("facts", result_type=list[str])]


async def test_a_collection_from_its_opening_to_the_list_of_the_not_enrolled(world: World) -> None:
    packs = ChangingPacks(_pack())
    await world.stop_workers()
    await world.start_workers(packs=packs)
    payer, late, never = [await _registered(world) for _ in range(3)]
    stopped = await _registered(world, {"type": "stop_requested", "scheme": "resident", "on": str(TODAY), "area": AREA})
    dead = await _registered(world, {"type": "died", "on": str(TODAY)})
    moved = await _registered(
        world,
        {"type": "registered", "scheme": "resident", "plan_year": YEAR, "on": str(TODAY), "area": "450100"},
    )
    child = await _registered(world, {"type": "birth", "on": str(TODAY - timedelta(days=40)), "area": AREA})

    name = campaign_workflow_id(AREA, YEAR)
    world.cases.append(name)
    order = CampaignOrder(area=AREA, plan_year=YEAR, target=95, remind_days_before=[7, 1], per_second=1000)
    handle = await world.client.start_workflow(Campaign.run, order, id=name, task_queue=LIVES_QUEUE)
    opened = await _stands(handle, Stage.COLLECTING)
    assert (opened.registered, opened.refused) == (4, 0)
    for key in (payer, late, never, child):
        registered = [fact for fact in await _facts(world, key) if fact.get("plan_year") == YEAR]
        assert [fact["id"] for fact in registered] == [f"campaign:{AREA}/{YEAR}"]
        await world.settled(key)
        assert f"{key}/levy/resident/{AREA}/{YEAR}/basic" in world.bureau.levies
    for key in (stopped, moved):
        assert f"campaign:{AREA}/{YEAR}" not in [fact.get("id") for fact in await _facts(world, key)]

    await _pay(world, payer)
    await world.rests(handle)
    await world.pass_days(handle, 13.5)  # the seventh day before the end
    reminded = [key for key in world.board.sent if "campaign/" in key]
    assert sorted(key.partition(":")[0] for key in reminded) == sorted([late, never, child])
    assert "400" in world.board.sent[reminded[0]]

    await _pay(world, late)
    packs.publish(_pack(extended=TODAY + timedelta(days=30)))
    await world.rests(handle)
    await world.pass_days(handle, 9)  # past the end that was, which a notice has moved
    going_on = await _stands(handle, Stage.COLLECTING)
    assert (going_on.extended, going_on.closes) == (True, TODAY + timedelta(days=30))
    assert going_on.counts.paid == 2
    assert (going_on.counts.enrolled_last_year, going_on.counts.registered) == (6, 4)
    assert going_on.counts.percent == 33.3

    await world.rests(handle)
    await world.pass_days(handle, 10)
    closed = await handle.result()
    assert (closed.stage, closed.counts.paid) == (Stage.CLOSED, 2)
    reminders = [key for key in world.board.sent if "campaign/" in key]
    assert sum(key.startswith(payer) for key in reminders) == 0
    assert sum(key.startswith(late) for key in reminders) == 1
    assert sum(key.startswith(never) for key in reminders) == 3
    listed = {row.person: row.because for row in await CampaignBooks(world.database).not_enrolled(f"{AREA}/{YEAR}")}
    assert {never: "unpaid", child: "unpaid", stopped: "no_registration"}.items() <= listed.items()
    assert not {payer, late, dead} & set(listed)


async def _pay(world: World, key: str) -> None:
    fact = {"type": "paid", "scheme": "resident", "plan_year": YEAR, "amount": "400", "on": str(TODAY), "area": AREA}
    await world.report(key, fact)
    await world.settled(key)


async def test_people_are_gone_through_in_pages(world: World) -> None:
    await world.stop_workers()
    await world.start_workers(packs=FixedPacks(_pack()))
    people = [await _registered(world) for _ in range(3)]
    books = CampaignBooks(world.database)
    page = CampaignPage(area=AREA, plan_year=YEAR, apart=[], on=TODAY)
    assert sorted(item.person for item in await books.renewals(page)) == sorted(people)
    first = await books.renewals(page.model_copy(update={"limit": 2}))
    rest = await books.renewals(page.model_copy(update={"limit": 2, "after": first[-1].person}))
    assert [item.person for item in (*first, *rest)] == sorted(people)
    apart = await books.renewals(page.model_copy(update={"apart": [AREA], "area": "140000"}))
    assert apart == []


async def test_a_page_that_is_interrupted_registers_nobody_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt fails in the midst of its reports, and the next one goes through the page again."""

    class Interrupting(CampaignBooks):
        asked = 0

        async def renewals(self, page: CampaignPage) -> list[Renewal]:
            found = await super().renewals(page)
            self.asked += 1
            return [*found, Renewal(person="nobody", area=AREA, registration="{")] if self.asked == 1 else found

    books = Interrupting(world.database)
    await world.stop_workers()
    await world.start_workers(packs=FixedPacks(_pack()), campaigns=books)
    people = [await _registered(world) for _ in range(12)]
    name = campaign_workflow_id(AREA, YEAR)
    world.cases.append(name)
    order = CampaignOrder(area=AREA, plan_year=YEAR, remind_days_before=[])
    handle = await world.client.start_workflow("Campaign", order, id=name, task_queue=LIVES_QUEUE)
    await _stands(handle, Stage.COLLECTING)
    assert books.asked >= 2
    for key in people:
        facts = [fact["id"] for fact in await _facts(world, key) if fact.get("plan_year") == YEAR]
        assert facts == [f"campaign:{AREA}/{YEAR}"]
        await world.settled(key)
        assert [call for call in world.bureau.calls if call[1].startswith(key) and str(YEAR) in call[1]] == [
            ("issue", f"{key}/levy/resident/{AREA}/{YEAR}/basic", 1)
        ]
    await handle.terminate()


async def test_who_came_back_after_stopping_or_took_it_back_is_registered_anew(world: World) -> None:
    await world.stop_workers()
    await world.start_workers(packs=FixedPacks(_pack()))
    stop = {"type": "stop_requested", "scheme": "resident", "on": str(TODAY), "area": AREA, "id": "stop"}
    back = {**stop, "id": "back", "corrects": "stop", "withdrawn": True}
    took_back = await _registered(world, stop, back)
    other_scheme = await _registered(world, {**stop, "scheme": "employee"})
    stopped = await _registered(world, stop)
    page = CampaignPage(area=AREA, plan_year=YEAR, apart=[], on=TODAY)
    found = {item.person for item in await CampaignBooks(world.database).renewals(page)}
    assert found == {took_back, other_scheme}
    assert stopped not in found


async def test_without_a_window_nothing_is_collected(world: World) -> None:
    name = campaign_workflow_id("659001", YEAR)
    world.cases.append(name)
    order = CampaignOrder(area="659001", plan_year=1999)
    handle = await world.client.start_workflow(Campaign.run, order, id=name, task_queue=LIVES_QUEUE)
    assert (await handle.result()).stage is Stage.NO_WINDOW


async def test_every_area_has_a_schedule_and_keeps_it(world: World) -> None:
    packs = _pack()
    areas = await schedule_campaigns(world.client, packs, TODAY - timedelta(days=30))
    again = await schedule_campaigns(world.client, packs, TODAY - timedelta(days=30))
    assert AREA in areas
    assert areas == again
    try:
        described = await world.client.get_schedule_handle(f"{CAMPAIGN}{AREA}").describe()
        calendar = described.schedule.spec.calendars[0]
        opens = TODAY - timedelta(days=10)
        assert (calendar.month[0].start, calendar.day_of_month[0].start, calendar.year[0].start) == (
            opens.month,
            opens.day,
            opens.year,
        )
        assert described.schedule.spec.time_zone_name == "Asia/Shanghai"
    finally:
        for area in areas:
            await world.client.get_schedule_handle(f"{CAMPAIGN}{area}").delete()
        async for found in world.client.list_workflows("WorkflowType = 'Campaign' AND ExecutionStatus = 'Running'"):
            await world.client.get_workflow_handle(found.id).terminate()


def test_the_window_of_an_area_with_its_extension() -> None:
    packs = _pack()
    opens, closes = TODAY - timedelta(days=10), TODAY + timedelta(days=20)
    for on, known in (
        (opens - timedelta(days=1), False),
        (opens, True),
        (closes, True),
        (closes + timedelta(days=1), False),
    ):
        found = collecting(packs, AREA, on)
        assert (not isinstance(found, NotStated) and found.plan_year == YEAR) is known
    extended = collection(_pack(extended=closes + timedelta(days=5)), AREA, YEAR, TODAY)
    assert not isinstance(extended, NotStated)
    assert (extended.closes, extended.extended) == (closes + timedelta(days=5), True)
    real = collection(library(), "130925", 2017, TODAY)
    assert not isinstance(real, NotStated)
    assert (real.opens, real.closes) == (date(2016, 10, 20), date(2016, 12, 20))
    areas = campaign_areas(library())
    assert "130925" in areas
    assert "000000" not in areas
    assert areas_apart(library(), "130000", 2017, TODAY) == ["130300", "130925"]
    assert areas_apart(library(), "130000", YEAR, TODAY) == []
    # What the nation's conventions say for judging is no decree by which an area collects.
    assert isinstance(collection(library(), "430100", YEAR, TODAY), NotStated)
    assert (2018, date(2018, 9, 1)) in opening_days(library(), "120000")
    assert (2019, date(2019, 9, 1)) in opening_days(library(), "120000")
    assert (None, date(2015, 9, 1)) not in opening_days(library(), "130925")
    assert (2016, date(2016, 10, 20)) in opening_days(library(), "130925")


@pytest.mark.parametrize("decided", [TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1)])
def test_an_extension_counts_from_the_day_on_which_it_was_decided(decided: date) -> None:
    found = collection(_pack(TODAY + timedelta(days=30), decided), AREA, YEAR, TODAY)
    assert not isinstance(found, NotStated)
    assert found.closes == TODAY + timedelta(days=30 if decided <= TODAY else 20)
