"""Duplicate enrolment on the real server: proposed, decided by rule, commitment or operator, acknowledged, closed."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.facts import KUNMING, XINING, paid, registered
from tests.world import World

SLOT = f"duplicate/resident/{XINING}/2022-02-10"
YEAR: list[dict[str, Any]] = [
    registered("2021-11-10", 2022, KUNMING, "ordinary"),
    paid("2021-11-10", 2022, KUNMING),
]
ALSO = {"type": "also_enrolled", "scheme": "resident", "area": XINING, "plan_year": 2022, "on": "2022-02-10"}


async def _acknowledge(world: World, key: str, asked: int) -> str:
    case = world.case(key, SLOT)
    await world.case_stands(key, SLOT, "acknowledge")
    for letter in (f"goes-{asked}", f"stays-{asked}"):
        await world.answer(key, SLOT, letter)
    return await case.result()


async def test_a_rule_decides_and_both_registries_acknowledge(world: World) -> None:
    key = await world.live([*YEAR, {**ALSO, "usual_residence": False}])
    standing = await world.case_stands(key, SLOT, "acknowledge")
    assert standing.content["decided_by"] == "rule"
    assert standing.letters["goes-1"].to == XINING
    assert "terminate" in standing.letters["goes-1"].what.en
    assert standing.letters["stays-1"].to == KUNMING
    assert await _acknowledge(world, key, 1) == "settled"


async def test_an_operator_decides_what_no_rule_does(world: World) -> None:
    key = await world.live([*YEAR, ALSO])
    await world.case_stands(key, SLOT, "which record stays")
    await world.pass_days(world.case(key, SLOT), 32)
    assert any("/told/reminder-1" in name for name in world.board.sent)
    await world.ask(world.handle(key), "resolve", question="duplicates", answer=XINING, area=KUNMING)
    standing = await world.case_stands(key, SLOT, "acknowledge")
    assert standing.content["decided_by"] == "operator"
    assert standing.letters["goes-1"].to == KUNMING
    await world.answer(key, SLOT, "goes-1", accepted=False)
    await world.answer(key, SLOT, "stays-1")
    await world.case_stands(key, SLOT, "because the file says so")
    await world.ask(world.case(key, SLOT), "retry", slot=SLOT)
    assert await _acknowledge(world, key, 2) == "settled"
    assert (await world.covered(key, date(2022, 6, 1))).covered == "no"


async def test_a_decision_that_is_taken_back_is_waited_for_again(world: World) -> None:
    key = await world.live([*YEAR, ALSO])
    await world.case_stands(key, SLOT, "which record stays")
    decided = await world.ask(world.handle(key), "resolve", question="duplicates", answer=XINING, area=KUNMING)
    await world.case_stands(key, SLOT, "acknowledge")
    await world.ask(world.handle(key), "correct", fact=decided.operation)
    await world.answer(key, SLOT, "goes-1")
    await world.answer(key, SLOT, "stays-1")
    await world.case_stands(key, SLOT, "which record stays")
    await world.ask(world.handle(key), "resolve", question="duplicates", answer=KUNMING, area=KUNMING)
    standing = await world.case_stands(key, SLOT, "acknowledge")
    assert standing.content["loses"] == {"scheme": "resident", "area": XINING}
    assert await _acknowledge(world, key, 2) == "settled"


async def test_a_report_that_is_taken_back_restores_what_was_to_go(world: World) -> None:
    key = await world.live([*YEAR, {**ALSO, "usual_residence": False, "id": "also"}])
    await world.case_stands(key, SLOT, "acknowledge")
    await world.report(key, {**ALSO, "usual_residence": False, "id": "no", "corrects": "also", "withdrawn": True})
    await world.case_stands(key, SLOT, "acknowledge")
    await world.answer(key, SLOT, "restore-goes-1")
    assert await world.case(key, SLOT).result() == "no duplicate"


async def test_a_student_who_works_is_suspended_and_not_terminated(world: World) -> None:
    facts: list[dict[str, Any]] = [
        {"type": "school_entered", "on": "2021-09-01", "area": KUNMING},
        registered("2021-11-10", 2022, KUNMING, "student"),
        paid("2021-11-10", 2022, KUNMING),
        {"type": "also_enrolled", "scheme": "employee", "area": XINING, "full_time": True, "on": "2022-03-10"},
    ]
    key = await world.live(facts)
    standing = await world.case_stands(key, f"duplicate/employee/{XINING}/2022-03-10", "acknowledge")
    assert standing.letters["goes-1"].to == KUNMING
    assert "suspend" in standing.letters["goes-1"].what.en
