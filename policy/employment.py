"""A person's work as the facts tell it: relations with the employee scheme, and the months that were paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.bilingual import Text
from domain.facts import EmploymentEnded, EmploymentStarted, Paid, Registered, StopRequested
from policy.case import Case
from policy.counting import DAY, first_of_month

Capacity = Literal["unit", "flexible"]


@dataclass(slots=True)
class Job:
    """One relation with the employee scheme in an area, from joining to leaving."""

    area: str
    capacity: Capacity
    began: date
    registered: Registered | None = None
    started: EmploymentStarted | None = None
    ended: date | None = None
    refused: bool = False

    @property
    def form(self) -> str:
        return self.started.form if self.started is not None else self.capacity


@dataclass(frozen=True, slots=True)
class PaidMonths:
    """Months of the employee scheme that one payment covers, from the first of the first to the last of the last."""

    fact: Paid
    area: str
    start: date
    end: date
    capacity: Capacity

    @property
    def paid_on(self) -> date:
        return self.fact.on

    @property
    def paid_afterwards(self) -> bool:
        """Whether some of the months had passed when they were paid."""
        return self.start < first_of_month(self.paid_on)


def jobs(case: Case) -> list[Job]:
    """Every relation with the employee scheme that the facts open, in order."""
    found: list[Job] = []
    open_in: dict[str, list[Job]] = {}
    events: list[Registered | EmploymentStarted | EmploymentEnded | StopRequested] = [
        *case.of(EmploymentStarted),
        *(fact for fact in case.of(Registered) if fact.scheme == "employee"),
        *case.of(EmploymentEnded),
        *(fact for fact in case.of(StopRequested) if fact.scheme == "employee"),
    ]
    for fact in sorted(events, key=lambda fact: (fact.on, _ORDER[type(fact)])):
        here = open_in.setdefault(case.area_of(fact), [])
        if isinstance(fact, Registered | EmploymentStarted):
            job = _open(case, here, fact)
            if job is not None:
                found.append(job)
                here.append(job)
            continue
        # Who leaves one job and begins another on the same day leaves the older one.
        ending = [job for job in here if job.began < fact.on] or list(here)
        for job in ending:
            job.ended = fact.on
            here.remove(job)
    return found


_ORDER: dict[type[object], int] = {Registered: 0, EmploymentStarted: 1, EmploymentEnded: 2, StopRequested: 2}


def _open(case: Case, here: list[Job], fact: Registered | EmploymentStarted) -> Job | None:
    """A new job, or None where the fact belongs to one that is known already."""
    flexible = fact.form == "flexible" if isinstance(fact, EmploymentStarted) else fact.capacity == "flexible"
    capacity: Capacity = "flexible" if flexible else "unit"
    latest = here[-1] if here else None
    if isinstance(fact, EmploymentStarted):
        if latest is not None and latest.started is None and latest.began == fact.on:
            latest.started = fact
            return None
        return Job(case.area_of(fact), capacity, fact.on, started=fact)
    if latest is not None and latest.registered is None and latest.capacity == capacity:
        latest.registered = fact
        return None
    return Job(case.area_of(fact), capacity, fact.on, registered=fact)


def paid_months(case: Case, known_jobs: list[Job]) -> list[PaidMonths]:
    """The months of the employee scheme that were paid, in order. A payment that names no months is parked."""
    found = []
    for fact in case.of(Paid):
        if fact.scheme != "employee":
            continue
        months = _months(fact)
        if months is None:
            text = Text("职工医保缴费没有写明月份", "a payment for the employee scheme does not say for which months")
            case.park("from_month", text)
            continue
        area = case.area_of(fact)
        found.append(PaidMonths(fact, area, *months, _capacity(fact, area, months[0], known_jobs)))
    return sorted(found, key=lambda item: (item.start, item.paid_on, item.end))


def _months(fact: Paid) -> tuple[date, date] | None:
    if fact.from_month is None:
        if fact.kind == "lump_sum" and fact.plan_year is not None:
            return date(fact.plan_year, 1, 1), date(fact.plan_year, 12, 31)
        return None
    start = _first(fact.from_month)
    last = _first(fact.to_month) if fact.to_month is not None else start
    return (start, first_of_month(last, 1) - DAY) if start <= last else None


def _first(month: str) -> date:
    return date(int(month[:4]), int(month[5:]), 1)


def _capacity(fact: Paid, area: str, start: date, known_jobs: list[Job]) -> Capacity:
    if fact.capacity in ("unit", "flexible"):
        return "flexible" if fact.capacity == "flexible" else "unit"
    if fact.kind == "lump_sum":
        return "flexible"
    for job in reversed(known_jobs):
        if job.area == area and first_of_month(job.began) <= max(start, fact.on):
            return job.capacity
    return "unit" if fact.payer in ("employer", "unemployment_fund") else "flexible"
