"""What a life may cost: events, bytes of history, and the state that it hands on, to its ninetieth year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from tests.facts import KUNMING, YANSHAN, birth, paid, registered
from tests.long_life import YEARS, carried_bytes, lasting_packs, play, report_sizes, season
from tests.world import SKIP_EVENTS, World


async def _events_of(world: World, facts: Sequence[dict[str, Any]], year: int, before: int) -> int:
    """The events that a year leaves: its facts, each on its day, and the turn of the year."""
    key = await world.live(facts[:before], until=date(year, 1, 5))
    count = await world.event_count(key)
    for fact in facts[before:]:
        await world.move_to(key, date.fromisoformat(fact["on"]))
        await world.report(key, fact)
        await world.settled(key)
    await world.move_to(key, date(year + 1, 1, 5))
    await world.settled(key)
    return await world.event_count(key) - count


async def test_an_ordinary_year_by_campaign_leaves_at_most_20_events(world: World) -> None:
    enrolled = [registered("2021-11-10", 2022, KUNMING, "ordinary"), paid("2021-11-10", 2022, KUNMING)]
    # The campaign enrols the whole village first; the person's own year is the payment.
    enrolled.append(registered("2022-01-04", 2023, KUNMING, "ordinary"))
    assert await _events_of(world, [*enrolled, paid("2022-11-12", 2023, KUNMING)], 2022, 3) <= 20


async def test_a_year_with_a_levy_of_its_own_leaves_at_most_35_events(world: World) -> None:
    key = await world.live([registered("2016-11-10", 2017, YANSHAN, "ordinary")])
    assert len(world.bureau.levies) == 1
    await world.move_to(key, date(2016, 11, 12))
    await world.report(key, paid("2016-11-12", 2017, amount="150"))
    await world.move_to(key, date(2018, 1, 5))
    await world.settled(key)
    assert await world.event_count(key) <= 35


async def test_a_newborns_year_leaves_at_most_75_events(world: World) -> None:
    key = await world.live([birth("2017-03-01")], until=date(2017, 5, 17))
    assert any("newborn_reminder" in name for name in world.board.sent)
    for fact in (registered("2017-05-17", 2017), paid("2017-05-19", 2017)):
        await world.move_to(key, date.fromisoformat(fact["on"]))
        await world.report(key, fact)
        await world.settled(key)
    await world.move_to(key, date(2018, 1, 5))
    await world.settled(key)
    assert await world.event_count(key) <= 75


async def test_a_year_with_a_season_of_work_leaves_at_most_60_events(world: World) -> None:
    enrolled = [registered("2021-11-10", 2022, KUNMING, "ordinary"), paid("2021-11-10", 2022, KUNMING)]
    enrolled.append(registered("2022-01-04", 2023, KUNMING, "ordinary"))
    year = [*season(2022), paid("2022-11-12", 2023, KUNMING)]
    assert await _events_of(world, [*enrolled, *year], 2022, 3) <= 60


@pytest.mark.timeout(180)
async def test_a_life_of_ninety_years_stays_small(world: World) -> None:
    await world.stop_workers()
    await world.start_workers(packs=lasting_packs())
    key = await play(world, YEARS)
    histories = await world.histories(key)
    assert carried_bytes(histories) <= 64 * 1024
    assert max(sum(event.event_type not in SKIP_EVENTS for event in item.events) for item in histories) <= 2000
    late = [size for history in histories[:3] for size in report_sizes(history)]
    early = [size for history in histories[-3:] for size in report_sizes(history)]
    assert max(early) <= 8 * 1024
    assert max(late) <= 16 * 1024
    assert len((await world.ledger.read(key)).facts) == len(await world.handle(key).query("facts"))
    assert (await world.covered(key, date(2100, 3, 1))).covered == "yes"
