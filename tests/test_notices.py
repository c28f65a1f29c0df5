"""New rules under sleeping lives: packs that are published, the shadow beforehand, the notice and its report."""

from __future__ import annotations

import asyncio
import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from activities.packs_in_force import PacksInForce, with_published
from adapters.registry.published_packs import PackText, PublishedPacks
from domain.errors import PackError, Unavailable
from domain.policy_notices import NoticeOrder
from policy.pack_library import PACK_FOLDER, library
from sandbox.processes import program
from tests.facts import NANNING, YANSHAN, birth, registered
from tests.world import World
from workflows.names import LIVES_QUEUE
from workflows.notice import Notice

NAME = f"{YANSHAN}/2017"
# The county's pack, as if a notice had raised the premium and lengthened the window of newborns.
CHANGED = (
    (PACK_FOLDER / f"{NAME}.yaml")
    .read_text(encoding="utf-8")
    .replace('person: "150"', 'person: "180"')
    .replace("newborn.window: {length: 90", "newborn.window: {length: 120")
)
LEVY = f"levy/resident/{YANSHAN}/2017/basic"


async def _sleepers(world: World, number: int) -> list[str]:
    """Newborns of Yanshan, registered and not paid; and one of Nanning, whom none of this concerns."""
    await world.stop_workers()
    await world.start_workers(packs=PacksInForce(library(), PublishedPacks(world.database)))
    keys = [await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)]) for _ in range(number)]
    await world.live([birth("2017-03-01", NANNING)])
    return keys


def _notice(digest: str, per_second: float = 200.0) -> NoticeOrder:
    return NoticeOrder(notice=f"notice-{digest}", packs=digest, areas=[YANSHAN], per_second=per_second)


async def _publish(world: World) -> str:
    return await PublishedPacks(world.database).publish([PackText(NAME, CHANGED)], "clerk-7", "notice 12")


async def test_a_published_pack_re_arms_every_life_that_it_concerns(world: World) -> None:
    keys = await _sleepers(world, 2)
    digest = await _publish(world)
    order = _notice(digest)
    handle = await world.client.start_workflow(
        Notice.run, order, id=f"{order.notice}-{keys[0]}", task_queue=LIVES_QUEUE
    )
    done = await handle.result()
    assert (done.told, done.changed, done.ended, done.unreachable) == (2, 2, 0, 0)
    for key in keys:
        await world.settled(key)
        revision, state, payload = world.bureau.levies[f"{key}/{LEVY}"]
        assert (revision, state) == (2, "open")
        assert '"180"' in payload
        assert date(2017, 6, 29) in [item.on for item in (await world.overview(key)).deadlines]
    changes = await world.ledger.changes(order.notice)
    assert [change.person for change in changes] == sorted(keys)
    assert all(change.what for change in changes)


async def test_a_notice_is_paused_and_goes_on_where_its_worker_died(world: World) -> None:
    keys = await _sleepers(world, 4)
    order = _notice(await _publish(world), per_second=2)
    handle = await world.client.start_workflow(
        Notice.run, order, id=f"{order.notice}-{keys[0]}", task_queue=LIVES_QUEUE, start_signal="pause"
    )
    await asyncio.sleep(0.3)
    assert (await handle.query(Notice.progress)).told == 0
    await handle.signal(Notice.resume)
    async with asyncio.timeout(20):
        while not await world.ledger.changes(order.notice):
            await asyncio.sleep(0.05)
    await world.stop_workers()
    await world.start_workers(packs=PacksInForce(library(), PublishedPacks(world.database)))
    done = await handle.result()
    assert (done.told, done.changed) == (4, 4)
    for key in keys:
        await world.settled(key)
    assert len(await world.ledger.changes(order.notice)) == 4
    assert {revision for revision, _, _ in world.bureau.levies.values()} == {2}


async def test_a_life_that_ended_is_counted_and_left_alone(world: World) -> None:
    key = (await _sleepers(world, 1))[0]
    await world.report(key, {"type": "died", "on": "2017-03-05", "area": YANSHAN})
    assert await world.handle(key).result() == "deceased"
    order = _notice(await _publish(world))
    handle = await world.client.start_workflow(Notice.run, order, id=f"{order.notice}-{key}", task_queue=LIVES_QUEUE)
    done = await handle.result()
    assert (done.told, done.ended, done.changed) == (1, 1, 0)


async def test_while_the_registry_is_away_the_packs_at_hand_go_on(world: World) -> None:
    class Away(PublishedPacks):
        gone = False

        async def digest(self) -> str:
            if self.gone:
                raise Unavailable("the registry does not answer")
            return await super().digest()

    store = Away(world.database)
    packs = PacksInForce(library(), store)
    digest, at_hand = await packs.current("")
    store.gone = True
    packs._looked = float("-inf")
    assert await packs.current("") == (digest, at_hand)
    with pytest.raises(Unavailable):
        await packs.current("of a notice that nobody here has seen")


async def test_the_shadow_says_who_would_change_and_changes_nobody(world: World, tmp_path: Path) -> None:
    keys = await _sleepers(world, 2)
    file = tmp_path / YANSHAN / "2017.yaml"
    file.parent.mkdir()
    file.write_text(CHANGED, encoding="utf-8")
    before = [await world.event_count(key) for key in keys]
    registry = {"CANBAO_DATA": str(tmp_path), "CANBAO_DATABASE_URL": world.settings.database_url}
    environment = {**os.environ, **registry, "LANG": "C"}
    command = [program("canbao"), "shadow", str(file), "--on", "2017-03-05", "--details"]
    shown = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert shown.returncode == 1, shown.stderr
    assert "2 of 2 lives would change" in shown.stdout
    assert "+ levy 130925 2017: 180" in shown.stdout
    assert "- levy 130925 2017: 150" in shown.stdout
    assert [await world.event_count(key) for key in keys] == before
    assert await PublishedPacks(world.database).digest() == ""


async def test_the_same_text_again_is_no_new_version(world: World) -> None:
    first = await _publish(world)
    assert await _publish(world) == first
    assert len(await PublishedPacks(world.database).texts()) == 1


def test_a_pack_that_clashes_with_those_in_force_is_refused() -> None:
    with pytest.raises(PackError, match=r"overlap.*states it too"):
        with_published(library(), [PackText(f"{YANSHAN}/2017-again", CHANGED)])
