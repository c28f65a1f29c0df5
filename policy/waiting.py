"""Waiting periods (待遇等待期): how long, counted how, from which day; the rules of 2024 for who missed years.

Sources: 国办发〔2024〕38号 from 2025 (fixed three months out of the window or after a lapse, one month more for each
further missed year, repair by payment, a floor from four missed years), 民法典 201 and 202 for counting, and the area.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Literal

from domain.assessment import Wait
from domain.bilingual import Text
from policy.case import Reasoning
from policy.conditions import holds
from policy.counting import DAY, Duration, add_months, first_of_month, last_day
from policy.history import History
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    WAIT_ANCHOR,
    WAIT_COUNTS_FROM,
    WAIT_COUNTS_START,
    WAIT_EMPLOYEE_YEARS,
    WAIT_FIRST_YEAR,
    WAIT_FIXED,
    WAIT_FLOOR,
    WAIT_FLOOR_FROM,
    WAIT_LAPSED_IN_WINDOW,
    WAIT_REGIME,
    WAIT_REPAIR,
    WAIT_UNIT,
    WAIT_VARIABLE,
)
from policy.relations import Relation
from policy.values import Anchor, WaitRule, WaitUnit


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first day of cover, and the wait before it. `day` is None where a question had to be parked."""

    day: date | None
    wait: Wait | None = None
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Length:
    """How long a wait is: `variable` before repair, `repaired` what repair took off, in the unit of the wait."""

    fixed: int
    variable: int = 0
    repaired: int = 0
    least: int = 0

    @property
    def total(self) -> int:
        return max(self.fixed + self.variable - self.repaired, self.least)


@dataclass(frozen=True, slots=True)
class Unclear:
    """The readings of what is not stated lead to different waits."""

    fixed: int | None
    missing: tuple[NotStated, ...]


def after_lapse(reasoning: Reasoning, history: History, relation: Relation, first_day: date) -> Beginning | None:
    """The wait of somebody who paid in time after missing a year (38号); None where nobody has to wait."""
    if reasoning.value(WAIT_LAPSED_IN_WINDOW, first_day) is not True:
        return None
    length = _length(reasoning, history, relation, first_day, None, lapsed_only=True)
    if isinstance(length, Length) and length.total == 0:
        return None
    return _beginning(reasoning, history, relation, first_day, None, length)


def after_wait(
    reasoning: Reasoning, history: History, relation: Relation, first_day: date, rule: WaitRule | None
) -> Beginning:
    """From when a late payer is covered who has to wait."""
    length = _length(reasoning, history, relation, first_day, rule, lapsed_only=False)
    return _beginning(reasoning, history, relation, first_day, rule, length)


def _length(
    reasoning: Reasoning,
    history: History,
    relation: Relation,
    first_day: date,
    rule: WaitRule | None,
    *,
    lapsed_only: bool,
) -> Length | Unclear:
    if rule is not None:
        return Length(rule.fixed)
    fixed = reasoning.look_up(WAIT_FIXED, first_day)
    if isinstance(fixed, NotStated):
        return Unclear(None, (fixed,))
    per_year = reasoning.value(WAIT_VARIABLE, first_day)
    if per_year is None:
        return Length(fixed.value)
    missed = history.missed_years(relation.plan_year, employee_counts=False, since=None)
    if missed == 0 and history.missed_years(relation.plan_year, employee_counts=True, since=None) == 0:
        return Length(0 if lapsed_only else fixed.value)
    readings = _Readings(reasoning, first_day)
    lengths = {
        reading: _by(reasoning, history, relation, first_day, fixed.value, per_year, *reading, lapsed_only=lapsed_only)
        for reading in readings.all()
    }
    if len({length.total for length in lengths.values()}) == 1:
        return next(iter(lengths.values()))
    return Unclear(fixed.value, readings.that_matter(lengths))


Reading = tuple[bool, int | None, bool]
"""Whether employee years count, since which year missed ones do, and whether the first of them does."""


