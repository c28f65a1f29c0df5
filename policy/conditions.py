"""Whether an entry of a pack holds for a relation: the conditions that regulations put on who gets what."""

from __future__ import annotations

from datetime import date

from domain.bilingual import Text
from policy import person
from policy.case import Reasoning
from policy.counting import last_day
from policy.history import History
from policy.plan_days import in_plan_year
from policy.relations import Relation
from policy.values import Condition


def holds(reasoning: Reasoning, history: History, relation: Relation, entry: Condition, acted: date) -> bool:
    """Whether all that the entry names is true of somebody who acted (registered and paid) on a day."""
    if not entry.holds_for(relation.population, relation.plan_year):
        return False
    if entry.is_open:
        return True
    failed = _failed(reasoning, history, relation, entry, acted)
    if failed is not None:
        reasoning.tried(f"condition.{failed[0]}", failed[1])
    return failed is None


def _failed(
    reasoning: Reasoning, history: History, relation: Relation, entry: Condition, acted: date
) -> tuple[str, Text] | None:
    """The first condition that does not hold, with why."""
    return (
        _days(relation, entry, acted)
        or _identity(reasoning, relation, entry, acted)
        or _past(history, relation, entry, acted)
    )


def _days(relation: Relation, entry: Condition, acted: date) -> tuple[str, Text] | None:
    if entry.paid_from is not None and acted < in_plan_year(entry.paid_from, relation.plan_year):
        return "paid_from", Text(f"{acted}早于该规定的时段", f"{acted} is before the time of this entry")
    if entry.paid_until is not None and acted > in_plan_year(entry.paid_until, relation.plan_year):
        return "paid_until", Text(f"{acted}晚于该规定的时段", f"{acted} is after the time of this entry")
    return None


def _identity(reasoning: Reasoning, relation: Relation, entry: Condition, acted: date) -> tuple[str, Text] | None:
    case = reasoning.case
    if entry.groups and not person.groups(case, acted) & set(entry.groups):
        return "groups", Text("没有所列身份标识", "the person has none of the identity marks named")
    if entry.capacity and relation.registered.capacity not in entry.capacity:
        return "capacity", Text("不以所列身份参保", "the person is not registered in a capacity named")
    if entry.events:
        days = [person.last_event(case, event, relation.area, acted) for event in entry.events]
        if not any(day is not None and day.year == relation.plan_year for day in days):
            return "events", Text("当年没有发生所列情形", "none of the events named happened within the year")
    return None


def _past(history: History, relation: Relation, entry: Condition, acted: date) -> tuple[str, Text] | None:
    if entry.previous_year is not None:
        enrolled = history.enrolled_in(relation.plan_year - 1, employee_counts=False)
        if enrolled is not (entry.previous_year == "enrolled"):
            return "previous_year", Text(
                f"{relation.plan_year - 1}年度参保情况不符", f"enrolment in {relation.plan_year - 1} was otherwise"
            )
    before = history.either.last_end(min(acted, date(relation.plan_year, 1, 1)))
    if entry.enrolled_before is not None and (before is not None) is not entry.enrolled_before:
        return "enrolled_before", Text("此前参保情况不符", "earlier enrolment was otherwise")
    if entry.lapsed_at_least is not None:
        last = history.resident.last_end(acted)
        if last is None or last_day(last, entry.lapsed_at_least, start_day_counts=False) >= acted:
            return "lapsed_at_least", Text("此前没有中断那么久的参保记录", "no cover is known that ended so long ago")
    return None
