"""Where procedures cross: a student at work, a birth during a transfer, a notice during a wait, a death in a case."""

from __future__ import annotations

from datetime import date
from typing import Any

from activities.assessment import area_of
from activities.packs_in_force import PacksInForce
from adapters.registry.published_packs import PackText, PublishedPacks
from domain.facts import parse_fact
from domain.policy_notices import NoticeOrder
from policy.assess import assess
from policy.pack_library import PACK_FOLDER, library
from tests.facts import KUNMING, XINING, YANSHAN, birth, paid, registered
from tests.world import World
from workflows.names import LIVES_QUEUE
from workflows.notice import Notice


async def _as_the_rules_say(world: World, key: str) -> None:
    """The ledger holds what the rules say today of the facts that the life has."""
    await world.settled(key)
    facts = [parse_fact(text) for text in await world.handle(key).query("facts", result_type=list[str])]
    found = assess(facts, area_of(facts), (await world.overview(key)).today, library())
    held = [(span.area, span.scheme, span.starts, span.ends) for span in await world.ledger.coverage(key)]
    assert sorted(held) == sorted((span.area, span.scheme, span.start, span.end) for span in found.coverage)


async def test_a_student_who_works_in_summer_rests_and_comes_back(world: World) -> None:
    work = {"scheme": "employee", "area": KUNMING}
    months = {"from_month": "2022-07", "to_month": "2022-08", "payer": "employer"}
    facts: list[dict[str, Any]] = [
        {"type": "school_entered", "on": "2021-09-01", "area": KUNMING},
        registered("2021-11-10", 2022, KUNMING, "student"),
        paid("2021-11-10", 2022, KUNMING),
        {"type": "employment_started", "form": "seasonal", "on": "2022-07-01", "area": KUNMING},
        {"type": "registered", "capacity": "unit", "on": "2022-07-01", **work},
        {"type": "paid", "on": "2022-07-06", **months, **work},
    ]
    key = await world.live(facts, until=date(2022, 7, 10))
    await world.settled(key)
    on_summer_day = await world.covered(key, date(2022, 7, 15))
    assert [span.scheme for span in on_summer_day.intervals] == ["employee"]
    await world.move_to(key, date(2022, 8, 31))
    await world.report(key, {"type": "employment_ended", "on": "2022-08-31", "area": KUNMING})
    await world.move_to(key, date(2022, 10, 1))
    await _as_the_rules_say(world, key)
    back = await world.covered(key, date(2022, 10, 1))
    assert [span.scheme for span in back.intervals] == ["resident"]


async def test_a_birth_during_a_transfer_disturbs_neither(world: World) -> None:
    """A newborn's family moves before the child is registered; an application for transfer cannot carry it along."""
    asked = {"type": "transfer_requested", "on": "2017-03-20", "scheme": "resident", "area": YANSHAN}
    facts: list[dict[str, Any]] = [
        birth("2017-03-01"),
        registered("2017-03-10", 2017),
        paid("2017-03-12", 2017, amount="150"),
        {"type": "moved", "kind": "residence", "on": "2017-03-15", "area": "130304"},
        {**asked, "from_area": YANSHAN, "to_area": "130304"},
    ]
    key = await world.live(facts, until=date(2017, 4, 10))
    await _as_the_rules_say(world, key)
    assert (await world.covered(key, date(2017, 3, 1))).covered == "yes"
    assert not [name for name in world.bureau.levies if "130304" in name]


async def test_a_notice_during_a_wait_moves_its_end(world: World) -> None:
    await world.stop_workers()
    await world.start_workers(packs=PacksInForce(library(), PublishedPacks(world.database)))
    payment = paid("2017-01-09", 2017, kind="full")
    key = await world.live([registered("2017-01-09", 2017, YANSHAN, "ordinary"), payment], until=date(2017, 2, 1))
    ends = {item.matter: item.on for item in (await world.overview(key)).deadlines}
    text = (PACK_FOLDER / YANSHAN / "2017.yaml").read_text(encoding="utf-8")
    shorter = PackText(f"{YANSHAN}/2017", text.replace("wait.fixed: 90", "wait.fixed: 60"))
    digest = await PublishedPacks(world.database).publish([shorter], "head-2", "made up")
    order = NoticeOrder(notice=f"notice-{key}", packs=digest, areas=[YANSHAN], per_second=100)
    handle = await world.client.start_workflow(Notice.run, order, id=order.notice, task_queue=LIVES_QUEUE)
    assert (await handle.result()).changed == 1
    moved = {item.matter: item.on for item in (await world.overview(key)).deadlines}
    assert (ends["wait_ends"] - moved["wait_ends"]).days == 30
    await world.move_to(key, date(2017, 3, 20))
    assert (await world.covered(key, date(2017, 3, 20))).covered == "yes"
    assert (await world.overview(key)).status == "enrolled"


async def test_death_during_a_duplicate_case_ends_the_life_and_the_case_goes_on(world: World) -> None:
    facts: list[dict[str, Any]] = [
        registered("2021-11-10", 2022, KUNMING, "ordinary"),
        paid("2021-11-10", 2022, KUNMING),
        {
            "type": "also_enrolled",
            "scheme": "resident",
            "area": XINING,
            "plan_year": 2022,
            "usual_residence": False,
            "on": "2022-02-10",
        },
    ]
    key = await world.live(facts)
    slot = f"duplicate/resident/{XINING}/2022-02-10"
    await world.case_stands(key, slot, "acknowledge")
    await world.report(key, {"type": "died", "on": "2022-02-10", "area": KUNMING})
    assert await world.handle(key).result() == "deceased"
    for letter in ("goes-1", "stays-1"):
        await world.answer(key, slot, letter)
    assert await world.case(key, slot).result() == "settled"


async def test_a_tax_bureau_away_for_a_week_delays_a_refund_and_doubles_nothing(world: World) -> None:
    facts: list[dict[str, Any]] = [
        registered("2021-10-10", 2022, KUNMING, "ordinary"),
        paid("2021-10-10", 2022, KUNMING, amount="320"),
        {"type": "moved", "on": "2021-11-15", "kind": "residence", "area": XINING},
        registered("2021-11-20", 2022, XINING, "ordinary"),
        paid("2021-11-20", 2022, XINING, amount="320"),
        {"type": "refund_requested", "scheme": "resident", "plan_year": 2022, "on": "2021-12-01", "area": KUNMING},
    ]
    slot = f"refund/resident/{KUNMING}/2022/person"
    key = await world.live(facts[:-1], until=date(2021, 12, 1))
    world.bureau.away = True
    await world.report(key, facts[-1])
    await world.case_stands(key, slot, "asked for")
    case = world.case(key, slot)
    await world.pass_days(case, 7)
    assert not world.bureau.refunds
    world.bureau.away = False
    await world.ask(case, "retry", slot=slot)
    await world.case_stands(key, slot, "accepted by the tax bureau")
    assert [call for call in world.bureau.calls if call[0] == "refund"] == [("refund", f"{key}/{slot}", 101)]
