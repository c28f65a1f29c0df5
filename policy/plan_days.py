"""Days that are written relative to a plan year, as packs write them: "previous-year 12-31", "plan-year 02-end"."""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_PLAN_DAY = re.compile(r"(previous-year|plan-year|next-year) (\d{2})-(\d{2}|end)|(\d{4}-\d{2}-\d{2})")
_OFFSETS = {"previous-year": -1, "plan-year": 0, "next-year": 1}


def in_plan_year(plan_day: str, year: int) -> date:
    """The date of a day that is given relative to a plan year; "02-end" is the last of February."""
    match = _PLAN_DAY.fullmatch(plan_day)
    assert match is not None, plan_day
    which, month, day, absolute = match.groups()
    if absolute:
        return date.fromisoformat(absolute)
    actual = year + _OFFSETS[which]
    number = calendar.monthrange(actual, int(month))[1] if day == "end" else int(day)
    return date(actual, int(month), number)


def _as_text(day: object) -> object:
    return day.isoformat() if isinstance(day, date) else day


def _checked(text: str) -> str:
    if _PLAN_DAY.fullmatch(text) is None:
        raise ValueError(
            'a day of a plan year is written "previous-year MM-DD", "plan-year MM-DD", "plan-year MM-end" or YYYY-MM-DD'
        )
    in_plan_year(text, 2023)  # a day that not every year has is none to rely on
    return text


PlanDay = Annotated[str, BeforeValidator(_as_text), AfterValidator(_checked)]
