"""Files as they really come, identity numbers, and dates that no time zone moves."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric
from temporalio.contrib.pydantic import pydantic_data_converter

from adapters.registry.database import connect_registry
from adapters.registry.ledger import Ledger
from demo.make_roster import ROSTER, stories
from domain.bilingual import Text
from domain.civil_time import civil_day, first_instant
from domain.errors import ContractError
from domain.facts import parse_fact, wire
from domain.identity_documents import check_character, document
from domain.life import CoverageChange, Deadline, Interval, Record
from domain.money import fen, yuan
from domain.status import Status
from intake.files.rows import Problem, Row, read_rows
from tests.keys import RING

TODAY = date(2026, 11, 21)
HEADING = "事件编号,身份证号,出生医学证明编号,统筹区,事项,发生日期,险种,年度,金额"
GOOD = "e1,11010519491231002X,,130925,参保登记,2016-11-10,居民,2017,"


def _read(tmp_path: Path, text: str, encoding: str = "utf-8") -> list[Row | Problem]:
    file = tmp_path / "facts.csv"
    file.write_bytes(text.encode(encoding))
    return list(read_rows(file, TODAY))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    rows = _read(tmp_path, f"{HEADING}\n{GOOD}\n", encoding)
    assert [row.fact.type for row in rows if isinstance(row, Row)] == ["registered"]


@pytest.mark.parametrize(
    "day",
    [
        "2016-11-10",
        "2016/11/10",
        "2016.11.10",
        "20161110",
        "2016年11月10日",
        " 2016-11-10　",
        "２０１６－１１－１０",
    ],
)
def test_every_usual_way_to_write_a_day(tmp_path: Path, day: str) -> None:
    (row,) = _read(tmp_path, f"{HEADING}\n{GOOD.replace('2016-11-10', day)}\n")
    assert isinstance(row, Row)
    assert row.fact.on == date(2016, 11, 10)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (GOOD.replace("002X", "0021"), "line 3: field id_number: the check character of the ID number is wrong"),
        (GOOD.replace("11010519491231002X", ""), "field id_number: an ID number, a birth certificate"),
        (GOOD.replace("2016-11-10", "2016-11-31"), "field on: a date of the calendar"),
        (GOOD.replace("参保登记", "参保"), "field type: this fact type is not part of the contract"),
        (GOOD.replace("居民", "居"), "field scheme"),
        (GOOD.replace("2017", "MMXVII"), "field plan_year: a year"),
        (GOOD.replace("130925", "13092"), "field area"),
        (GOOD + "12.345", "field amount"),
        (GOOD + ",,,x", "cells where the heading has 9"),
        (GOOD.replace("11010519491231002X,", ",X1"), "a letter and nine digits"),
    ],
)
def test_a_broken_line_says_what_is_wrong_and_stops_nothing(tmp_path: Path, line: str, message: str) -> None:
    rows = _read(tmp_path, f"{HEADING}\n{GOOD}\n{line}\n{GOOD.replace('e1', 'e2')}\n")
    assert [type(row) for row in rows] == [Row, Problem, Row]
    problem = rows[1]
    assert isinstance(problem, Problem)
    assert message in problem.in_("en")
    assert "第3行" in problem.in_("zh")
    assert "11010519491231002X" not in problem.in_("en") + problem.in_("zh")


def test_the_same_event_twice_is_one(tmp_path: Path) -> None:
    rows = _read(tmp_path, f"{HEADING}\n{GOOD}\n{GOOD}\n")
    assert len({row.fact.fact_id for row in rows if isinstance(row, Row)}) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("事项,天气\n", "there is no column '天气'"),
        ("事项\n出生\n", "发生日期 / on is missing"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ContractError) as refusal:
        _read(tmp_path, text)
    assert message in str(refusal.value)


def test_the_roster_of_the_demonstration() -> None:
    rows = list(read_rows(ROSTER, TODAY))
    people = {row.documents[-1].number for row in rows if isinstance(row, Row)}
    assert len(people) >= 60
    assert len([row for row in rows if isinstance(row, Problem)]) == 1
    assert {row.fact.area for row in rows if isinstance(row, Row)} == {"130925", "130300", "450100", "360000"}
    assert all(document("id_number", story.id_number, TODAY) for story in stories())


@given(st.dates(date(1900, 1, 1), date(2025, 12, 31)), st.integers(0, 999))
def test_id_numbers_agree_with_another_reader_of_the_standard(born: date, serial: int) -> None:
    digits = f"110105{born:%Y%m%d}{serial:03d}"
    for check in "0123456789X":
        number = digits + check
        right = check == check_character(digits)
        assert ric.is_valid(number) is right
        if right:
            assert document("id_number", number, TODAY).number == number
        else:
            with pytest.raises(ValueError, match="check character"):
                document("id_number", number, TODAY)


@pytest.mark.parametrize("day", ["20250230", "20270101"])
def test_a_date_of_birth_must_be_one(day: str) -> None:
    digits = f"110105{day}002"
    with pytest.raises(ValueError, match=r"calendar|future"):
        document("id_number", digits + check_character(digits), TODAY)


@given(st.integers(-(10**11), 10**11))
def test_money_survives_the_wire(amount: int) -> None:
    assert fen(yuan(amount)) == amount


@pytest.mark.parametrize("text", ["1.234", "1e3", "", "１", "1,000", "-", 1.5, None, True])
def test_what_is_no_money(text: object) -> None:
    with pytest.raises(ValueError, match="decimal string"):
        fen(text)


# -- three time zones -----------------------------------------------------------------------------------------------


@pytest.fixture(params=["UTC", "America/Los_Angeles", "Asia/Shanghai"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.parametrize("day", [date(2017, 3, 1), date(2016, 2, 29), date(1988, 4, 10), date(2025, 12, 31)])
async def test_a_date_survives_every_way_it_goes(zone: str, day: date, tmp_path: Path) -> None:
    fact = parse_fact({"type": "birth", "on": day.isoformat(), "area": "130925"})
    assert parse_fact(wire(fact)).on == day
    deadline = Deadline(matter="m", on=day, wake_on=day, summary="s")
    payloads = await pydantic_data_converter.encode([deadline])
    assert await pydantic_data_converter.decode(payloads, [Deadline]) == [deadline]
    database = connect_registry(f"sqlite:///{tmp_path / 'registry.db'}", RING)
    await database.prepare()
    ledger = Ledger(database)
    interval = Interval(scheme="resident", area="130925", starts=day, ends=day, because=Text("", ""))
    await ledger.record(
        Record(
            person="p",
            after=0,
            sequence=1,
            recorded_on=day,
            status=Status.ENROLLED,
            area="130925",
            facts={"f": wire(fact)},
            coverage=[CoverageChange(added=interval)],
            conclusions=[],
            parked=[],
            slots={},
        )
    )
    assert await ledger.coverage("p") == [interval]
    assert parse_fact((await ledger.read("p")).facts["f"]).on == day
    await database.close()


@pytest.mark.parametrize("shift", [0, -3650, 40])
def test_a_civil_day_begins_at_midnight_in_china_wherever_the_worker_stands(zone: str, shift: int) -> None:
    day = date(2017, 3, 1)
    start = first_instant(day, shift)
    assert civil_day(start, shift) == day
    assert civil_day(datetime.fromtimestamp(start.timestamp() - 1, UTC), shift) == date(2017, 2, 28)
    assert civil_day(datetime.fromtimestamp(start.timestamp() + 86399, UTC), shift) == day
