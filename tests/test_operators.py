"""What operators do to a life: by their updates, alone or by two, and what is refused with a sentence."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from domain.errors import Refused
from domain.life import Hold
from tests.facts import NANNING, YANSHAN, birth, paid, registered
from tests.world import World
from workflows.search_attributes import OPEN_MATTERS, PARKED

LEVY = f"levy/resident/{YANSHAN}/2017/basic"
NEWBORN = [birth("2017-03-01", id="b1"), registered("2017-03-05", 2017, id="r1")]


async def _levies(world: World) -> list[str]:
    return [state for _, state, _ in world.bureau.levies.values()]


async def test_a_parked_question_is_resolved_and_the_answer_says_what_follows(world: World) -> None:
    key = await world.live([registered("2022-03-14", 2022, NANNING, "ordinary")])
    life = world.handle(key)
    with pytest.raises(Refused, match=r"no question price is open; open are: .*late\.price"):
        await world.ask(life, "resolve", question="price", answer="individual")
    answer = await world.ask(life, "resolve", question="late.price", answer="individual", area=NANNING)
    assert answer.state == "done"
    assert answer.receipt is not None
    assert "late.price" not in [item.question for item in answer.receipt.parked]
    again = await world.ask(life, "resolve", question="late.price", answer="individual", area=NANNING)
    assert again == answer, "sent again it gets the first answer"
    await world.settled(key)
    acts = await world.ledger.operations(key)
    assert [(act.verb, act.actor, act.role, act.reason) for act in acts] == [
        ("resolve", "clerk-7", "clerk", "because the file says so")
    ]
    assert any("clerk-7" in entry.by for entry in await world.timeline(key))


@pytest.mark.parametrize(
    ("verb", "request_", "sentence"),
    [
        ("resolve", {"question": "fee"}, "field answer: expected, but missing"),
        ("resolve", {"question": "fee", "answer": "1", "colour": "red"}, "field colour"),
        ("correct", {"fact": "nothing"}, "there is no fact nothing"),
        ("correct", {"fact": "r1", "replacement": {"on": "2017-02-30"}}, "field"),
        ("correct", {"fact": "r1", "replacement": {"type": "merged", "other": "k", "on": "2017-03-05"}}, "same type"),
        ("retry", {"slot": LEVY}, "not stuck"),
        ("retry", {"slot": "registry"}, "not stuck"),
        ("void", {"slot": LEVY}, "only a reviewer"),
        ("write_off", {"slot": "levy/none"}, "there is no effect levy/none"),
        ("approve", {"proposal": "x", "role": "reviewer"}, "no proposal x waits"),
        ("merge", {"other": ""}, "field other"),
        ("settle", {"slot": LEVY, "evidence": "e", "role": "mayor"}, "field role"),
    ],
)
async def test_what_is_not_allowed_is_refused_and_leaves_no_trace(
    shared_world: World, verb: str, request_: dict[str, Any], sentence: str
) -> None:
    world = shared_world
    key = await world.live(NEWBORN)
    before = await world.event_count(key)
    with pytest.raises(Refused, match=sentence):
        await world.ask(world.handle(key), verb, **request_)
    assert await world.event_count(key) == before


async def test_a_correction_takes_back_what_no_longer_follows(world: World) -> None:
    key = await world.live(NEWBORN)
    assert await _levies(world) == ["open"]
    answer = await world.ask(world.handle(key), "correct", fact="r1")
    await world.settled(key)
    assert answer.receipt is not None
    assert await _levies(world) == ["cancelled"]
    with pytest.raises(Refused, match="was already corrected by"):
        await world.ask(world.handle(key), "correct", fact="r1", reason="another reason")
    again = {**registered("2017-03-05", 2017), "household": "h1"}
    correction = answer.operation
    await world.ask(world.handle(key), "correct", fact=correction, replacement=again)
    await world.settled(key)


async def test_a_closed_plan_year_takes_two_people(world: World) -> None:
    key = await world.live([*NEWBORN, paid("2017-03-06", 2017, id="p1")], until=date(2018, 2, 1))
    life = world.handle(key)
    moved = {**paid("2017-07-06", 2017), "arrived_on": "2017-07-07"}
    proposed = await world.ask(life, "correct", fact="p1", replacement=moved)
    assert proposed.state == "awaiting_approval"
    attributes = (await life.describe()).typed_search_attributes
    assert "approval" in attributes[OPEN_MATTERS]
    assert attributes[PARKED] is True
    assert (await world.covered(key, date(2017, 3, 1))).covered == "yes"
    with pytest.raises(Refused, match="second person"):
        await world.ask(life, "approve", role="reviewer", proposal=proposed.operation)
    done = await world.ask(life, "approve", actor="head-2", role="reviewer", proposal=proposed.operation)
    assert done.receipt is not None
    await world.settled(key)
    assert (await world.covered(key, date(2017, 3, 1))).covered != "yes"
    states = [(act.verb, act.actor, act.state) for act in await world.ledger.operations(key)]
    assert sorted(states) == [
        ("approve", "head-2", "done"),
        ("correct", "clerk-7", "done"),
        ("correct", "clerk-7", "proposed"),
    ]


async def test_a_proposal_that_nobody_looks_at_lapses(world: World) -> None:
    key = await world.live(NEWBORN)
    life = world.handle(key)
    proposed = await world.ask(life, "write_off", slot=LEVY)
    await world.move_to(key, date(2017, 4, 6))
    await world.settled(key)
    assert (await world.overview(key)).proposals == []
    with pytest.raises(Refused, match="no proposal"):
        await world.ask(life, "approve", actor="head-2", role="reviewer", proposal=proposed.operation)
    assert [act.state for act in await world.ledger.operations(key)] == ["proposed", "lapsed"]


async def test_a_levy_that_is_written_off_stays_so_until_it_is_reopened(world: World) -> None:
    key = await world.live(NEWBORN)
    life = world.handle(key)
    proposed = await world.ask(life, "write_off", slot=LEVY)
    assert await _levies(world) == ["open"]
    await world.ask(life, "approve", actor="head-2", role="reviewer", proposal=proposed.operation)
    await world.settled(key)
    assert await _levies(world) == ["cancelled"]
    assert (await world.overview(key)).slots[LEVY].held is Hold.WRITTEN_OFF
    await world.report(key, {"type": "hukou_registered", "on": "2017-03-05", "area": YANSHAN})
    await world.settled(key)
    assert await _levies(world) == ["cancelled"], "the rules want it still, the bureau gave it up"
    with pytest.raises(Refused, match="reopen it first"):
        await world.ask(life, "void", role="reviewer", slot=LEVY)
    await world.ask(life, "reopen", actor="head-2", role="reviewer", slot=LEVY)
    await world.settled(key)
    assert [(revision, state) for revision, state, _ in world.bureau.levies.values()] == [(2, "open")]


async def test_a_rejected_proposal_changes_nothing(world: World) -> None:
    key = await world.live(NEWBORN)
    life = world.handle(key)
    proposed = await world.ask(life, "settle", slot=LEVY, evidence="cash book 3")
    answer = await world.ask(life, "reject", actor="head-2", role="reviewer", proposal=proposed.operation)
    assert answer.state == "rejected"
    assert (await world.overview(key)).proposals == []
    assert await _levies(world) == ["open"]


async def test_a_stuck_effect_is_tried_again_at_once(world: World) -> None:
    world.bureau.refusing = True
    key = await world.live(NEWBORN)
    life = world.handle(key)
    slot = (await world.overview(key)).slots[LEVY]
    assert "422" in slot.trouble
    assert slot.failing_since == date(2017, 3, 5)
    world.bureau.refusing = False
    await world.ask(life, "retry", slot=LEVY)
    async with asyncio.timeout(10):
        while await _levies(world) != ["open"]:
            await asyncio.sleep(0.02)
    await world.settled(key)
    assert (await life.describe()).typed_search_attributes[PARKED] is False


async def test_an_effect_that_is_void_is_not_sent_again(world: World) -> None:
    world.bureau.refusing = True
    key = await world.live(NEWBORN)
    await world.ask(world.handle(key), "void", role="reviewer", slot=LEVY)
    world.bureau.refusing = False
    await world.move_to(key, date(2017, 3, 20))
    await world.settled(key)
    assert await _levies(world) == []
    assert (await world.overview(key)).slots[LEVY].held is Hold.VOID
    life = world.handle(key)
    with pytest.raises(Refused, match="already void"):
        await world.ask(life, "void", role="reviewer", slot=LEVY)
    for _ in range(2):  # the same words again are another operation where nothing says that they are not
        await world.ask(life, "reopen", role="reviewer", slot=LEVY)
        await world.settled(key)
        assert await _levies(world) == ["open"]
        await world.ask(life, "void", role="reviewer", slot=LEVY)
        await world.settled(key)
        assert await _levies(world) == ["cancelled"]
    assert len(await world.ledger.operations(key)) == 5


async def test_two_keys_are_merged_by_two_people(world: World) -> None:
    key = await world.live(NEWBORN)
    life = world.handle(key)
    with pytest.raises(Refused, match="same key"):
        await world.ask(life, "merge", other=key)
    proposed = await world.ask(life, "merge", other="otherkey")
    done = await world.ask(life, "approve", actor="head-2", role="reviewer", proposal=proposed.operation)
    assert done.receipt is not None
    assert "merged" in [item.question for item in done.receipt.parked]
    await world.ask(life, "resolve", question="merged", answer="otherkey")
    assert "merged" not in [item.question for item in (await world.overview(key)).parked]
    await world.settled(key)
