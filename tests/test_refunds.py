"""Refunds on the real server: asked for, confirmed by the bureau alone, failed, taken back, settled by two people."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from domain.errors import Refused
from tests.facts import KUNMING, XINING, birth, paid, registered
from tests.world import World

SLOT = f"refund/resident/{KUNMING}/2022/person"
MOVED: list[dict[str, Any]] = [
    registered("2021-10-10", 2022, KUNMING, "ordinary"),
    paid("2021-10-10", 2022, KUNMING, amount="320"),
    {"type": "moved", "on": "2021-11-15", "kind": "residence", "area": XINING},
    registered("2021-11-20", 2022, XINING, "ordinary"),
    paid("2021-11-20", 2022, XINING, amount="320"),
]
ASKED = {"type": "refund_requested", "scheme": "resident", "plan_year": 2022, "on": "2021-12-01", "area": KUNMING}


async def _asked(world: World) -> str:
    key = await world.live([*MOVED, {**ASKED, "id": "ask"}])
    await world.case_stands(key, SLOT, "accepted by the tax bureau")
    await world.rests(world.case(key, SLOT))
    return key


async def test_only_the_bureaus_confirmation_sets_refunded(world: World) -> None:
    key = await _asked(world)
    reference = f"{key}/{SLOT}"
    assert world.bureau.refunds[reference][1].amount == "320"
    case = world.case(key, SLOT)
    await world.pass_days(case, 5)
    assert "refund_confirmed" not in str(await world.handle(key).query("facts"))
    world.bureau.pay_refund(reference)
    await world.move_to(key, date(2021, 12, 12))
    await world.pass_days(case, 2)
    assert await case.result() == "refunded"
    await world.settled(key)
    assert "refund_confirmed" in str(await world.handle(key).query("facts"))
    assert [name for name in world.bureau.calls if name[0] == "refund"] == [("refund", reference, 101)]


async def test_a_failed_refund_is_shown_and_asked_for_again(world: World) -> None:
    key = await _asked(world)
    case, reference = world.case(key, SLOT), f"{key}/{SLOT}"
    world.bureau.fail_refund(reference, "account closed")
    await world.move_to(key, date(2021, 12, 9))
    await world.pass_days(case, 2)
    await world.case_stands(key, SLOT, "account closed")
    assert "refund_failed" in str(await world.handle(key).query("facts"))
    await world.ask(case, "retry", slot=SLOT)
    await world.rests(case)
    assert world.bureau.refunds[reference][0] == 102
    world.bureau.fail_refund(reference, "account closed again")
    await world.move_to(key, date(2021, 12, 12))
    await world.pass_days(case, 2)
    await world.case_stands(key, SLOT, "closed again")
    assert str(await world.handle(key).query("facts")).count("refund_failed") == 4, "two facts, each with its id"
    await world.ask(case, "retry", slot=SLOT)
    await world.rests(case)
    world.bureau.pay_refund(reference)
    await world.pass_days(case, 2)
    assert await case.result() == "refunded"


async def test_another_amount_than_asked_for_waits_for_a_person(world: World) -> None:
    key = await _asked(world)
    case, reference = world.case(key, SLOT), f"{key}/{SLOT}"
    world.bureau.pay_refund(reference, "32.00")
    await world.pass_days(case, 2)
    standing = await world.case_stands(key, SLOT, "another amount")
    assert "32.00 ≠ 320" in standing.trouble
    with pytest.raises(Refused, match="carries"):
        await world.ask(case, "settle", slot="refund/other", evidence="receipt 12")
    proposed = await world.ask(case, "settle", slot=SLOT, evidence="bank receipt 12")
    assert proposed.state == "awaiting_approval"
    with pytest.raises(Refused, match="second person"):
        await world.ask(case, "approve", role="reviewer", proposal=proposed.operation)
    with pytest.raises(Refused, match="reviewer"):
        await world.ask(case, "approve", actor="clerk-8", proposal=proposed.operation)
    await world.move_to(key, date(2021, 12, 9))
    await world.ask(case, "approve", actor="head-2", role="reviewer", proposal=proposed.operation)
    assert await case.result() == "settled by other means, and paid by the bureau too"
    await world.settled(key)
    assert '"amount":"352"' in str(await world.handle(key).query("facts"))
    assert "refund_confirmed" in [item.question for item in (await world.overview(key)).parked]


async def test_two_people_settle_what_the_bureau_never_paid(world: World) -> None:
    key = await _asked(world)
    case = world.case(key, SLOT)
    proposed = await world.ask(case, "settle", slot=SLOT, evidence="cash book 3")
    await world.ask(case, "reject", actor="head-2", role="reviewer", proposal=proposed.operation)
    again = await world.ask(case, "settle", slot=SLOT, evidence="cash book 3")
    assert again.state == "awaiting_approval", "what was rejected may be proposed again"
    await world.ask(case, "approve", actor="head-2", role="reviewer", proposal=again.operation)
    assert await case.result() == "settled by other means"
    assert world.bureau.refunds[f"{key}/{SLOT}"][1].state == "cancelled"
    acts = await world.ledger.operations(key)
    assert sorted((act.verb, act.actor, act.state) for act in acts) == [
        ("approve", "head-2", "done"),
        ("reject", "head-2", "rejected"),
        ("settle", "clerk-7", "proposed"),
        ("settle", "clerk-7", "proposed"),
    ]
    assert all(act.about.startswith(SLOT) for act in acts)
    await world.settled(key)
    assert "refund_confirmed" in str(await world.handle(key).query("facts"))
    assert (await world.overview(key)).parked == []


async def test_a_withdrawn_application_takes_the_refund_back(world: World) -> None:
    key = await _asked(world)
    await world.report(key, {**ASKED, "id": "not", "corrects": "ask", "withdrawn": True})
    assert await world.case(key, SLOT).result() == "taken back"
    assert world.bureau.refunds[f"{key}/{SLOT}"][1].state == "cancelled"


async def test_money_that_was_faster_than_the_withdrawal_is_a_question(world: World) -> None:
    key = await _asked(world)
    world.bureau.pay_refund(f"{key}/{SLOT}")
    await world.report(key, {**ASKED, "id": "not", "corrects": "ask", "withdrawn": True})
    assert await world.case(key, SLOT).result() == "paid before it could be taken back"
    await world.settled(key)
    standing = await world.ledger.standing(key)
    assert standing is not None
    assert "refund_confirmed" in [item.question for item in standing.parked]


async def test_death_during_a_refund_keeps_the_life_until_the_heirs_have_the_money(world: World) -> None:
    facts = [
        birth("1950-03-01", KUNMING),
        registered("2021-10-10", 2022, KUNMING, "ordinary"),
        paid("2021-10-10", 2022, KUNMING, amount="320"),
    ]
    key = await world.live([{**fact, "recorded_on": "2021-10-10"} for fact in facts])
    await world.move_to(key, date(2021, 12, 2))
    await world.report(key, {"type": "died", "on": "2021-12-01", "area": KUNMING})
    slot = f"refund/resident/{KUNMING}/2022/heir"
    await world.case_stands(key, slot, "accepted by the tax bureau")
    await world.settled(key)
    assert (await world.handle(key).describe()).status is WorkflowExecutionStatus.RUNNING
    world.bureau.pay_refund(f"{key}/{slot}")
    await world.move_to(key, date(2021, 12, 6))
    await world.pass_days(world.case(key, slot), 2)
    assert await world.case(key, slot).result() == "refunded"
    assert await world.handle(key).result() == "deceased"
