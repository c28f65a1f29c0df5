"""Newborns (新生儿参保): the window after birth, cover from birth, late steps, births that cross a year, names.

Sources: 医保发〔2020〕33号 for the nation from 2021 (90 days, cover from birth), the area's pack for everything else:
from which day the window runs, which act must be in time, who counts the first day, what late comers get, what a birth
near the year's end pays, and for whom the year is free.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, TypeVar

from domain.assessment import Coverage, Matter
from domain.bilingual import Text
from domain.facts import Birth
from policy import newborn_reminders, outcomes, person
from policy.case import Case, Reasoning
from policy.counting import DAY, Duration, last_day
from policy.cover_start import beginning
from policy.history import History
from policy.newborn_window import RULE, Window, window_end, window_of
from policy.outcomes import Judged
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    HOUSEHOLD_RULE,
    NEWBORN_ACT,
    NEWBORN_AGE_LIMIT,
    NEWBORN_COVER,
    NEWBORN_CROSS_YEAR,
    NEWBORN_HOUSEHOLD,
    NEWBORN_INFANT_AGE,
    NEWBORN_LATE_STEPS,
    NEWBORN_RIDES,
    NEWBORN_WINDOW,
    Parameter,
)
from policy.plan_days import in_plan_year
from policy.relations import Relation, benefit_days
from policy.values import LateStep

T = TypeVar("T")
Outcome = Literal["in_time", "late", "open", "ordinary", "refused"]


def judge(case: Case, history: History, birth: Birth, relations: list[Relation]) -> list[Relation]:
    """Find what follows for a newborn; returns the relations that the ordinary rules must judge."""
    area = relations[0].area if relations else case.area_of(birth)
    window = window_of(case, birth, area)
    if window is None:
        return _without_window(case, history, birth, relations)
    ordinary: list[Relation] = []
    governed: list[Relation] = []
    in_time_before = False
    for relation in relations:
        if not _governs(case, history, window, relation, first=not governed):
            ordinary.append(relation)
            continue
        governed.append(relation)
        outcome = _judge_one(case, history, window, relation, in_time_before)
        if outcome == "ordinary":
            relation.population = "ordinary"
            ordinary.append(relation)
        in_time_before = in_time_before or outcome == "in_time"
    _ride_on_guardian(case, window, relations)
    newborn_reminders.of_window(case, window, governed)
    newborn_reminders.of_name(case, birth, area)
    newborn_reminders.of_certificate(case, birth, relations)
    newborn_reminders.of_confirmation(case, birth, relations)
    return ordinary


def _without_window(case: Case, history: History, birth: Birth, relations: list[Relation]) -> list[Relation]:
    """No pack states a window. That matters only for a child that is, or is registered as, a newborn."""
    area = relations[0].area if relations else case.area_of(birth)
    reasoning = Reasoning(case, RULE, area, birth.on.year)
    limit = reasoning.value(NEWBORN_AGE_LIMIT, birth.on)
    young = limit is not None and birth.known_on <= last_day(birth.on, limit, start_day_counts=False)
    as_newborn = [relation for relation in relations if relation.population == "newborn"]
    missing = reasoning.look_up(NEWBORN_WINDOW, birth.on)
    if isinstance(missing, NotStated) and (as_newborn or (young and not relations)):
        reasoning.park(missing)
    for relation in as_newborn:
        days = benefit_days(reasoning, relation)
        if days is None:
            continue
        judged = Judged(reasoning, history, relation, days)
        outcomes.free_of_charge(judged)
        owed = outcomes.levy(judged, None)
        if outcomes.paid_in_full(case, relation, owed):
            outcomes.leave_open(judged, max(days[0], birth.on), days[1], NEWBORN_WINDOW.key)
    return [relation for relation in relations if relation not in as_newborn]


def _governs(case: Case, history: History, window: Window, relation: Relation, *, first: bool) -> bool:
    """The newborn rules hold for who registers as a newborn, for whoever registers while the window is open, and for
    an infant that is enrolled for the first time in the middle of a year."""
    on, born = relation.registered.on, window.birth.on
    if relation.population == "newborn" or on <= window.closes:
        return True
    if not first or relation.plan_year != on.year or history.either.last_end(on) is not None:
        return False
    limit = Reasoning(case, RULE, relation.area, relation.plan_year).value(NEWBORN_INFANT_AGE, born)
    return limit is not None and on <= last_day(born, limit, start_day_counts=False)


def _judge_one(case: Case, history: History, window: Window, relation: Relation, in_time_before: bool) -> Outcome:
    """Judge one plan year of a newborn."""
    reasoning = Reasoning(case, RULE, relation.area, relation.plan_year)
    days = benefit_days(reasoning, relation)
    if days is None:
        return "open"
    judged = Judged(reasoning, history, relation, days)
    relation.newborn_until = max(window.closes, date(window.birth.on.year, 12, 31))
    outcomes.free_of_charge(judged)
    in_time = _in_time(judged, window)
    admitted = _household_admits(judged, window)
    if admitted is False:
        return "ordinary"
    step = _late_step(judged, window) if in_time is False else None
    if in_time is False:
        turned_away = _turned_away(judged, window, step)
        if turned_away is not None:
            return turned_away
    due = window.closes if in_time is None and not relation.payments else None
    owed = outcomes.levy(judged, due)
    if not outcomes.paid_in_full(case, relation, owed):
        _remind_of_step(judged, window, step)
        reasoning.decide(
            Text(f"{relation.plan_year}年度已登记,尚未缴费", f"registered for {relation.plan_year}, not paid yet"),
            window.birth.on,
        )
        return "open"
    if admitted is None:
        outcomes.leave_open(judged, max(days[0], window.birth.on), days[1], HOUSEHOLD_RULE.key)
        return "open"
    if in_time is None:
        missing = _rule(judged, window, NEWBORN_ACT)
        if isinstance(missing, NotStated):
            reasoning.park(missing)
        outcomes.leave_open(judged, max(days[0], window.birth.on), days[1], NEWBORN_ACT.key)
        return "open"
    if in_time:
        return _cover_in_time(judged, window, in_time_before)
    _cover_late(judged, window, step)
    return "late"


def _turned_away(judged: Judged, window: Window, step: LateStep | None) -> Outcome | None:
    """Whether a late newborn is refused, or is judged like everybody else; None where the newborn rules go on."""
    if _lost(judged, window):
        return _refused(judged, window)
    if step is None:
        return None
    if step.start == "ordinary":
        return "ordinary"
    acted = max(judged.relation.registered.on, judged.relation.paid_on or judged.relation.registered.on)
    too_late = step.paid_until is not None and acted > in_plan_year(step.paid_until, judged.relation.plan_year)
    return _refused(judged, window) if too_late or step.start == "refused" else None


def _rule(judged: Judged, window: Window, parameter: Parameter[T]) -> Stated[T] | NotStated:
    """What holds for a child: by the rules of its day of birth, else by those of the plan year's first day."""
    at_birth = judged.reasoning.look_up(parameter, window.birth.on)
    if isinstance(at_birth, Stated) or judged.days[0] <= window.birth.on:
        return at_birth
    later = judged.reasoning.look_up(parameter, judged.days[0])
    return later if isinstance(later, Stated) else at_birth


