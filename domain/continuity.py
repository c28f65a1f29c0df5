"""Whether the cover of one area follows on that of another, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from domain.cases import Continuity
from domain.life import Interval

_DAY = timedelta(days=1)


def continuity(before: Sequence[Interval], after: Sequence[Interval], on: date) -> Continuity:
    """Days uncovered between the last cover of the old area and the new one's, up to `on`; and days covered by both."""
    overlaps = []
    for old in before:
        for new in after:
            start, end = max(old.starts, new.starts), min(old.ends or date.max, new.ends or date.max)
            if start <= end:
                overlaps.append((start, end))
    ends = [span.ends for span in before]
    if not ends or None in ends:
        return Continuity(overlaps=overlaps)
    last = max(end for end in ends if end is not None)
    follows = min((span.starts for span in after if (span.ends or date.max) > last), default=None)
    until = on if follows is None else follows - _DAY
    gaps = [(last + _DAY, until)] if last < until else []
    return Continuity(gaps=gaps, overlaps=overlaps)


def covered_months(spans: Sequence[Interval], on: date) -> int:
    """The calendar months, up to `on`, of which at least one day was covered."""
    months = set()
    for span in spans:
        month, end = span.starts.replace(day=1), min(span.ends or on, on)
        while month <= end:
            months.add(month)
            month = (month + timedelta(days=31)).replace(day=1)
    return len(months)
