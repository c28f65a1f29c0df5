"""The window of a newborn (新生儿参保期限): from which day it runs, how long, and on which day it closes.

Sources: 医保发〔2020〕33号 (90 days from birth), 民法典 201 to 203 for counting, and the area, which may count in
months, from the entry in the household register, or to the end of the year of birth.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.bilingual import Text
from domain.facts import Birth, HukouRegistered
from policy import working_days
from policy.case import Case, Reasoning
from policy.counting import Duration, last_day
from policy.pack_library import NotStated
from policy.parameters import (
    NEWBORN_AGE_LIMIT,
    NEWBORN_ANCHOR,
    NEWBORN_COUNTS_START,
    NEWBORN_ROLLS,
    NEWBORN_WINDOW,
)

RULE = "newborn.window"


@dataclass(frozen=True, slots=True)
class Window:
    """The days in which somebody must have acted for the child; `provisional` while its calendar is not published.

    It opens with birth, or, where the area says so, with the entry in the household register.
    """

    birth: Birth
    area: str
    opens: date
    closes: date
    provisional: bool


def window_end(reasoning: Reasoning, start: date, length: Duration) -> tuple[date, bool] | NotStated:
    """The last day of a period that begins with birth, and whether its working-day calendar is still unpublished."""
    counts = reasoning.look_up(NEWBORN_COUNTS_START, start)
    rolls = reasoning.look_up(NEWBORN_ROLLS, start)
    if isinstance(counts, NotStated):
        return counts
    if isinstance(rolls, NotStated):
        return rolls
    day = last_day(start, length, start_day_counts=counts.value)
    if not rolls.value:
        return day, False
    working = working_days.on_or_after(day)
    return working.day, working.provisional


def window_of(case: Case, birth: Birth, area: str) -> Window | None:
    reasoning = Reasoning(case, RULE, area, birth.on.year)
    length = reasoning.look_up(NEWBORN_WINDOW, birth.on)
    if isinstance(length, NotStated):
        return None
    opens = _opens(reasoning, birth, area)
    if length.value == "birth_year_end":
        closes, provisional = date(birth.on.year, 12, 31), False
    else:
        assert isinstance(length.value, Duration)
        end = window_end(reasoning, opens, length.value)
        if isinstance(end, NotStated):
            reasoning.park(end)
            return None
        closes, provisional = end
    reasoning.decide(
        Text(
            f"新生儿参保期限至{closes}" + ("(节假日安排未公布,暂定)" if provisional else ""),
            f"the newborn window closes on {closes}"
            + (" (rest days not published yet, provisional)" if provisional else ""),
        ),
        birth.on,
    )
    return Window(birth, area, opens, closes, provisional)


def _opens(reasoning: Reasoning, birth: Birth, area: str) -> date:
    """The day from which the window runs. A register entry that has not come yet keeps it open, counted from today."""
    if reasoning.value(NEWBORN_ANCHOR, birth.on) != "hukou":
        return birth.on
    case = reasoning.case
    entered = [fact.on for fact in case.of(HukouRegistered) if case.area_of(fact) == area and fact.on >= birth.on]
    limit = reasoning.value(NEWBORN_AGE_LIMIT, birth.on)
    oldest = last_day(birth.on, limit, start_day_counts=False) if limit is not None else case.as_of
    return min(entered[0] if entered else case.as_of, oldest)
