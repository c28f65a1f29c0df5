"""Calendar arithmetic of periods. Which day is counted is always an argument, and comes from a pack.

The general law is 民法典 201 to 203: the starting day is not counted; a period of months ends on the corresponding
day, or on the month's last day where there is none; a last day on which somebody must act moves past a rest day.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DAY = timedelta(days=1)


class Duration(BaseModel):
    """A length of time with its unit; how it is counted stands in parameters of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: int = Field(ge=0)
    unit: Literal["day", "month", "year"]


def add_months(day: date, months: int) -> date:
    """The corresponding day `months` later, or that month's last day where there is none (民法典 202)."""
    return _day_of_month(day, months, day.day)


def last_day(start: date, duration: Duration, *, start_day_counts: bool) -> date:
    """The last day of a period. `start_day_counts` says whether `start` is the period's first day or the eve of it."""
    if duration.unit == "day":
        return start + (duration.length - start_day_counts) * DAY
    months = duration.length * (12 if duration.unit == "year" else 1)
    if not start_day_counts:
        return add_months(start, months)
    if start.day == 1:
        return first_of_month(start, months) - DAY
    # The eve of the corresponding day, taken before the month's end cuts it: 30 November and three months end on
    # the last of February, not a day before it.
    return _day_of_month(start, months, start.day - 1)


def first_of_month(day: date, months: int = 0) -> date:
    """The first day of the month that lies `months` after the day's own."""
    return _day_of_month(day, months, 1)


def _day_of_month(day: date, months: int, number: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if number <= 28:  # every month has it
        return date(year, month + 1, number)
    return date(year, month + 1, min(number, calendar.monthrange(year, month + 1)[1]))
