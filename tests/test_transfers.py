"""Transfers on the real server: both ends, the working days, the proof at the end, and what is undone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.errors import Refused
from tests.facts import KUNMING, XINING
from tests.world import World

SLOT = f"transfer/employee/{KUNMING}/{XINING}/2026-03-02"
ENDS: dict[str, Any] = {"scheme": "employee", "from_area": KUNMING, "to_area": XINING}
REQUESTED = {"type": "transfer_requested", "on": "2026-03-02", "area": XINING, **ENDS}


async def _requested(world: World) -> str:
    key = await world.live([{**REQUESTED, "id": "ask"}])
    await world.case_stands(key, SLOT, "checked at both ends")
    return key


async def _checked(world: World, key: str) -> None:
    await world.answer(key, SLOT, "check-out")
    await world.answer(key, SLOT, "check-in")
    await world.case_stands(key, SLOT, "handed over")


async def test_a_transfer_passes_both_ends_and_carries_the_months(world: World) -> None:
    key = await _requested(world)
    case = world.case(key, SLOT)
    standing = await world.case_stands(key, SLOT, "checked")
    assert standing.letters["check-out"].due == date(2026, 3, 16)
    with pytest.raises(Refused, match="no letter transfer-out"):
        await world.ask(case, "answer", letter="transfer-out", accepted=True)
    await _checked(world, key)
    await world.answer(key, SLOT, "transfer-out", months=74)
    standing = await world.case_stands(key, SLOT, "taken over")
    await world.settled(key)
    standing = await world.case_stands(key, SLOT, "taken over")
    assert "74" in standing.letters["transfer-in"].what.zh
    assert standing.letters["transfer-in"].due == date(2026, 3, 9), "five working days from the sheet"
    await world.answer(key, SLOT, "transfer-in", months=73)
    await world.answer(key, SLOT, "transfer-in-2", months=74)
    assert await case.result() == "completed"
    await world.settled(key)
    facts = str(await world.handle(key).query("facts"))
    assert "transfer_sheet_received" in facts
    assert "transfer_completed" in facts
    assert not any(item.matter.startswith("transfer") for item in (await world.overview(key)).deadlines)


async def test_a_letter_that_nobody_answers_is_sent_again(world: World) -> None:
    key = await _requested(world)
    await world.pass_days(world.case(key, SLOT), 20)
    letters = [name for name in world.board.sent if "/letter/check-out:" in name]
    assert len(letters) == 2
    assert (await world.case_stands(key, SLOT, "checked")).letters["check-out"].sent == 2


async def test_when_the_new_area_refuses_the_old_one_restores(world: World) -> None:
    key = await _requested(world)
    case = world.case(key, SLOT)
    await _checked(world, key)
    await world.answer(key, SLOT, "transfer-out", months=74)
    await world.case_stands(key, SLOT, "taken over")
    await world.answer(key, SLOT, "transfer-in", accepted=False)
    await world.case_stands(key, SLOT, "restores")
    await world.answer(key, SLOT, "restore")
    assert (await case.result()).startswith("undone")
    assert any("/told/not-carried-out" in name for name in world.board.sent)
    assert "transfer_completed" not in str(await world.handle(key).query("facts"))


async def test_a_refusal_at_the_check_undoes_nothing(world: World) -> None:
    key = await _requested(world)
    case = world.case(key, SLOT)
    await world.answer(key, SLOT, "check-out", accepted=False)
    await world.answer(key, SLOT, "check-in")
    assert (await case.result()).startswith("undone")
    assert not any("/letter/restore" in name for name in world.board.sent)


async def test_death_during_a_transfer_hands_the_relation_back_and_ends_the_life(world: World) -> None:
    key = await _requested(world)
    case = world.case(key, SLOT)
    await _checked(world, key)
    await world.answer(key, SLOT, "transfer-out", months=74)
    await world.case_stands(key, SLOT, "taken over")
    await world.report(key, {"type": "died", "on": "2026-03-02", "area": KUNMING})
    await world.case_stands(key, SLOT, "restores")
    await world.answer(key, SLOT, "restore")
    assert (await case.result()).startswith("undone")
    assert await world.handle(key).result() == "deceased"