class _Readings:
    """What the rules of 2024 leave open: every way to read them that the packs in force do not exclude."""

    def __init__(self, reasoning: Reasoning, on: date) -> None:
        self._employee = reasoning.look_up(WAIT_EMPLOYEE_YEARS, on)
        self._since = reasoning.look_up(WAIT_COUNTS_FROM, on)
        self._first = reasoning.look_up(WAIT_FIRST_YEAR, on)
        self._regime = reasoning.value(WAIT_REGIME, on)

    def all(self) -> list[Reading]:
        employee = (self._employee.value,) if isinstance(self._employee, Stated) else (True, False)
        since = (self._since.value,) if isinstance(self._since, Stated) else (None, self._regime)
        first = (self._first.value,) if isinstance(self._first, Stated) else (False, True)
        return list(product(employee, since, first))

    def that_matter(self, lengths: dict[Reading, Length]) -> tuple[NotStated, ...]:
        """The open questions whose answer alone can change the length."""
        matter = []
        for place, missing in enumerate((self._employee, self._since, self._first)):
            if isinstance(missing, Stated):
                continue
            by_rest: dict[tuple[object, ...], set[int]] = {}
            for reading, length in lengths.items():
                by_rest.setdefault(reading[:place] + reading[place + 1 :], set()).add(length.total)
            if any(len(totals) > 1 for totals in by_rest.values()):
                matter.append(missing)
        return tuple(matter)


def _by(
    reasoning: Reasoning,
    history: History,
    relation: Relation,
    first_day: date,
    fixed: int,
    per_year: int,
    employee_counts: bool,
    since: int | None,
    first_counts: bool,
    *,
    lapsed_only: bool,
) -> Length:
    """The length by one reading of the rules of 2024."""
    missed = history.missed_years(relation.plan_year, employee_counts=employee_counts, since=since)
    if missed == 0:
        return Length(0 if lapsed_only else fixed)
    variable = per_year * (missed if first_counts else missed - 1)
    per_repair = reasoning.value(WAIT_REPAIR, first_day) or 0
    repaired_years = [year for year in relation.repairs if relation.plan_year - missed <= year]
    repaired = min(variable, per_repair * len(repaired_years))
    floor_from = reasoning.value(WAIT_FLOOR_FROM, first_day)
    floor = reasoning.value(WAIT_FLOOR, first_day) or 0
    return Length(fixed, variable, repaired, floor if floor_from is not None and missed >= floor_from else 0)


def _beginning(
    reasoning: Reasoning,
    history: History,
    relation: Relation,
    first_day: date,
    rule: WaitRule | None,
    length: Length | Unclear,
) -> Beginning:
    paid, arrived = relation.paid_on, relation.arrived_on
    assert paid is not None
    assert arrived is not None
    unit = _unit(reasoning, first_day, rule)
    anchor = _anchor(reasoning, history, relation, first_day, rule, unit)
    counts = _counts_start(reasoning, first_day, rule)
    if isinstance(length, Unclear) or isinstance(unit, NotStated) or isinstance(anchor, NotStated):
        missing = [*(length.missing if isinstance(length, Unclear) else ())]
        missing += [item for item in (unit, anchor) if isinstance(item, NotStated)]
        start = _first(anchor, relation, first_day) if not isinstance(anchor, NotStated) else max(paid, first_day)
        return _open(reasoning, relation, length, unit, missing, start)
    if isinstance(counts, NotStated):
        return _open(reasoning, relation, length, unit, [counts], _first(anchor, relation, first_day))
    start = _first(anchor, relation, first_day)
    included = counts or anchor not in ("payment_day", "arrival_day")
    start, end = _days(start, unit, length.total, included)
    wait = Wait(
        scheme="resident",
        area=relation.area,
        start=start,
        end=end,
        unit="day" if unit == "day" else "month",
        fixed=length.fixed,
        variable=length.variable,
        repaired=length.repaired,
        because=_because(start, end, length),
    )
    return Beginning(max(end + DAY, first_day), wait)


def _unit(reasoning: Reasoning, first_day: date, rule: WaitRule | None) -> WaitUnit | NotStated:
    if rule is not None and rule.unit is not None:
        return rule.unit
    found = reasoning.look_up(WAIT_UNIT, first_day)
    return found if isinstance(found, NotStated) else found.value


