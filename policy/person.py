"""Who the person is on a day: age, identity marks, school, household register, and what happened lately."""

from __future__ import annotations

from datetime import date

from domain.bilingual import Text
from domain.facts import (
    Birth,
    Died,
    Discharged,
    EmploymentEnded,
    GroupEnded,
    GroupGranted,
    HouseholdState,
    HukouRegistered,
    Moved,
    Registered,
    SchoolEntered,
    SchoolLeft,
)
from policy.case import Case
from policy.values import Event


def birth(case: Case) -> Birth | None:
    """The birth, where the facts agree on one; two different births are parked and neither counts."""
    births = case.of(Birth)
    if len(births) == 1:
        return births[0]
    if len({fact.on for fact in births}) > 1:
        case.park("birth", Text("有两个不同的出生日期", "two facts state different days of birth"))
        return None
    return births[0] if births else None


def death(case: Case) -> Died | None:
    """The death, where the facts agree on one; of two different days the earlier counts, and the other is parked."""
    deaths = case.of(Died)
    if len({fact.on for fact in deaths}) > 1:
        case.park("died", Text("有两个不同的死亡日期", "two facts state different days of death"))
    return deaths[0] if deaths else None


def age(born: date, on: date) -> int:
    """Age in full years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def groups(case: Case, on: date) -> set[str]:
    """The identity marks (身份标识) that are set on a day."""
    marks: dict[str, date] = {}
    for granted in case.of(GroupGranted):
        if granted.on <= on:
            marks[granted.group] = granted.on
    for ended in case.of(GroupEnded):
        if ended.on <= on and ended.on >= marks.get(ended.group, date.max):
            del marks[ended.group]
    return set(marks)


def marked_on(case: Case, names: tuple[str, ...], by: date) -> date | None:
    """Since when the person has had one of these marks without a break until `by`; None where there is none."""
    held = groups(case, by)
    days = [
        max(fact.on for fact in case.of(GroupGranted) if fact.group == name and fact.on <= by)
        for name in names
        if name in held
    ]
    return min(days, default=None)


def school(case: Case, by: date) -> SchoolEntered | None:
    """The school that the person has entered and not left by a day."""
    entered = next((fact for fact in reversed(case.of(SchoolEntered)) if fact.on <= by), None)
    if entered is None:
        return None
    left = any(entered.on <= leaving.on <= by for leaving in case.of(SchoolLeft))
    return None if left else entered


def hukou_area(case: Case, on: date, otherwise: str) -> str:
    """Where the household register is. Without a fact it is taken to be where the person registers."""
    places: list[HukouRegistered | Moved] = [fact for fact in case.of(HukouRegistered) if fact.on <= on]
    places += [fact for fact in case.of(Moved) if fact.kind == "hukou" and fact.on <= on]
    latest = max(places, key=lambda fact: fact.on, default=None)
    return case.area_of(latest) if latest is not None else otherwise


def whole_household(case: Case, registered: Registered) -> bool | None:
    """Whether everybody of the household is enrolled, by the last word on it; None where nobody has said."""
    states = [
        fact
        for fact in case.of(HouseholdState)
        if registered.household is None or fact.household == registered.household
    ]
    return states[-1].all_enrolled if states else None


def last_event(case: Case, event: Event, area: str, by: date) -> date | None:
    """The last day, not after `by`, on which something happened that lets a person in outside the window."""
    days: list[date]
    match event:
        case "discharged":
            days = [fact.on for fact in case.of(Discharged) if not fact.relative]
        case "discharged_family":
            days = [fact.on for fact in case.of(Discharged) if fact.relative]
        case "moved":
            # A move to here; where a register is first entered at birth is no move.
            days = [
                fact.on for fact in case.of(Moved) if fact.kind in ("hukou", "residence") and case.area_of(fact) == area
            ]
        case "returned_from_abroad" | "released":
            days = [fact.on for fact in case.of(Moved) if fact.kind == event]
        case "graduated":
            days = [fact.on for fact in case.of(SchoolLeft) if fact.reason == "graduated"]
        case "employee_ended":
            days = [fact.on for fact in case.of(EmploymentEnded)]
        case "newborn":
            days = [fact.on for fact in case.of(Birth)]
        case "hukou_registered":
            days = [fact.on for fact in case.of(HukouRegistered) if case.area_of(fact) == area]
    return max((day for day in days if day <= by), default=None)
