"""Who is not held to the window or the wait: assisted people, veterans, who moved here, came back, was released.

Sources: 医保发〔2020〕33号 (registered poor: no wait and no window; veterans: no wait), 国办发〔2024〕38号 (newborns
and "other special groups", whose list is left to the provinces), and the area's own list with its windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.areas import NATION
from domain.assessment import Matter
from domain.bilingual import Text
from domain.facts import Discharged, EmploymentEnded, Moved, Registered, SchoolLeft
from policy import person, working_days
from policy.case import Case, Reasoning
from policy.counting import Duration, last_day
from policy.history import History
from policy.pack_library import NotStated, Stated
from policy.parameters import COUNTS_START, EXEMPT, EXEMPT_OPEN, HOUSEHOLD_RULE, ROLLS
from policy.plan_days import in_plan_year
from policy.relations import Relation
from policy.values import Event, Exemption


@dataclass(frozen=True, slots=True)
class Exempted:
    """The entry that lets somebody in, and the pack that states it."""

    entry: Exemption
    found: Stated[tuple[Exemption, ...]]
    unsure: bool = False
    """The nation says that such people are exempt, and leaves to the provinces who they are."""
    until: date | None = None
    """The last day on which the entry holds, where it ends."""
    wrong_place: bool = False
    """The entry is for those only whose household register is here."""


def exemption(
    reasoning: Reasoning, history: History, relation: Relation, first_day: date, acted: date
) -> Exempted | None:
    """The entry that holds for the person on the day of acting; the nearest area's list is asked first."""
    lists = reasoning.all_stated(EXEMPT, first_day)
    for found in lists:
        for entry in found.value:
            if _holds(reasoning, history, relation, entry, acted):
                elsewhere = person.hukou_area(reasoning.case, acted, relation.area) != relation.area
                until = _until(reasoning, relation, entry, acted)
                return Exempted(entry, found, until=until, wrong_place=entry.hukou_here and elsewhere)
    if any(not found.pack.startswith(NATION) for found in lists):
        return None  # the province has written its list
    for found in reasoning.all_stated(EXEMPT_OPEN, first_day):
        for entry in found.value:
            if _holds(reasoning, history, relation, entry, acted):
                return Exempted(entry, found, unsure=True, until=_until(reasoning, relation, entry, acted))
    return None


def act_by(reasoning: Reasoning, start: date, within: Duration) -> date | None:
    """The last day of a period in which somebody must act, by the counting rules in force."""
    counts, rolls = reasoning.look_up(COUNTS_START, start), reasoning.look_up(ROLLS, start)
    for missing in (counts, rolls):
        if isinstance(missing, NotStated):
            reasoning.park(missing)
            return None
    assert isinstance(counts, Stated)
    assert isinstance(rolls, Stated)
    day = last_day(start, within, start_day_counts=counts.value)
    return working_days.on_or_after(day).day if rolls.value else day


def _holds(reasoning: Reasoning, history: History, relation: Relation, entry: Exemption, acted: date) -> bool:
    case = reasoning.case
    if entry.paid_from is not None and acted < in_plan_year(entry.paid_from, relation.plan_year):
        return False
    if entry.paid_until is not None and acted > in_plan_year(entry.paid_until, relation.plan_year):
        return False
    # A mark that is set after the registration counts from the day on which it is set, where the area says so.
    marked_by = case.as_of if entry.start == "registration_and_mark" else acted
    if entry.groups and not person.groups(case, marked_by) & set(entry.groups):
        return False
    if entry.events and not any(_lately(reasoning, history, relation, entry, event, acted) for event in entry.events):
        return False
    return not entry.whole_household or _household_complete(reasoning, relation)


def _lately(
    reasoning: Reasoning, history: History, relation: Relation, entry: Exemption, event: Event, acted: date
) -> bool:
    day = person.last_event(reasoning.case, event, relation.area, acted)
    if event == "employee_ended":
        scheme = history.last_scheme(acted)
        if scheme is None or scheme[0] != "employee":
            return False
        day = day or history.employee.last_known_end(acted)
        if day is not None and day > acted:
            return False
    if day is None:
        return False
    if entry.within is None:
        return day.year == relation.plan_year or bool(entry.paid_until)
    ends = act_by(reasoning, day, entry.within)
    if ends is not None and acted > ends:
        text = Text(f"{day}起的办理期限已于{ends}届满", f"the time to act after {day} ended on {ends}")
        reasoning.tried(f"wait.exempt.{event}", text)
    return ends is not None and acted <= ends


def _until(reasoning: Reasoning, relation: Relation, entry: Exemption, acted: date) -> date | None:
    if entry.paid_until is not None:
        return in_plan_year(entry.paid_until, relation.plan_year)
    if entry.within is None:
        return None
    days = [person.last_event(reasoning.case, event, relation.area, acted) for event in entry.events]
    ends = [act_by(reasoning, day, entry.within) for day in days if day is not None]
    return max((day for day in ends if day is not None), default=None)


def _household_complete(reasoning: Reasoning, relation: Relation) -> bool:
    complete = person.whole_household(reasoning.case, relation.registered)
    if complete is None:
        text = Text("不知道家庭成员是否全部参保", "whether the whole household is enrolled is not known")
        reasoning.case.park(HOUSEHOLD_RULE.key, text)
    elif not complete:
        text = Text("家庭成员未全部参保", "not everybody of the household is enrolled")
        reasoning.tried("household.rule", text)
    return bool(complete)


_EVENTS: dict[type[Discharged | Moved | SchoolLeft | EmploymentEnded], tuple[Event, ...]] = {
    Discharged: ("discharged", "discharged_family"),
    Moved: ("moved", "returned_from_abroad", "released"),
    SchoolLeft: ("graduated",),
    EmploymentEnded: ("employee_ended",),
}


def remind(case: Case, relations: list[Relation]) -> None:
    """Who may come outside the window has until a day to do so; it is watched until somebody registers."""
    hired = max((fact.on for fact in case.of(Registered) if fact.scheme == "employee"), default=date.min)
    registered: dict[str, date] = {}
    for relation in relations:
        registered[relation.area] = max(relation.registered.on, registered.get(relation.area, date.min))
    for kind, events in _EVENTS.items():
        for fact in case.of(kind):
            area = case.area_of(fact)
            if max(hired, registered.get(area, date.min)) >= fact.on:
                continue
            _remind_of(case, area, fact.on, events)


def _remind_of(case: Case, area: str, day: date, events: tuple[Event, ...]) -> None:
    reasoning = Reasoning(case, "exemptions.window", area, day.year)
    for found in reasoning.all_stated(EXEMPT, day):
        for entry in found.value:
            if entry.within is None or not set(entry.events) & set(events):
                continue
            ends = act_by(reasoning, day, entry.within)
            if ends is not None and ends >= case.as_of:
                because = Text(f"可在{ends}前不受集中参保期限制参保", f"can enrol outside the window until {ends}")
                case.remind(Matter.ENTRY_WINDOW, ends, because)
                reasoning.rely_on(found)
                reasoning.decide(because, day)
            return