def _counts_start(reasoning: Reasoning, first_day: date, rule: WaitRule | None) -> bool | NotStated:
    """Whether the day from which a wait runs is counted; without a local rule it is not (民法典 201)."""
    if rule is not None and rule.count_start_day is not None:
        return rule.count_start_day
    found = reasoning.look_up(WAIT_COUNTS_START, first_day)
    return found if isinstance(found, NotStated) else found.value


def _days(start: date, unit: WaitUnit | str, length: int, included: bool) -> tuple[date, date]:
    """First and last day of a wait; `included` says whether the first day is counted."""
    match unit:
        case "natural_month":
            return first_of_month(start), first_of_month(start, length) - DAY
        case "full_months_then_next_first":
            return start, first_of_month(add_months(start, length), 1) - DAY
        case "day":
            return start, last_day(start, Duration(length=length, unit="day"), start_day_counts=included)
        case _:
            return start, last_day(start, Duration(length=length, unit="month"), start_day_counts=included)


def _anchor(
    reasoning: Reasoning,
    history: History,
    relation: Relation,
    first_day: date,
    rule: WaitRule | None,
    unit: WaitUnit | NotStated,
) -> Anchor | NotStated:
    if rule is not None and rule.start_anchor is not None:
        return rule.start_anchor
    found = reasoning.look_up(WAIT_ANCHOR, first_day)
    if not isinstance(found, NotStated):
        paid = relation.paid_on
        assert paid is not None
        for entry in found.value:
            if holds(reasoning, history, relation, entry, paid):
                return entry.anchor
        found = NotStated(
            WAIT_ANCHOR.key,
            Text(
                "政策包没有规定这种情形等待期的起算日", "the pack does not say from when the wait counts in this case"
            ),
            found.pack,
        )
    paid, arrived = relation.paid_on, relation.arrived_on
    if found.pack is None and unit != "natural_month" and paid == arrived:
        # Nothing is said of the day: a period runs from the act that it follows (民法典 201).
        return "payment_day"
    # Natural months count from the month of payment by their very name.
    return "first_of_payment_month" if unit == "natural_month" else found


def _first(anchor: Anchor, relation: Relation, first_day: date) -> date:
    paid, arrived = relation.paid_on, relation.arrived_on
    assert paid is not None
    assert arrived is not None
    match anchor:
        case "payment_day":
            return paid
        case "arrival_day":
            return arrived
        case "day_after_payment":
            return paid + DAY
        case "day_after_arrival":
            return arrived + DAY
        case "first_of_payment_month":
            return first_of_month(paid)
        case _:
            return first_day


def _open(
    reasoning: Reasoning,
    relation: Relation,
    length: Length | Unclear,
    unit: WaitUnit | NotStated,
    missing: list[NotStated],
    start: date,
) -> Beginning:
    """A wait that nobody can count is listed without an end, and each open question is parked."""
    for item in missing:
        reasoning.park(item)
    fixed = length.fixed
    known: Literal["day", "month"] = "day" if unit == "day" else "month"
    because = Text("等待期的计算方式没有规定", "how the wait counts is not stated")
    wait = Wait("resident", relation.area, start, None, known, fixed, because, None, None)
    if isinstance(length, Length):
        wait = Wait("resident", relation.area, start, None, known, fixed, because, length.variable, length.repaired)
    return Beginning(None, wait, missing[0].key)


def _because(start: date, end: date, length: Length) -> Text:
    zh, en = f"待遇等待期自{start}至{end}", f"the wait runs from {start} to {end}"
    if length.variable:
        zh += f"(固定{length.fixed},变动{length.variable},修复减{length.repaired})"
        en += f" (fixed {length.fixed}, variable {length.variable}, repaired {length.repaired})"
    if length.least and length.total == length.least:
        zh += f",连续断保四年及以上不少于{length.least}个月"
        en += f", at least {length.least} months after four missed years or more"
    return Text(zh, en)
