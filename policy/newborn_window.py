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
    """The days in which somebody must have acted for the child; `provisional` while its calendar is not
    published, or the day from which it runs has not come.

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
    if opens is None:
        # The window does not run before the register entry; the child has to be entered and enrolled as an infant.
        limit = reasoning.look_up(NEWBORN_AGE_LIMIT, birth.on)
        if isinstance(limit, NotStated):
            reasoning.park(limit)
            return None
        opens, end = birth.on, (last_day(birth.on, limit.value, start_day_counts=False), True)
    elif length.value == "birth_year_end":
        end = (date(birth.on.year, 12, 31), False)
    else:
        assert isinstance(length.value, Duration)
        counted = window_end(reasoning, opens, length.value)
        if isinstance(counted, NotStated):
            reasoning.park(counted)
            return None
        end = counted
    closes, provisional = end
    reasoning.decide(
        Text(
            f"新生儿参保期限至{closes}" + ("(暂定)" if provisional else ""),
            f"the newborn window closes on {closes}" + (" (provisional)" if provisional else ""),
        ),
        birth.on,
    )
    return Window(birth, area, opens, closes, provisional)


def _opens(reasoning: Reasoning, birth: Birth, area: str) -> date | None:
    """The day from which the window runs; None while it is to run from a register entry that has not come yet."""
    if reasoning.value(NEWBORN_ANCHOR, birth.on) != "hukou":
        return birth.on
    case = reasoning.case
    entered = [fact.on for fact in case.of(HukouRegistered) if case.area_of(fact) == area and fact.on >= birth.on]
    return entered[0] if entered else None
