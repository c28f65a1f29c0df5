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
    openings: list[Registered | EmploymentStarted] = [
        *case.of(EmploymentStarted),
        *(fact for fact in case.of(Registered) if fact.scheme == "employee"),
    ]
    for fact in sorted(openings, key=lambda fact: (fact.on, isinstance(fact, EmploymentStarted))):
        _open(case, found, fact)
    endings: list[EmploymentEnded | StopRequested] = [
        *case.of(EmploymentEnded),
        *(fact for fact in case.of(StopRequested) if fact.scheme == "employee"),
    ]
    for ending in sorted(endings, key=lambda fact: fact.on):
        for job in found:
            if job.area == case.area_of(ending) and job.ended is None and job.began <= ending.on:
                job.ended = ending.on
    return found


def _open(case: Case, found: list[Job], fact: Registered | EmploymentStarted) -> None:
    area = case.area_of(fact)
    flexible = fact.form == "flexible" if isinstance(fact, EmploymentStarted) else fact.capacity == "flexible"
    same = next(
        (job for job in reversed(found) if job.area == area and (job.ended is None or job.ended >= fact.on)), None
    )
    if isinstance(fact, EmploymentStarted):
        if same is not None and same.started is None and same.began == fact.on:
            same.started = fact
            return
        found.append(Job(area, "flexible" if flexible else "unit", fact.on, started=fact))
        return
    if same is not None and same.registered is None and (same.capacity == "flexible") is flexible:
        same.registered = fact
        return
    found.append(Job(area, "flexible" if flexible else "unit", fact.on, registered=fact))


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
    here = [job for job in known_jobs if job.area == area and first_of_month(job.began) <= max(start, fact.on)]
    if here:
        return here[-1].capacity
    return "unit" if fact.payer in ("employer", "unemployment_fund") else "flexible"