def _in_time(judged: Judged, window: Window) -> bool | None:
    """Whether the act that the area asks for came in time; None while it still can, or where nobody says which act."""
    relation = judged.relation
    registered = relation.registered.on <= window.closes
    open_ = judged.case.as_of <= window.closes
    paid = relation.paid_on <= window.closes if relation.paid_on else (None if open_ else False)
    arrived = relation.arrived_on <= window.closes if relation.arrived_on else (None if open_ else False)
    act = _rule(judged, window, NEWBORN_ACT)
    if isinstance(act, NotStated):
        if registered and paid and arrived:
            return True
        return False if not registered and not paid and not arrived else None
    match act.value:
        case "register":
            return registered
        case "pay":
            return paid
        case "arrival":
            return arrived
        case "register_and_pay":
            return paid if registered else False


def _household_admits(judged: Judged, window: Window) -> bool | None:
    """Where a child may come mid-year only if its whole household is enrolled; None where nobody has said."""
    if judged.reasoning.value(NEWBORN_HOUSEHOLD, window.birth.on) is not True:
        return True
    complete = person.whole_household(judged.case, judged.relation.registered)
    if complete is None:
        text = Text("不知道家庭成员是否全部参保", "whether the whole household is enrolled is not known")
        judged.case.park(HOUSEHOLD_RULE.key, text)
    elif not complete:
        judged.reasoning.tried(HOUSEHOLD_RULE.key, Text("家庭成员未全部参保", "not all of the household are enrolled"))
    return complete


def _cover_in_time(judged: Judged, window: Window, in_time_before: bool) -> Outcome:
    born, relation, days = window.birth.on, judged.relation, judged.days
    effect = _rule(judged, window, NEWBORN_COVER)
    if isinstance(effect, NotStated):
        judged.reasoning.park(effect)
        outcomes.leave_open(judged, max(days[0], born), days[1], effect.key)
        judged.reasoning.decide(Text("在期限内参保,效力未规定", "in time, but the effect is not stated"), born)
        return "open"
    start, last = max(days[0], born), days[1]
    crossing = _rule(judged, window, NEWBORN_CROSS_YEAR)
    if isinstance(crossing, Stated) and crossing.value == "one_enrolment_covers_both":
        start, last = born, date(born.year + 1, 12, 31)
    elif relation.plan_year > born.year and not in_time_before and isinstance(crossing, NotStated):
        # Only the new year was paid in time. Whether that reaches back over the turn of the year, the area must say.
        judged.reasoning.park(crossing)
        outcomes.leave_open(judged, born, days[0] - DAY, crossing.key)
    because = Text(
        f"出生后{window.closes}前办理,自{start}起享受待遇", f"in time (until {window.closes}), covered from {start}"
    )
    outcomes.cover(judged, start, last, because)
    judged.reasoning.decide(because, born)
    return "in_time"


