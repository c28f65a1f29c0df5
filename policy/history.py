"""A person's earlier cover: which years, until when, how long without a break. Evidence and what was found alike."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date

from domain.facts import CoveredBefore, Scheme
from policy.case import Case
from policy.counting import DAY, add_months

_FAR = date.max


class Spans:
    """Stretches of days, kept in order, with the latest end up to each."""

    def __init__(self) -> None:
        self._spans: list[tuple[date, date]] = []
        self._known: list[date] = []
        """For as many spans as it is long: the latest end up to each."""

    def add(self, start: date, end: date | None) -> None:
        span = (start, end or _FAR)
        if not self._spans or span >= self._spans[-1]:
            self._spans.append(span)
        else:
            place = bisect_left(self._spans, span)
            self._spans.insert(place, span)
            del self._known[place:]

    @property
    def _latest(self) -> list[date]:
        for _, last in self._spans[len(self._known) :]:
            self._known.append(max(last, self._known[-1]) if self._known else last)
        return self._known

    def last_end(self, before: date) -> date | None:
        """The latest end of those that start before a day; the eve of that day, if one of them reaches it."""
        place = bisect_left(self._spans, (before, date.min))
        return min(self._latest[place - 1], before - DAY) if place else None

    def last_known_end(self, before: date) -> date | None:
        """The latest end, which may lie ahead, of those that start before a day."""
        place = bisect_left(self._spans, (before, date.min))
        return self._latest[place - 1] if place else None

    def touches(self, first: date, last: date) -> bool:
        """Whether one of them has a day in common with these."""
        place = bisect_left(self._spans, (last + DAY, date.min)) if last < _FAR else len(self._spans)
        return place > 0 and self._latest[place - 1] >= first

    def start_of_run(self, end: date) -> date:
        """Where the unbroken run began that ends on a day."""
        start = end + DAY
        for first, last in reversed(self._spans):
            if first < start and last >= start - DAY:
                start = first
        return start


class History:
    """Earlier cover by scheme. The resident procedures add to it year by year."""

    def __init__(self, case: Case) -> None:
        self.resident, self.employee, self.either = Spans(), Spans(), Spans()
        self._first_year: int | None = None
        for fact in sorted(case.of(CoveredBefore), key=lambda fact: (fact.starts, fact.ends)):
            self.add(fact.scheme, fact.starts, fact.ends)

    def add(self, scheme: Scheme, start: date, end: date | None) -> None:
        (self.resident if scheme == "resident" else self.employee).add(start, end)
        self.either.add(start, end)

    def enrolled_in(self, year: int, *, employee_counts: bool) -> bool:
        spans = self.either if employee_counts else self.resident
        return spans.touches(date(year, 1, 1), date(year, 12, 31))

    def missed_years(self, plan_year: int, *, employee_counts: bool, since: int | None) -> int:
        """How many whole years in a row before a plan year the person was not enrolled; 0 for who never was."""
        spans = self.either if employee_counts else self.resident
        last = spans.last_end(date(plan_year, 1, 1))
        if last is None:
            return 0
        counted_from = last.year if since is None else max(last.year, since - 1)
        return max(0, plan_year - 1 - counted_from)

    def last_scheme(self, before: date) -> tuple[Scheme, date] | None:
        """The scheme and the end of the last cover before a day; of two that end together the employee scheme."""
        resident, employee = self.resident.last_end(before), self.employee.last_end(before)
        if employee is not None and (resident is None or employee >= resident):
            return "employee", employee
        return ("resident", resident) if resident is not None else None

    def continuous_years(self, end: date) -> int:
        """Full years of cover without a break, in either scheme, that end on a day."""
        start = self.either.start_of_run(end)
        years = 0
        while add_months(start, 12 * (years + 1)) <= end + DAY:
            years += 1
        return years
