"""The drill: Temporal's database is deleted, every life is started again from the journal, and nothing is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from adapters.backups import back_up, restore
from adapters.registry.reader import Reader
from adapters.tax.client import SandboxClient
from domain.civil_time import current_day
from domain.errors import ConfigurationError
from intake.rebuilding import rebuild
from intake.verification import Verification
from sandbox.processes import free_port
from sandbox.temporal_server import kind_name, temporal_server
from tests.bureau import BureauProcess
from tests.facts import YANSHAN, birth, paid, registered
from tests.test_refunds import ASKED, MOVED, SLOT
from tests.world import World, connect_for_tests
from workflows.names import person_workflow_id
from workflows.search_attributes import SEARCH_ATTRIBUTES


@asynccontextmanager
async def _temporal(folder: Path, bureau: SandboxClient) -> AsyncIterator[World]:
    """A world on a server of its own, whose database file is in the folder; the registry and the bureau outlive it."""
    with ExitStack() as stack:
        port = free_port()
        stack.enter_context(
            temporal_server(
                port=port,
                log=folder / "temporal.log",
                database=folder / "temporal.db",
                search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
            )
        )
        client = await connect_for_tests(f"127.0.0.1:{port}", "default")
        async with World.running(client, folder) as world:
            await world.stop_workers()
            await world.start_workers(bureau=bureau)
            yield world


@pytest.mark.timeout(180)
async def test_a_temporal_that_was_lost_is_rebuilt_and_nothing_is_missing(tmp_path: Path) -> None:
    process = BureauProcess(tmp_path)
    process.start()
    async with AsyncExitStack() as stack:
        stack.callback(process.stop)
        bureau = await stack.enter_async_context(SandboxClient(process.address))
        async with _temporal(tmp_path, bureau) as world:
            children = [await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)]) for _ in range(3)]
            reference = f"{children[0]}/levy/resident/{YANSHAN}/2017/basic"
            await bureau.pay(reference, "money-1", "150", date(2017, 3, 5))
            await world.report(children[0], paid("2017-03-05", 2017, amount="150", id="tax:money-1"))
            await world.settled(children[0])
            mover = await world.live([*MOVED, {**ASKED, "id": "ask"}])
            await world.case_stands(mover, SLOT, "refund")
            keys = list(world.keys)
            before = {key: await world.overview(key) for key in keys}
            # A life that begins again begins on the day on which it was lost.
            shifts = {key: (overview.today - current_day()).days for key, overview in before.items()}
            verification = Verification(world.client, world.ledger, Reader(world.database), bureau)
            # The mover's levies were decided elsewhere: these areas have no price for the year.
            assert (await verification.whole()).discrepancies == []
        backup = tmp_path / "backup"
        assert "registry.db" in back_up(tmp_path, backup)
        for file in tmp_path.glob("temporal.db*"):
            file.unlink()
        async with _temporal(tmp_path, bureau) as world:
            world.shifts = shifts
            verification = Verification(world.client, world.ledger, Reader(world.database), bureau)
            lost = await verification.whole()
            assert {item.person for item in lost.discrepancies if item.lacking == "life"} == set(keys)
            books = [levy async for levy in bureau.levies()]
            count, failed = await rebuild(
                world.client,
                world.ledger,
                Reader(world.database),
                per_second=100,
                clock_shift_days=lambda key: shifts[key],
            )
            assert (count, failed) == (len(keys), [])
            for key in keys:
                await world.settled(key)
            verified = await verification.whole()
            assert (verified.people, verified.discrepancies) == (len(keys), [])
            after = {key: await world.overview(key) for key in keys}
            for key in keys:
                for name in ("status", "area", "parked", "deadlines"):
                    assert getattr(after[key], name) == getattr(before[key], name), name
                days = [
                    {(span.scheme, span.area, span.starts, span.ends) for span in overview.coverage}
                    for overview in (before[key], after[key])
                ]
                assert days[0] == days[1]
            await world.case_stands(mover, SLOT, "refund")
            assert [levy async for levy in bureau.levies()] == books, "nothing was asked of the bureau twice"
            world.keys = keys
            await world.replay_everything()


async def test_orphans_are_listed_on_each_side(shared_world: World, tmp_path: Path) -> None:
    world = shared_world
    process = BureauProcess(tmp_path)
    process.start()
    try:
        async with SandboxClient(process.address) as bureau:
            key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
            verification = Verification(world.client, world.ledger, Reader(world.database), bureau)
            (missing,) = await verification.person(key)
            assert (missing.lacking, "levy" in missing.what.en) == ("bureau", True)
            order = '{"scheme":"resident","area":"130925","plan_year":2017,"amount":"150"}'
            await bureau.issue_levy("nobody/levy/resident/130925/2017/basic", 1, order)
            await bureau.issue_levy(f"{key}/levy/resident/{YANSHAN}/2017/basic", 1, order)
            await bureau.issue_levy(f"{key}/levy/resident/{YANSHAN}/2018/basic", 1, order)
            (unknown,) = await verification.person(key)
            assert (unknown.lacking, "2018" in unknown.what.en) == ("ledger", True)
            await world.database.transaction(
                lambda session: session.connection().execute(
                    text("UPDATE coverage SET superseded_on = recorded_on WHERE person = :key"), {"key": key}
                )
            )
            await world.database.transaction(
                lambda session: session.connection().execute(
                    text("DELETE FROM journal WHERE person = :key AND type = 'registered'"), {"key": key}
                )
            )
            assert {item.lacking for item in await verification.person(key)} == {"ledger"}
            strangers = (await verification.whole(every=1000)).discrepancies
            assert "nobody" in {item.person for item in strangers}
            await world.database.transaction(
                lambda session: session.connection().execute(text("DELETE FROM person WHERE key = :key"), {"key": key})
            )
            strangers = (await verification.whole(every=1000)).discrepancies
            assert key in {item.person for item in strangers if item.lacking == "ledger"}
    finally:
        process.stop()
        await world.client.get_workflow_handle(person_workflow_id(key)).terminate()


def test_a_backup_is_restored_whole_or_refused(tmp_path: Path) -> None:
    data, target, other = tmp_path / "data", tmp_path / "backup", tmp_path / "other"
    with pytest.raises(ConfigurationError, match="nothing to back up"):
        back_up(data, target)
    data.mkdir()
    (data / "person-key.secret").write_bytes(b"s" * 32)
    (data / "notices.jsonl").write_text("{}\n", encoding="utf-8")
    secrets = tmp_path / "secrets"
    with pytest.raises(ConfigurationError, match="another folder"):
        back_up(data, target, target / "secrets")
    assert back_up(data, target, secrets) == ["notices.jsonl", "person-key.secret"]
    assert {file.name for file in target.iterdir()} == {"notices.jsonl", "backup.json"}, "no secret beside the data"
    with pytest.raises(ConfigurationError, match="not empty"):
        back_up(data, target)
    with pytest.raises(ConfigurationError, match="there are no secrets in"):
        restore(target, other, target)
    assert restore(target, other, secrets) == ["notices.jsonl", "person-key.secret"]
    assert (other / "person-key.secret").read_bytes() == b"s" * 32
    assert (other / "person-key.secret").stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigurationError, match="not empty"):
        restore(target, other)
    (target / "notices.jsonl").write_text("changed", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"damaged: notices\.jsonl"):
        restore(target, tmp_path / "third")
    with pytest.raises(ConfigurationError, match="no backup"):
        restore(data, tmp_path / "fourth")
