"""The day before, the day, and the day after: generated from every window and every wait of every pack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import chinese_calendar
import pytest
from dateutil.relativedelta import relativedelta

from domain.assessment import Assessment
from domain.facts import parse_fact
from policy.assess import assess
from policy.counting import Duration
from policy.pack_files import Pack
from policy.pack_library import Stated, library
from policy.parameters import (
    COLLECTION_WINDOW,
    EXEMPT,
    GAP_MAX,
    LATE_ALLOWED,
    LATE_LAST_DAY,
    NEWBORN_ACT,
    NEWBORN_ANCHOR,
    NEWBORN_COUNTS_START,
    NEWBORN_COVER,
    NEWBORN_LATE_STEPS,
    NEWBORN_ROLLS,
    NEWBORN_WINDOW,
)
from policy.plan_days import in_plan_year
from tests.facts import paid, registered

DAY = timedelta(days=1)
PACKS = library().packs
AREAS = {pack.area for pack in PACKS}


@dataclass(frozen=True)
class NewbornWindow:
    area: str
    born: date
    closes: date

    def __str__(self) -> str:
        return f"{self.area}-{self.born}"


def _stated(parameter: Any, area: str, on: date) -> Any:
    found = library().look_up(parameter, area, on)
    return found.value if isinstance(found, Stated) else None


def _years(pack: Pack) -> set[int]:
    """The first and the last year of a pack of which the working days are published."""
    last = min(pack.valid_to.year if pack.valid_to else 2025, 2025)
    return {pack.valid_from.year, max(last, pack.valid_from.year)}


def _tried(found: Assessment) -> set[str]:
    """The rules that were tried and did not hold."""
    return {item.rule for decision in found.decisions for item in decision.considered}


def _period(length: Duration) -> relativedelta:
    match length.unit:
        case "day":
            return relativedelta(days=length.length)
        case "month":
            return relativedelta(months=length.length)
        case _:
            return relativedelta(years=length.length)


def _rolled(day: date) -> date:
    while chinese_calendar.is_holiday(day):
        day += DAY
    return day


def _newborn_windows() -> Iterator[NewbornWindow]:
    """For each pack with a newborn window, births on days where counting is easy to get wrong."""
    for pack in PACKS:
        if NEWBORN_WINDOW.key not in pack.statements:
            continue
        for year in sorted(_years(pack)):
            for month, day in ((1, 1), (1, 31), (2, 28), (3, 1), (5, 4), (8, 31), (11, 30), (12, 31)):
                born = date(year, month, day)
                length = pack.statements[NEWBORN_WINDOW.key].value
                if not isinstance(length, Duration) or _stated(NEWBORN_ANCHOR, pack.area, born) == "hukou":
                    continue
                closes = born + _period(length)
                if _stated(NEWBORN_COUNTS_START, pack.area, born):
                    # The eve of the corresponding day; a month that has none ends on its last day.
                    before = born - DAY
                    same = born.day == 1 or length.unit == "day"
                    closes = closes - DAY if same else (before + _period(length))
                if closes < date(2026, 12, 1):  # the working days of later years are not published yet
                    rolls = _stated(NEWBORN_ROLLS, pack.area, born)
                    yield NewbornWindow(pack.area, born, _rolled(closes) if rolls else closes)


def _newborn(window: NewbornWindow, acted: date) -> Assessment:
    facts = [{"type": "birth", "on": window.born.isoformat(), "area": window.area}]
    for year in sorted({window.born.year, acted.year}):
        facts.append(registered(acted.isoformat(), year, window.area))
        facts.append(paid(acted.isoformat(), year, window.area))
    return assess([parse_fact(fact) for fact in facts], window.area, acted + timedelta(days=400), library())


def _from_birth(window: NewbornWindow, found: Assessment) -> bool:
    """Whether the days from birth on are covered, or, where the effect is not stated, open for that reason only."""
    spans = [(span.start, "") for span in found.coverage]
    spans += [(span.start, span.question) for span in found.undetermined]
    return any(start == window.born and question in ("", NEWBORN_COVER.key) for start, question in spans)


@pytest.mark.parametrize("window", list(_newborn_windows()), ids=str)
def test_newborn_window(window: NewbornWindow) -> None:
    assert _from_birth(window, _newborn(window, window.closes - DAY))
    assert _from_birth(window, _newborn(window, window.closes))
    assert not _from_birth(window, _newborn(window, window.closes + DAY))


def test_every_pack_with_a_newborn_window_is_tried() -> None:
    packed = {pack.area for pack in PACKS if NEWBORN_WINDOW.key in pack.statements}
    # Datong counts to the year's end and Beijing from the household register; both have cases of their own.
    assert {window.area for window in _newborn_windows()} == packed - {"140200", "110000"}


@pytest.mark.parametrize("window", [w for w in _newborn_windows() if w.area == "130925"], ids=str)
def test_each_act_that_the_area_asks_for_must_be_in_time(window: NewbornWindow) -> None:
    """Yanshan asks for registration and payment; one of them a day late is late."""
    assert _stated(NEWBORN_ACT, window.area, window.born) == "register_and_pay"
    for registration, payment, covered in (
        (window.closes, window.closes, True),
        (window.closes, window.closes + DAY, False),
        (window.closes + DAY, window.closes, False),
    ):
        facts = [
            {"type": "birth", "on": window.born.isoformat(), "area": window.area},
            registered(registration.isoformat(), window.born.year, window.area),
            paid(payment.isoformat(), window.born.year, window.area),
        ]
        found = assess([parse_fact(fact) for fact in facts], window.area, window.closes + 300 * DAY, library())
        assert _from_birth(window, found) is covered


@pytest.mark.parametrize(
    "window", [w for w in _newborn_windows() if w.area == "360000" and w.born.year == 2025], ids=str
)
def test_second_step_of_late_newborns(window: NewbornWindow) -> None:
    """Jiangxi: within a year of birth from the day after payment, after that like everybody."""
    steps = _stated(NEWBORN_LATE_STEPS, window.area, window.born)
    ends = window.born + relativedelta(years=steps[0].until.length)
    while chinese_calendar.is_holiday(ends):
        ends += DAY
    for acted, ordinary in ((ends - DAY, False), (ends, False), (ends + DAY, True)):
        facts = [
            {"type": "birth", "on": window.born.isoformat(), "area": window.area},
            registered(acted.isoformat(), window.born.year, window.area),
            paid(acted.isoformat(), window.born.year, window.area),
        ]
        found = assess([parse_fact(fact) for fact in facts], window.area, ends + 300 * DAY, library())
        assert bool(found.waits) is ordinary


@dataclass(frozen=True)
class Collection:
    area: str
    population: str
    year: int
    closes: date

    def __str__(self) -> str:
        return f"{self.area}-{self.population}-{self.year}"


def _collections() -> Iterator[Collection]:
    for pack in PACKS:
        if COLLECTION_WINDOW.key not in pack.statements:
            continue
        for year in sorted(_years(pack)):
            for population in ("ordinary", "pupil", "college"):
                for period in pack.statements[COLLECTION_WINDOW.key].value:
                    if period.holds_for(population, year):
                        yield Collection(pack.area, population, year, period.days(year)[1])
                        break


def _paid(window: Collection, paid_on: date) -> Assessment:
    capacity = "ordinary" if window.population == "ordinary" else "student"
    facts = [
        registered((window.closes - 2 * DAY).isoformat(), window.year, window.area, capacity, tier=1),
        paid(paid_on.isoformat(), window.year, window.area, kind="full"),
    ]
    if window.population == "college":
        facts.append({"type": "school_entered", "on": f"{window.year - 3}-09-01", "area": window.area})
    return assess([parse_fact(fact) for fact in facts], window.area, date(window.year + 2, 1, 1), library())


@pytest.mark.parametrize("window", list(_collections()), ids=str)
def test_collection_window(window: Collection) -> None:
    assert COLLECTION_WINDOW.key not in _tried(_paid(window, window.closes - DAY))
    in_time = _paid(window, window.closes)
    assert COLLECTION_WINDOW.key not in _tried(in_time)
    assert in_time.coverage
    assert COLLECTION_WINDOW.key in _tried(_paid(window, window.closes + DAY))


def test_every_pack_with_a_collection_window_is_tried() -> None:
    packed = {pack.area for pack in PACKS if COLLECTION_WINDOW.key in pack.statements}
    assert {window.area for window in _collections()} == packed


@pytest.mark.parametrize(
    ("area", "year", "last", "start"),
    [
        ("410200", 2017, "2017-02-28", None),
        ("410100", 2022, "2022-03-20", "2022-03-01"),
        ("350000", 2026, "2026-02-28", "2026-02-28"),
        ("350000", 2028, "2028-02-29", "2028-02-29"),
    ],
)
def test_extension_by_notice(area: str, year: int, last: str, start: str | None) -> None:
    """On the last day of the extension it still covers, a day later it no longer does."""
    end = date.fromisoformat(last)
    for day, admitted in ((end - DAY, True), (end, True), (end + DAY, False)):
        facts = [registered(day.isoformat(), year, area, "ordinary"), paid(day.isoformat(), year, area)]
        found = assess([parse_fact(fact) for fact in facts], area, date(year, 12, 31), library())
        open_start = [item.question for item in found.undetermined] == ["cover_start.in_extension"]
        if admitted:
            assert not found.refused
            assert not found.waits
            assert open_start is (start is None)
            if start is not None and day == end:
                assert [span.start.isoformat() for span in found.coverage] == [start]
        else:
            assert found.refused or found.waits or [item.question for item in found.parked] == ["late.allowed"]


def test_a_notice_is_unknown_before_it_is_decided() -> None:
    """Kaifeng decided on 9 January 2017; on the day before, its window had closed for good."""
    facts = [parse_fact(registered("2017-01-05", 2017, "410200", "ordinary", id="r"))]
    before = assess(facts, "410200", date(2017, 1, 8), library())
    after = assess(facts, "410200", date(2017, 1, 9), library())
    assert [item.fact for item in before.refused] == ["r"]
    assert after.refused == []


_FACTS_OF: dict[str, dict[str, Any]] = {
    "discharged": {"type": "discharged"},
    "discharged_family": {"type": "discharged", "relative": True},
    "moved": {"type": "moved", "kind": "hukou"},
    "returned_from_abroad": {"type": "moved", "kind": "returned_from_abroad"},
    "released": {"type": "moved", "kind": "released"},
    "graduated": {"type": "school_left", "reason": "graduated"},
    "employee_ended": {"type": "employment_ended"},
    "hukou_registered": {"type": "hukou_registered"},
}


@dataclass(frozen=True)
class EntryWindow:
    area: str
    event: str
    on: date
    closes: date

    def __str__(self) -> str:
        return f"{self.area}-{self.event}-{self.on}"


def _entry_windows() -> Iterator[EntryWindow]:
    """For each pack that lets somebody in for a time after an event: the event on two days of a year."""
    for pack in PACKS:
        if EXEMPT.key not in pack.statements:
            continue
        year = max(_years(pack))
        entries = pack.statements[EXEMPT.key].value
        all_year = {event for entry in entries if entry.within is None for event in entry.events}
        for entry in entries:
            for event in sorted(set(entry.events) - all_year):
                for month, day in ((4, 1), (5, 31)):
                    on = date(year, month, day)
                    counted = on + _period(entry.within)
                    yield EntryWindow(pack.area, event, on, _rolled(counted))


@pytest.mark.parametrize("window", list(_entry_windows()), ids=str)
def test_window_of_a_special_entrant(window: EntryWindow) -> None:
    def missed(day: date) -> bool:
        year = window.on.year
        facts: list[dict[str, Any]] = [
            {**_FACTS_OF[window.event], "on": window.on.isoformat(), "area": window.area},
            {"type": "household_state", "household": "h", "all_enrolled": True, "on": window.on.isoformat()},
            registered(day.isoformat(), year, window.area, "ordinary", tier=1),
            paid(day.isoformat(), year, window.area, kind="full"),
        ]
        if window.event == "employee_ended":
            facts.append(
                {
                    "type": "covered_before",
                    "scheme": "employee",
                    "from": f"{year - 4}-01-01",
                    "to": window.on.isoformat(),
                }
            )
        found = assess([parse_fact(fact) for fact in facts], window.area, date(year, 12, 31), library())
        return f"wait.exempt.{window.event}" in _tried(found)

    assert not missed(window.closes - DAY)
    assert not missed(window.closes)
    assert missed(window.closes + DAY)


@pytest.mark.parametrize(
    "area", sorted({pack.area for pack in PACKS if GAP_MAX.key in pack.statements} - {"000000"} | {"530100"})
)
@pytest.mark.parametrize("ended", [date(2023, 1, 31), date(2023, 2, 28), date(2023, 3, 31), date(2023, 4, 30)])
def test_gap_between_the_schemes(area: str, ended: date) -> None:
    """The gap is counted in whole months from the day after the employee cover; its last day is still inside."""
    months = _stated(GAP_MAX, area, ended).length
    limit = ended + DAY + relativedelta(months=months) - DAY

    def too_long(day: date) -> bool:
        facts: list[dict[str, Any]] = [
            {"type": "covered_before", "scheme": "employee", "from": "2018-01-01", "to": ended.isoformat()},
            {"type": "employment_ended", "on": ended.isoformat()},
            registered(day.isoformat(), 2023, area, "ordinary"),
            paid(day.isoformat(), 2023, area),
        ]
        return GAP_MAX.key in _tried(assess([parse_fact(fact) for fact in facts], area, date(2023, 12, 31), library()))

    assert not too_long(limit - DAY)
    assert not too_long(limit)
    assert too_long(limit + DAY)


@pytest.mark.parametrize("area", ["210200", "120000", "500000"])
def test_last_day_of_late_payment(area: str) -> None:
    last = in_plan_year(_stated(LATE_LAST_DAY, area, date(2021, 1, 1)), 2021)
    for day, refused in ((last - DAY, False), (last, False), (last + DAY, True)):
        facts = [
            registered(day.isoformat(), 2021, area, "ordinary", tier=1),
            paid(day.isoformat(), 2021, area, kind="full"),
        ]
        found = assess([parse_fact(fact) for fact in facts], area, date(2021, 12, 31), library())
        assert bool(found.refused) is refused


def test_late_payment_where_it_is_not_admitted() -> None:
    """Qinhuangdao 2017: a registration or a payment after 20 December 2016 is refused by name."""
    assert _stated(LATE_ALLOWED, "130300", date(2017, 1, 1)) is False
    facts = [
        registered("2016-12-21", 2017, "130300", "ordinary", id="late-registration"),
        paid("2016-12-21", 2017, "130300", id="late-payment"),
    ]
    found = assess([parse_fact(fact) for fact in facts], "130300", date(2017, 3, 1), library())
    assert [item.fact for item in found.refused] == ["late-payment", "late-registration"]
    assert found.levies == []


@pytest.mark.parametrize(
    ("area", "year", "paid_on", "last_waiting_day"),
    [
        # Ninety days after the day of arrival, which is not counted.
        ("130925", 2017, "2017-01-10", "2017-04-10"),
        ("130925", 2017, "2017-02-28", "2017-05-29"),
        # Three months from the day of payment, which is counted.
        ("360000", 2025, "2025-03-01", "2025-05-31"),
        ("360000", 2025, "2025-03-05", "2025-06-04"),
        ("360000", 2025, "2025-08-31", "2025-11-30"),
        ("360000", 2025, "2025-05-30", "2025-08-29"),
    ],
)
def test_wait(area: str, year: int, paid_on: str, last_waiting_day: str) -> None:
    facts = [registered(paid_on, year, area, "ordinary"), paid(paid_on, year, area, kind="full")]
    found = assess([parse_fact(fact) for fact in facts], area, date(year, 12, 31), library())
    last = date.fromisoformat(last_waiting_day)
    assert [wait.end for wait in found.waits] == [last]
    assert [span.start for span in found.coverage] == [last + DAY]
