"""Working days: weekends, statutory holidays, and the weekend days that are worked in exchange.

The State Council publishes each year's calendar in the autumn before; `chinese_calendar` carries what is published.
Beyond that only weekends are known, and whoever asks is told that the answer is provisional.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import chinese_calendar

from policy.counting import DAY


@dataclass(frozen=True, slots=True)
class WorkingDay:
    day: date
    provisional: bool


def on_or_after(day: date) -> WorkingDay:
    """The first working day that is not before `day`."""
    provisional = False
    while True:
        try:
            rests = chinese_calendar.is_holiday(day)
        except NotImplementedError:
            rests, provisional = day.weekday() >= 5, True
        if not rests:
            return WorkingDay(day, provisional)
        day += DAY
