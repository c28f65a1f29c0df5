"""Files on their way: nothing of them is lost or doubled, and every line is answered."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from temporalio.common import RetryPolicy
from temporalio.service import RPCError

from activities.imports import AT_ONCE, ImportActivities
from activities.packs_in_force import FixedPacks
from adapters.registry.identities import Identities
from adapters.registry.imports import ImportBooks
from adapters.registry.reader import Reader
from adapters.registry.senders import SenderPeople
from adapters.registry.tables import ImportLine
from cli.import_file import THE_BUREAU
from demo.make_samples import id_number, samples
from domain.civil_time import current_day
from domain.facts import parse_fact
from domain.identity_documents import IdentityDocument
from domain.imports import ImportProgress, ImportState
from domain.life import Receipt
from intake.files.mapping import Mapping
from intake.imports import HandedOver, ImportDesk
from intake.sender_files import read_senders
from policy.pack_library import PackLibrary, library
from sandbox.processes import program
from tests.service import SAMPLES, adopt
from tests.world import World
from workflows.names import INTAKE_QUEUE, QUEUES, import_workflow_id

TODAY = date(2026, 11, 22)
HEADING = "事件编号,身份证号,统筹区,事项,发生日期,险种,年度,金额\n"


def _desk(world: World) -> ImportDesk:
    return ImportDesk(
        world.client,
        Identities(world.database, world.secret),
        ImportBooks(world.database),
        SenderPeople(world.database),
    )


def _given(file: Path, sender: str | None = None) -> HandedOver:
    senders = read_senders(SAMPLES)
    if sender is None:
        return HandedOver(file, THE_BUREAU, Mapping(), current_day())
    return HandedOver(file, senders.get(sender), senders.mapping(sender), current_day())


async def _until_done(desk: ImportDesk, import_id: str, seconds: float = 60) -> ImportProgress:
    async with asyncio.timeout(seconds):
        while (progress := await desk.progress(import_id)).state is ImportState.RUNNING:
            await asyncio.sleep(0.05)
    return progress


async def _result(desk: ImportDesk, import_id: str) -> list[list[str]]:
    return [row async for rows in desk.result(import_id, "zh") for row in rows]


def _people(count: int, first: int = 0, area: str = "130925") -> str:
    """Lines of as many people, each registered once."""
    lines = [
        f"n{number},{id_number(f'19{60 + number % 40}-03-{1 + number % 28:02d}', number % 1000, area)},{area},参保登记,"
        f"2026-10-21,居民,2027,\n"
        for number in range(first, first + count)
    ]
    return HEADING + "".join(lines)


# -- what a file holds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_every_kind_of_sender_hands_over_a_file(world: World, kind: str) -> None:
    """The samples, one after the other, answered as their result files say."""
    desk = _desk(world)
    for sample in samples():
        given = _given(SAMPLES / sample.id / f"facts.{kind}", sample.id)
        import_id = await desk.take(given, given.check())
        await _until_done(desk, import_id)
        with (SAMPLES / sample.id / "result.csv").open(encoding="utf-8-sig", newline="") as expected:
            assert [row[:2] for row in await _result(desk, import_id)] == [row[:2] for row in csv.reader(expected)]
    stated = await world.database.transaction(lambda session: set(session.exec(select(ImportLine.fact))))
    assert stated == {""}, "what was answered is kept in the lives, and nowhere else"
    await adopt(world, world.database)


async def test_a_line_that_could_not_be_used_is_read_anew_when_the_file_comes_again(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(_people(3).replace("参保登记", "登记参保", 1), encoding="utf-8")
    desk, given = _desk(world), _given(file)
    import_id = await desk.take(given, given.check())
    assert (await _until_done(desk, import_id)).broken == 1
    mended = replace(given, mapping=Mapping(words={"type": {"登记参保": "registered"}}))
    assert await desk.take(mended, mended.check()) == import_id
    done = await _until_done(desk, import_id)
    assert (done.taken, done.broken) == (3, 0)
    await adopt(world, world.database)


async def test_a_file_may_say_no_more_than_a_report(world: World, tmp_path: Path) -> None:
    """What another sender said without an id is taken back by no file, and nobody dies by the word of another area."""
    number = id_number("1960-01-01", 12)
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text(
        f"身份证号,事项,发生日期,险种,年度\n{number},重复参保,2026-11-01,居民,2027\n", encoding="utf-8"
    )
    desk = _desk(world)
    first = replace(_given(elsewhere, "tianjin-bureau"), mapping=Mapping())
    await _until_done(desk, await desk.take(first, first.check()))
    person = (await Identities(world.database, world.secret).people([[IdentityDocument("id_number", number)]]))[0]
    async with asyncio.timeout(20):
        while not (lines := await Reader(world.database).history(str(person))):
            await asyncio.sleep(0.02)
    assert lines[0].by == "tianjin-bureau"
    said = {"type": "also_enrolled", "on": "2026-11-01", "scheme": "resident", "plan_year": 2027, "area": "120000"}
    fact = parse_fact(said)
    for sender, line in (
        ("civil-affairs", f"{number},死亡,2026-11-02,,,\n"),
        ("county-bureau", f"{number},迁移,2026-11-02,户籍,{fact.fact_id},是\n"),
    ):
        file = tmp_path / f"{sender}.csv"
        file.write_text(f"身份证号,事项,发生日期,迁移类型,更正编号,撤销\n{line}", encoding="utf-8")
        given = replace(_given(file, sender), mapping=Mapping())
        import_id = await desk.take(given, given.check())
        assert [row[1] for row in (await _result(desk, import_id))[1:]] == ["无法使用"], sender
    await adopt(world, world.database)


# -- carrying it ----------------------------------------------------------------------------------------------------


async def test_the_same_file_twice_changes_nothing(world: World, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(_people(12), encoding="gb18030")
    desk, given = _desk(world), _given(file)
    import_id = await desk.take(given, given.check())
    done = await _until_done(desk, import_id)
    assert (done.state, done.taken, done.answered) == (ImportState.DONE, 12, 12)
    first = await _result(desk, import_id)
    described = await world.client.get_workflow_handle(import_workflow_id(import_id)).describe()
    assert await desk.take(given, given.check()) == import_id
    assert await _result(desk, import_id) == first
    again = await world.client.get_workflow_handle(import_workflow_id(import_id)).describe()
    assert again.run_id == described.run_id
    other = tmp_path / "copy.csv"
    other.write_text(_people(12) + "\n", encoding="utf-8")  # another file that says the same
    second = await desk.take(_given(other), given.check())
    await _until_done(desk, second)
    await adopt(world, world.database)
    for key in list(world.keys):
        assert len(await world.handle(key).query("facts", result_type=list[str])) == 1


@pytest.mark.timeout(180)
async def test_killed_ten_times_it_finishes_without_loss_or_double(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker process carries it, is killed at a random line, and another one goes on: ten times."""
    monkeypatch.setattr("workflows.batch.HEARTBEAT", timedelta(seconds=2))
    monkeypatch.setattr("workflows.batch.RETRY", RetryPolicy(initial_interval=timedelta(milliseconds=100)))
    await world.stop_workers()
    # However fast the machine is, no more than 32 lines are judged in a second, so that ten kills find it at work.
    others = [queue for queue in QUEUES if queue != INTAKE_QUEUE]
    await world.start_workers(queues=others, packs=SlowPacks(library()))
    count, kills = 280, 10
    file = tmp_path / "people.csv"
    file.write_text(_people(count), encoding="utf-8")
    desk, given = _desk(world), _given(file)
    import_id = await desk.take(given, given.check())
    chance = random.Random(7)
    answered = 0
    with contextlib.ExitStack() as stack:
        carriers = [stack.enter_context(_carrier(world, tmp_path))]
        for _ in range(kills):
            carriers.append(stack.enter_context(_carrier(world, tmp_path)))  # begins while the other one works
            async with asyncio.timeout(40):
                while (now := (await desk.progress(import_id)).answered) == answered:
                    await asyncio.sleep(0.02)
            answered = now
            await asyncio.sleep(chance.uniform(0, 0.5))  # somewhere within the next ones
            carriers.pop(0).kill()
        assert answered < count
        done = await _until_done(desk, import_id, 40)
    assert (done.state, done.taken, done.answered) == (ImportState.DONE, count, count)
    await adopt(world, world.database)
    assert len(world.keys) == count
    facts = [await world.handle(key).query("facts", result_type=list[str]) for key in world.keys]
    assert [len(held) for held in facts] == [1] * count