def _late_step(judged: Judged, window: Window) -> LateStep | None:
    """What the area gives a newborn who came late; None where it does not say."""
    steps = _rule(judged, window, NEWBORN_LATE_STEPS)
    if isinstance(steps, NotStated):
        return None
    judged.reasoning.tried(RULE, Text(f"期限已于{window.closes}届满", f"the window closed on {window.closes}"))
    relation = judged.relation
    acted = max(relation.registered.on, relation.arrived_on or judged.case.as_of)
    for step in steps.value:
        ends = _step_end(judged, window, step)
        if ends is None or acted <= ends:
            return step
    return LateStep(start="ordinary")


def _step_end(judged: Judged, window: Window, step: LateStep) -> date | None:
    """The last day of a step; None for the one that has no end."""
    if step.until is None:
        return None
    if step.until == "birth_year_end":
        return date(window.birth.on.year, 12, 31)
    assert isinstance(step.until, Duration)
    end = window_end(judged.reasoning, window.opens, step.until)
    return None if isinstance(end, NotStated) else end[0]


def _remind_of_step(judged: Judged, window: Window, step: LateStep | None) -> None:
    """Who is late and has not paid yet is told until when the next best holds."""
    ends = _step_end(judged, window, step) if step is not None else None
    if ends is not None and ends >= judged.case.as_of:
        because = Text(f"在{ends}前缴费", f"to be paid by {ends}")
        judged.case.remind(Matter.PAYMENT_DUE, ends, because, to="guardian")


def _lost(judged: Judged, window: Window) -> bool:
    """Whether a year that was not paid within the window is lost, for a child whose window runs into the next year."""
    crossing = _rule(judged, window, NEWBORN_CROSS_YEAR)
    return (
        isinstance(crossing, Stated)
        and crossing.value == "each_year_in_window_or_lost"
        and window.closes.year > window.birth.on.year
        and judged.relation.plan_year <= window.closes.year
    )


def _refused(judged: Judged, window: Window) -> Outcome:
    relation = judged.relation
    because = Text(
        f"未在规定期限内办理,{relation.plan_year}年度不再受理", f"too late: {relation.plan_year} is no longer admitted"
    )
    if relation.registered.on > window.closes:
        judged.case.findings.refuse(relation.registered, because)
    for payment in relation.payments:
        judged.case.findings.refuse(payment.fact, because)
    relation.outcome = "refused"
    judged.reasoning.decide(because, window.birth.on)
    return "refused"


def _cover_late(judged: Judged, window: Window, step: LateStep | None) -> None:
    paid = judged.relation.paid_on
    assert paid is not None
    days = judged.days
    if step is None:
        steps = _rule(judged, window, NEWBORN_LATE_STEPS)
        if isinstance(steps, NotStated):
            judged.reasoning.park(steps)
        outcomes.leave_open(judged, max(days[0], paid), days[1], NEWBORN_LATE_STEPS.key)
        judged.reasoning.decide(Text("逾期参保,效力未规定", "late, and the effect is not stated"), window.birth.on)
        return
    assert step.start != "ordinary"
    assert step.start != "refused"
    start = beginning(judged.reasoning, judged.history, step.start, judged.relation, days[0], wait=step.wait)
    because = Text(
        f"出生后{window.closes}以后办理,自{start.day}起享受待遇",
        f"late (after {window.closes}), covered from {start.day}",
    )
    outcomes.begin(judged, start, because)


def _ride_on_guardian(case: Case, window: Window, relations: list[Relation]) -> None:
    """A child without a relation of its own rides on an insured guardian in the year of birth, where the area says."""
    born = window.birth.on
    if not window.birth.guardian_covered or any(relation.plan_year == born.year for relation in relations):
        return
    reasoning = Reasoning(case, "newborn.rides_on_guardian", window.area, born.year)
    if reasoning.value(NEWBORN_RIDES, born) is not True:
        return
    because = Text("未独立参保,随已参保的监护人享受待遇", "not enrolled on its own; rides on an insured guardian")
    last = date(born.year, 12, 31)
    case.findings.coverage.append(Coverage("resident", window.area, born, last, because))
    reasoning.decide(because, born)
