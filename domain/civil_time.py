"""The one place where instants become civil dates, and the other way round.

Legal dates are `date` in China's civil time; instants are aware datetimes. Nothing else in the project names a time
zone, so that the worker's own zone can never move a birthday.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def civil_day(instant: datetime, shift_days: int = 0) -> date:
    """The civil day at an instant; `shift_days` moves the calendar of a life that is played back (0 in production)."""
    return instant.astimezone(CHINA).date() + timedelta(days=shift_days)


def first_instant(day: date, shift_days: int = 0) -> datetime:
    """The instant in UTC at which a civil day begins."""
    return datetime.combine(day - timedelta(days=shift_days), time(), CHINA).astimezone(UTC)


def current_day() -> date:
    """The civil day now. Not for workflows, whose clock is `workflow.now()`, nor for rules, which are given the day."""
    return civil_day(datetime.now(UTC))