class SlowPacks(FixedPacks):
    """Rules that take a quarter of a second."""

    async def current(self, at_least: str) -> tuple[str, PackLibrary]:
        await asyncio.sleep(0.25)
        return await super().current(at_least)


@contextlib.contextmanager
def _carrier(world: World, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process that serves files alone."""
    environment = {
        **os.environ,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": world.client.namespace,
        "CANBAO_DATA": str(folder),
        "CANBAO_DATABASE_URL": world.settings.database_url,
        "CANBAO_METRICS_ADDRESS": "",
    }
    command = [program("canbao"), "worker", "--queues", "intake"]
    with (folder / "carrier.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_crash_while_it_is_written_down_goes_on_where_it_stopped(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.imports.PAGE", 7)
    file = tmp_path / "people.csv"
    file.write_text(_people(30), encoding="utf-8")
    desk, given = _desk(world), _given(file)
    checked = given.check()

    def crash(line: int) -> None:
        if line > 15:
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await desk.take(given, checked, crash)
    books = ImportBooks(world.database)
    import_id = desk._import_id(given)
    assert (await books.progress(import_id)).state is ImportState.STAGING
    assert await desk.take(given, checked) == import_id
    done = await _until_done(desk, import_id)
    assert (done.taken, done.lines) == (30, 30)
    await adopt(world, world.database)


async def test_a_broken_line_stops_no_other_and_every_line_is_answered(world: World, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    text = _people(6).splitlines(keepends=True)
    text[2] = text[2].replace("2026-10-21", "2026-10-32")
    text[4] = text[4].replace("参保登记", "飞行")
    text.append(text[1].replace("2027", "2026"))  # the same event with other content
    file.write_text("".join(text), encoding="utf-8")
    desk, given = _desk(world), _given(file)
    import_id = await desk.take(given, given.check())
    await _until_done(desk, import_id)
    rows = await _result(desk, import_id)
    assert [row[1] for row in rows[1:]] == ["已受理", "无法使用", "已受理", "无法使用", "已受理", "已受理", "不予受理"]
    assert "发生日期" in rows[2][3]
    await adopt(world, world.database)


async def test_cancelled_it_reports_nothing_more_and_can_go_on(world: World, tmp_path: Path) -> None:
    await world.stop_workers()
    await world.start_workers(packs=SlowPacks(library()))  # so that there is something left to cancel
    file = tmp_path / "people.csv"
    file.write_text(_people(160), encoding="utf-8")
    desk, given = _desk(world), _given(file)
    import_id = await desk.take(given, given.check())
    async with asyncio.timeout(30):
        while (await desk.progress(import_id)).answered < 20:
            await asyncio.sleep(0.02)
    await desk.cancel(import_id)
    stopped = await _until_done(desk, import_id)
    assert stopped.state is ImportState.CANCELLED
    assert stopped.answered < 160
    await adopt(world, world.database)
    taken = [key for key in world.keys if await _lives(world, key)]
    # What a life took is answered, also what was on its way when it was cancelled.
    assert len(taken) <= stopped.taken + AT_ONCE
    assert await desk.take(given, given.check()) == import_id
    assert (await _until_done(desk, import_id)).taken == 160
    await adopt(world, world.database)


async def _lives(world: World, key: str) -> bool:
    try:
        await world.handle(key).describe()
    except RPCError:
        return False
    return True


async def test_a_life_that_does_not_answer_stops_no_other(world: World, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(_people(10), encoding="utf-8")
    desk, given = _desk(world), _given(file)
    silent: set[str] = set()
    real = ImportActivities._report_one

    async def report_one(self: ImportActivities, sender: str, line: object) -> object:
        from domain.errors import Unavailable

        if not silent:
            silent.add(line.person)  # type: ignore[attr-defined]
        if line.person in silent:  # type: ignore[attr-defined]
            raise Unavailable("the life does not answer")
        return await real(self, sender, line)  # type: ignore[arg-type]

    ImportActivities._report_one = report_one  # type: ignore[method-assign, assignment]
    try:
        import_id = await desk.take(given, given.check())
        async with asyncio.timeout(30):
            while (await desk.progress(import_id)).answered < 9:
                await asyncio.sleep(0.05)
        silent.clear()
        silent.add("nobody")
        handle = world.client.get_workflow_handle(import_workflow_id(import_id))
        await world.rests(handle)
        await world.pass_days(handle, 0.1)
        done = await _until_done(desk, import_id)
    finally:
        ImportActivities._report_one = real  # type: ignore[method-assign]
    assert done.taken == 10
    await adopt(world, world.database)


async def test_a_citys_file_does_not_delay_a_neighbours_newborn(world: World, tmp_path: Path) -> None:
    file = tmp_path / "city.csv"
    file.write_text(_people(220), encoding="utf-8")
    desk, given = _desk(world), _given(file)
    import_id = await desk.take(given, given.check())
    async with asyncio.timeout(30):
        while (before := (await desk.progress(import_id)).answered) < 40:
            await asyncio.sleep(0.02)
    newborn = world.person(current_day())
    receipt: Receipt = await world.report(
        newborn, {"type": "birth", "on": str(current_day() - timedelta(days=1)), "area": "450100"}
    )
    after = (await desk.progress(import_id)).answered
    assert receipt.status == "newborn_window_open"
    # It waits for no more of them than are on their way at once, with those whose answers are kept together.
    assert after - before <= 120
    await desk.cancel(import_id)
    await _until_done(desk, import_id)
    await adopt(world, world.database)
