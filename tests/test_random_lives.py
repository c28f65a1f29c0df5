"""Real workflows under random facts, resends, withdrawals, waits and failures, compared with what the rules say."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import date, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from temporalio.client import WorkflowExecutionStatus

from activities.assessment import area_of
from domain.facts import Fact, parse_fact, wire
from policy.assess import assess
from policy.pack_library import library
from tests.rules.lives import lives
from tests.world import World

T = TypeVar("T")


class RandomLife(RuleBasedStateMachine):
    """One life, driven from hypothesis' thread; the world lives in the test's event loop."""

    world: World
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.key = ""
        self.ahead: list[Fact] = []
        self.reported: list[Fact] = []
        self.gone: set[str] = set()
        self.today = date.min

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    @initialize(life=lives())
    def begin(self, life: tuple[str, list[Fact]]) -> None:
        self.ahead = sorted(life[1], key=lambda fact: fact.known_on)
        self.today = self.ahead[0].known_on
        self.key = self.world.person(self.today)
        self._report(self.ahead.pop(0))

    @precondition(lambda self: bool(self.ahead))
    @rule()
    def something_happens(self) -> None:
        fact = self.ahead.pop(0)
        self._move(fact.known_on)
        self._report(fact)

    @rule(data=st.data())
    def somebody_sends_it_again(self, data: st.DataObject) -> None:
        self._report(data.draw(st.sampled_from(self.reported)), again=True)

    @rule(data=st.data())
    def somebody_takes_it_back(self, data: st.DataObject) -> None:
        standing = [fact for fact in self.reported if fact.fact_id not in self.gone and not fact.withdrawn]
        if not standing:
            return
        fact = data.draw(st.sampled_from(standing))
        self.gone.add(fact.fact_id)
        content = fact.model_dump(mode="json", exclude_defaults=True, by_alias=True, exclude={"recorded_on"})
        taken_back = {**content, "type": fact.type, "id": f"no-{fact.fact_id}", "corrects": fact.fact_id}
        self._report(parse_fact({**taken_back, "withdrawn": True}))

    @rule(days=st.sampled_from([1, 20, 100, 400]))
    def time_passes(self, days: int) -> None:
        self._move(self.today + timedelta(days=days))

    @rule()
    def the_tax_bureau_goes_away_or_comes_back(self) -> None:
        self.world.bureau.away = not self.world.bureau.away

    def teardown(self) -> None:
        if not self.key:
            return
        self.world.bureau.away = False
        self._move(self.today + timedelta(days=1))  # the bureau is back, and what waited for it is done
        self.run(self._compare())

    def _report(self, fact: Fact, *, again: bool = False) -> None:
        stated = fact.model_copy(update={"recorded_on": None})
        receipt = self.run(self.world.report(self.key, stated))
        assert receipt.fact == fact.fact_id
        assert receipt.person == self.key
        if not again:
            self.reported.append(stated)
        if fact.type == "died":
            self.run(self.world.settled(self.key))  # it may end by itself

    def _move(self, day: date) -> None:
        if day > self.today:
            self.run(self.world.move_to(self.key, day))
            self.today = day

    async def _compare(self) -> None:
        """The ledger and the bureau hold what the rules say of the facts that were reported."""
        world, key = self.world, self.key
        await world.settled(key)
        handle = world.handle(key)
        facts = [parse_fact(text) for text in await handle.query("facts", result_type=list[str])]
        assert {fact.fact_id for fact in facts} == {fact.fact_id for fact in self.reported}
        running = (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        today = (await world.overview(key)).today
        found = assess(facts, area_of(facts), today, library())
        said = [(span.scheme, span.area, span.start, span.end, str(span.share)) for span in found.coverage]
        for held in (await world.ledger.coverage(key), (await world.overview(key)).coverage):
            days = [(span.scheme, span.area, span.starts, span.ends, span.share) for span in held]
            assert sorted(days, key=str) == sorted(said, key=str)
        standing = await world.ledger.standing(key)
        assert standing is not None
        assert sorted(item.question for item in standing.parked) == sorted(item.question for item in found.parked)
        stored = (await world.ledger.read(key)).facts
        assert stored == {fact.fact_id: wire(fact) for fact in facts}
        if running:
            assert not [slot for slot in (await world.overview(key)).slots.values() if slot.trouble]


@pytest.mark.timeout(240)
async def test_random_lives_come_to_what_the_rules_say(shared_world: World) -> None:
    RandomLife.world, RandomLife.loop = shared_world, asyncio.get_running_loop()
    budget = settings(
        max_examples=50,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    await asyncio.to_thread(run_state_machine_as_test, RandomLife, settings=budget)
