"""Files: what they hold, what is taken of them, and that nothing of them is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import os
import random
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from temporalio.common import RetryPolicy
from temporalio.service import RPCError
from xlsxwriter import Workbook

from activities.imports import AT_ONCE, ImportActivities
from activities.packs_in_force import FixedPacks
from adapters.registry.identities import Identities
from adapters.registry.imports import ImportBooks
from adapters.registry.reader import Reader
from adapters.registry.senders import SenderPeople
from cli.import_file import THE_BUREAU
from demo.make_samples import id_number, samples
from domain.civil_time import current_day
from domain.errors import ContractError
from domain.facts import parse_fact
from domain.identity_documents import IdentityDocument
from domain.imports import ImportProgress, ImportState
from domain.life import Receipt
from intake.files import tables
from intake.files.check import check_file
from intake.files.mapping import Mapping, TotalRow
from intake.files.rows import Problem, Row, StatedTotals, read_rows
from intake.imports import HandedOver, ImportDesk, csv_text
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
    await adopt(world, world.database)


def test_a_workbook_and_a_csv_file_say_the_same() -> None:
    for sample in samples():
        read = [
            [(item.line, item.fact if isinstance(item, Row) else item.message) for item in _rows(sample.id, kind)]
            for kind in ("csv", "xlsx")
        ]
        assert read[0] == read[1], sample.id


def _rows(sender: str, kind: str) -> list[Row | Problem]:
    given = _given(SAMPLES / sender / f"facts.{kind}", sender)
    return list(read_rows(given.file, TODAY, given.mapping, given.sender))


def test_totals_are_compared_before_anything_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "paid.csv"
    line = f"x1,{id_number('1960-01-01', 1)},130925,缴费,2026-10-21,居民,2027,400.00\n"
    file.write_text(HEADING + line + line.replace("x1", "x2") + "合计,2,,,,,,800.00\n", encoding="utf-8")
    mapping = Mapping(total_row=TotalRow(label="合计", headcount="id_number", amount="amount"))
    checked = check_file(file, THE_BUREAU, mapping, TODAY)
    assert (checked.headcount, checked.receipts, checked.amount) == (1, 2, 80000)
    assert [item.en for item in checked.differences()] == ["headcount: 2 stated, 1 found"]
    told = check_file(file, THE_BUREAU, mapping, TODAY, StatedTotals(headcount=1, receipts=2, amount=80000))
    assert told.differences() == []
    wrong = check_file(file, THE_BUREAU, mapping, TODAY, StatedTotals(headcount=1, receipts=3, amount=1))
    assert len(wrong.differences()) == 2


def test_what_is_missing_is_no_document(tmp_path: Path) -> None:
    file = tmp_path / "births.csv"
    mother = id_number("1990-01-01", 22)
    heading = "事项,发生日期,身份证号,出生医学证明编号,母亲身份证号,胎次\n"
    lines = [f"出生,2026-11-01,{none},0,无,1\n" for none in ("", "无", "0", "-", "NULL", "　")]
    lines.append(f"出生,2026-11-01,,T000000000,{mother},1\n")
    lines.append(f"出生,2026-11-01,,,{mother},\n")
    file.write_text(heading + "".join(lines), encoding="utf-8")
    found = list(read_rows(file, TODAY))
    assert all(isinstance(item, Problem) for item in found)


# -- files that are not what they should be -------------------------------------------------------------------------


def _workbook(file: Path, write: Callable[[Workbook], None]) -> Path:
    book = Workbook(file)
    write(book)
    book.close()
    return file


def _formula(book: Workbook) -> None:
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["事项", "发生日期", "身份证号"])
    sheet.write_row(1, 0, ["死亡", "2026-11-01", id_number("1940-01-01", 5)])
    sheet.write_row(2, 0, ["死亡", "2026-11-01"])
    sheet.write_formula(2, 2, "=C2", value=id_number("1940-01-01", 5))


def test_formulas_are_named_by_their_cell(tmp_path: Path) -> None:
    good, bad = read_rows(_workbook(tmp_path / "f.xlsx", _formula), TODAY)
    assert isinstance(good, Row)
    assert isinstance(bad, Problem)
    assert "cell C3: a formula" in bad.in_("en")
    file = tmp_path / "f.csv"
    file.write_text('事项,发生日期,身份证号\n死亡,2026-11-01,"=HYPERLINK(""x"")"\n', encoding="utf-8")
    (bad,) = read_rows(file, TODAY)
    assert isinstance(bad, Problem)
    assert "field id_number: a formula" in bad.in_("en")


def test_a_number_that_lost_its_digits_is_named(tmp_path: Path) -> None:
    def write(book: Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["事项", "发生日期", "身份证号"])
        sheet.write_row(1, 0, ["死亡", "2026-11-01", 110105194912310021])

    (bad,) = read_rows(_workbook(tmp_path / "n.xlsx", write), TODAY)
    assert isinstance(bad, Problem)
    assert "write it as text" in bad.in_("en")


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as out,
    ):
        for _ in range(300):
            out.write(b"0" * (1 << 20))
    assert file.stat().st_size < 1 << 20
    with pytest.raises(ContractError, match="unpacks to more than 256 MB"):
        list(read_rows(file, TODAY))
    # One that lies about its size is found by its checksum.
    data = bytearray(file.read_bytes())
    end = data.rfind(b"PK\x01\x02")
    data[end + 24 : end + 28] = (1000).to_bytes(4, "little")
    file.write_bytes(bytes(data))
    with pytest.raises(ContractError, match="damaged"):
        list(read_rows(file, TODAY))
    monkeypatch.setattr(tables, "MAXIMUM_UNPACKED", 10)
    with pytest.raises(ContractError, match="unpacks"):
        list(read_rows(SAMPLES / "county-tax" / "facts.xlsx", TODAY))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (",".join(f"c{number}" for number in range(300)).encode(), "300 columns"),
        ("事项,发生日期,事项\n".encode(), "stands there twice"),
        ("事项,发生日期\n".encode(), "no line below the heading"),
        (b"\xff\xfe\x8b\x4e", "UTF-16"),
        (b"\xd0\xcf\x11\xe0rest", "old xls"),
        (b"PK\x03\x04rest", "damaged"),
        (b"\xff\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, named: str) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    with pytest.raises(ContractError) as refusal:
        check_file(file, THE_BUREAU, Mapping(), TODAY)
    assert named in str(refusal.value)


def test_a_line_in_another_encoding_is_named_and_stops_no_other(tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    line = f"a,{id_number('1950-01-01', 1)},130925,死亡,2026-11-01,,,\n"
    file.write_bytes(HEADING.encode() + line.encode() + line.encode("gb18030") + line.encode())
    found = list(read_rows(file, TODAY))
    assert [type(item) for item in found] == [Row, Problem, Row]
    assert "not in the file's encoding utf-8" in found[1].in_("en")  # type: ignore[union-attr]


def test_a_stray_quote_swallows_no_line(tmp_path: Path) -> None:
    file = tmp_path / "quotes.csv"
    lines = [f"a{number},{id_number('1950-01-01', number)},130925,死亡,2026-11-01,,,\n" for number in range(60)]
    lines[5] = '"' + lines[5]
    lines[40] = lines[40].replace("a40", '"a\n40"')  # a cell with a line break is one
    file.write_text(HEADING + "".join(lines), encoding="utf-8")
    found = list(read_rows(file, TODAY))
    assert len(found) == 60
    assert [item.line for item in found if isinstance(item, Problem)] == [7, 43]
    assert "quote" in found[5].in_("en")  # type: ignore[union-attr]


def test_one_cell_far_out_does_not_fill_the_memory(tmp_path: Path) -> None:
    def write(book: Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["事项", "发生日期", "身份证号"])
        sheet.write_string(1_048_575, 16_383, "x")

    with pytest.raises(ContractError, match="unpacks to more"):
        list(read_rows(_workbook(tmp_path / "far.xlsx", write), TODAY))


def test_lines_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    def write(book: Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(2, 0, ["事项", "发生日期", "身份证号"])
        sheet.write_row(4, 0, ["死亡", "2026-11-31", id_number("1940-01-01", 5)])
        book.add_worksheet().write_formula(4, 1, "=B1")

    file = _workbook(tmp_path / "late.xlsx", write)
    (bad,) = read_rows(file, TODAY, Mapping(heading=3))
    assert isinstance(bad, Problem)
    assert (bad.line, "field on" in bad.in_("en")) == (5, True)


def test_a_file_that_is_cut_short_of_its_totals_does_not_agree(tmp_path: Path) -> None:
    mapping = Mapping(total_row=TotalRow(label="合 计:", amount="amount"))
    line = f"x1,{id_number('1960-01-01', 1)},130925,缴费,2026-10-21,居民,2027,9000.00\n"
    file = tmp_path / "paid.csv"
    for end, differences in (("", 1), ('合 计:,,,,,,,"9,000.00"\n', 0), ("合 计:,,,,,,,=SUM(H2)\n", 1)):
        file.write_text(HEADING + line + end, encoding="utf-8")
        assert len(check_file(file, THE_BUREAU, mapping, TODAY).differences()) == differences, end
    told = check_file(file, THE_BUREAU, mapping, TODAY, StatedTotals(headcount=1))
    assert told.differences() == []


def test_the_words_of_a_mapping_are_compared_as_cells_are(tmp_path: Path) -> None:
    file = tmp_path / "died.csv"
    file.write_text(
        f"死亡日期（公历）,业务,身份证号\n2026-11-01,死亡（登记）,{id_number('1940-01-01', 5)}\n", encoding="utf-8"
    )
    mapping = Mapping(columns={"死亡日期（公历）": "on", "业务": "type"}, words={"type": {"死亡（登记）": "died"}})
    (row,) = read_rows(file, TODAY, mapping)
    assert isinstance(row, Row)


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


def test_an_answer_is_never_a_formula() -> None:
    assert csv_text([["=1+1", "-2", "好"]]) == "'=1+1,'-2,好\r\n"
    assert next(csv.reader(io.StringIO(csv_text([["a,b", 'c"d']])))) == ["a,b", 'c"d']


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
