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
from policy.pack_files import Pack
from policy.pack_library import Stated, library
from policy.parameters import (
    COLLECTION_WINDOW,
    LATE_ALLOWED,
    NEWBORN_ACT,
    NEWBORN_COUNTS_START,
    NEWBORN_COVER,
    NEWBORN_LATE_STEPS,
    NEWBORN_ROLLS,
    NEWBORN_WINDOW,
)
from tests.world import paid, registered

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


def _years(pack: Pack) -> range:
    last = pack.valid_to.year if pack.valid_to else 2025
    return range(pack.valid_from.year, min(last, 2025) + 1)


def _newborn_windows() -> Iterator[NewbornWindow]:
    """For each pack with a newborn window, births on days where counting is easy to get wrong."""
    for pack in PACKS:
        if NEWBORN_WINDOW.key not in pack.statements:
            continue
        for year in {min(_years(pack)), max(_years(pack))}:
            for month, day in ((1, 1), (1, 31), (2, 28), (3, 1), (5, 4), (8, 31), (11, 30), (12, 31)):
                born = date(year, month, day)
                length = pack.statements[NEWBORN_WINDOW.key].value
                closes = born + relativedelta(**{f"{length.unit}s": length.length})
                if _stated(NEWBORN_COUNTS_START, pack.area, born):
                    # The eve of the corresponding day; a month that has none ends on its last day.
                    before = born - DAY
                    same = born.day == 1 or length.unit == "day"
                    closes = closes - DAY if same else (before + relativedelta(**{f"{length.unit}s": length.length}))
                while _stated(NEWBORN_ROLLS, pack.area, born) and chinese_calendar.is_holiday(closes):
                    closes += DAY
                yield NewbornWindow(pack.area, born, closes)


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
    assert {window.area for window in _newborn_windows()} == {"000000", "130925", "130300", "450100", "360000"}


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


@pytest.mark.parametrize("window", [w for w in _newborn_windows() if w.area == "360000"], ids=str)
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
    first_day: date
    closes: date

    def __str__(self) -> str:
        return f"{self.area}-{self.population}-{self.year}"


def _collections() -> Iterator[Collection]:
    for pack in PACKS:
        if COLLECTION_WINDOW.key not in pack.statements:
            continue
        for year in {min(_years(pack)), max(_years(pack))}:
            for population in ("ordinary", "pupil", "college"):
                period = next(
                    (
                        period
                        for period in pack.statements[COLLECTION_WINDOW.key].value
                        if period.holds_for(population, year)
                    ),
                    None,
                )
                if period is not None:
                    academic = population == "college" and pack.area == "130300"
                    first_day = date(year, 9, 1) if academic else date(year, 1, 1)
                    yield Collection(pack.area, population, year, first_day, period.days(year)[1])


@pytest.mark.parametrize("window", list(_collections()), ids=str)
def test_collection_window(window: Collection) -> None:
    def from_first_day(paid_on: date) -> bool:
        capacity = "ordinary" if window.population == "ordinary" else "student"
        facts = [
            registered((window.closes - 2 * DAY).isoformat(), window.year, window.area, capacity),
            paid(paid_on.isoformat(), window.year, window.area, kind="full"),
        ]
        if window.population == "college":
            facts.append({"type": "school_entered", "on": f"{window.year}-09-01", "area": window.area})
        found = assess([parse_fact(fact) for fact in facts], window.area, date(window.year + 2, 1, 1), library())
        return any(span.start == window.first_day for span in found.coverage)

    assert from_first_day(window.closes - DAY)
    assert from_first_day(window.closes)
    assert not from_first_day(window.closes + DAY)


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
