"""Newborns (新生儿参保): the window after birth, cover from birth, late steps, births that cross a year, names.

Sources: 医保发〔2020〕33号 for the nation from 2021 (90 days, cover from birth), the area's pack for everything else:
which act must be in time, who counts the first day, what late comers get, and what a birth near the year's end pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.assessment import DueDate, Matter, Notice
from domain.bilingual import Text
from domain.facts import Birth, IdentityUpdated
from policy import contributions, working_days
from policy.case import Case, Reasoning
from policy.counting import DAY, Duration, add_months, last_day
from policy.cover_start import beginning
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    IDENTITY_REMINDERS,
    NEWBORN_ACT,
    NEWBORN_AGE_LIMIT,
    NEWBORN_COUNTS_START,
    NEWBORN_COVER,
    NEWBORN_CROSS_YEAR,
    NEWBORN_LATE_STEPS,
    NEWBORN_REMINDER,
    NEWBORN_ROLLS,
    NEWBORN_WINDOW,
)
from policy.relations import Relation, benefit_days

RULE = "newborn.window"


@dataclass(frozen=True, slots=True)
class Window:
    """The days in which somebody must have acted for the child; `provisional` while its calendar is not published."""

    birth: Birth
    area: str
    closes: date
    provisional: bool


def judge(case: Case, birth: Birth, relations: list[Relation]) -> list[Relation]:
    """Find what follows for a newborn; returns the relations that the ordinary rules must judge."""
    area = relations[0].area if relations else case.area_of(birth)
    window = _window(case, birth, area)
    if window is None:
        return _without_window(case, birth, relations)
    governed = [relation for relation in relations if _governs(window, relation)]
    _remind_of_window(case, window, governed)
    _remind_of_name(case, birth, area)
    ordinary = [relation for relation in relations if relation not in governed]
    in_time_before = False
    for relation in governed:
        outcome = _judge_one(case, window, relation, in_time_before)
        if outcome == "ordinary":
            relation.population = "ordinary"
            ordinary.append(relation)
        in_time_before = in_time_before or outcome == "in_time"
    return ordinary


def window_end(reasoning: Reasoning, birth: date, length: Duration) -> tuple[date, bool] | NotStated:
    """The last day of a period that begins with birth, and whether its working-day calendar is still unpublished."""
    counts = reasoning.look_up(NEWBORN_COUNTS_START, birth)
    rolls = reasoning.look_up(NEWBORN_ROLLS, birth)
    if isinstance(counts, NotStated):
        return counts
    if isinstance(rolls, NotStated):
        return rolls
    day = last_day(birth, length, start_day_counts=counts.value)
    if not rolls.value:
        return day, False
    working = working_days.on_or_after(day)
    return working.day, working.provisional


def _window(case: Case, birth: Birth, area: str) -> Window | None:
    reasoning = Reasoning(case, RULE, area, birth.on.year)
    length = reasoning.look_up(NEWBORN_WINDOW, birth.on)
    if isinstance(length, NotStated):
        return None
    end = window_end(reasoning, birth.on, length.value)
    if isinstance(end, NotStated):
        reasoning.park(end)
        return None
    closes, provisional = end
    reasoning.decide(
        Text(
            f"新生儿参保期限至{closes}" + ("(节假日安排未公布,暂定)" if provisional else ""),
            f"the newborn window closes on {closes}"
            + (" (rest days not published yet, provisional)" if provisional else ""),
        ),
        birth.on,
    )
    return Window(birth, area, closes, provisional)


def _without_window(case: Case, birth: Birth, relations: list[Relation]) -> list[Relation]:
    """No pack states a window. That matters only for a child that is, or is registered as, a newborn."""
    area = relations[0].area if relations else case.area_of(birth)
    reasoning = Reasoning(case, RULE, area, birth.on.year)
    limit = reasoning.value(NEWBORN_AGE_LIMIT, birth.on)
    young = limit is not None and case.as_of <= last_day(birth.on, limit, start_day_counts=False)
    as_newborn = [relation for relation in relations if relation.population == "newborn"]
    missing = reasoning.look_up(NEWBORN_WINDOW, birth.on)
    if isinstance(missing, NotStated) and (as_newborn or (young and not relations)):
        reasoning.park(missing)
    for relation in as_newborn:
        days = benefit_days(reasoning, relation)
        owed = contributions.levy(reasoning, relation, date(relation.plan_year, 1, 1), None)
        if days and contributions.paid_in_full(reasoning, relation, owed):
            contributions.leave_open(reasoning, relation, max(days[0], birth.on), days[1], NEWBORN_WINDOW.key)
    return [relation for relation in relations if relation not in as_newborn]


def _governs(window: Window, relation: Relation) -> bool:
    """The newborn rules hold for who registers as a newborn, and for whoever registers while the window is open."""
    return relation.population == "newborn" or relation.registered.on <= window.closes


def _judge_one(case: Case, window: Window, relation: Relation, in_time_before: bool) -> str:
    """Judge one plan year of a newborn: "in_time", "late", "open" (nothing certain yet) or "ordinary"."""
    reasoning = Reasoning(case, RULE, relation.area, relation.plan_year)
    days = benefit_days(reasoning, relation)
    if days is None:
        return "open"
    in_time = _in_time(reasoning, window, relation)
    if in_time is False:
        step = _late_step(reasoning, window, relation)
        if step == "ordinary":
            return "ordinary"
    due = window.closes if in_time is None and not relation.payments else None
    owed = contributions.levy(reasoning, relation, days[0], due)
    if not contributions.paid_in_full(reasoning, relation, owed):
        reasoning.decide(
            Text(f"{relation.plan_year}年度已登记,尚未缴费", f"registered for {relation.plan_year}, not paid yet"),
            window.birth.on,
        )
        return "open"
    if in_time is None:
        missing = reasoning.look_up(NEWBORN_ACT, window.birth.on)
        if isinstance(missing, NotStated):
            reasoning.park(missing)
        contributions.leave_open(reasoning, relation, max(days[0], window.birth.on), days[1], NEWBORN_ACT.key)
        return "open"
    if in_time:
        return _cover_in_time(reasoning, window, relation, days, in_time_before)
    _cover_late(reasoning, window, relation, days)
    return "late"


def _in_time(reasoning: Reasoning, window: Window, relation: Relation) -> bool | None:
    """Whether the act that the area asks for came in time; None while it still can, or where nobody says which act."""
    registered = relation.registered.on <= window.closes
    open_ = reasoning.case.as_of <= window.closes
    paid = relation.paid_on <= window.closes if relation.paid_on else (None if open_ else False)
    arrived = relation.arrived_on <= window.closes if relation.arrived_on else (None if open_ else False)
    act = reasoning.look_up(NEWBORN_ACT, window.birth.on)
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


def _cover_in_time(
    reasoning: Reasoning, window: Window, relation: Relation, days: tuple[date, date], in_time_before: bool
) -> str:
    born = window.birth.on
    effect = reasoning.look_up(NEWBORN_COVER, born)
    if isinstance(effect, NotStated):
        reasoning.park(effect)
        contributions.leave_open(reasoning, relation, max(days[0], born), days[1], effect.key)
        reasoning.decide(Text("在期限内参保,效力未规定", "in time, but the effect is not stated"), born)
        return "open"
    start = max(days[0], born)
    because = Text(
        f"出生后{window.closes}前办理,自{start}起享受待遇", f"in time (until {window.closes}), covered from {start}"
    )
    if relation.plan_year > born.year and not in_time_before:
        # Only the new year was paid in time. Whether that reaches back over the turn of the year, the area must say.
        crossing = reasoning.look_up(NEWBORN_CROSS_YEAR, born)
        if isinstance(crossing, NotStated):
            reasoning.park(crossing)
            contributions.leave_open(reasoning, relation, born, days[0] - DAY, crossing.key)
    contributions.cover(reasoning, relation, start, days[1], because)
    reasoning.decide(because, born)
    return "in_time"


def _late_step(reasoning: Reasoning, window: Window, relation: Relation) -> str | None:
    """What the area gives a newborn who came late: a rule for the start of cover, "ordinary", or None if not stated."""
    steps = reasoning.look_up(NEWBORN_LATE_STEPS, window.birth.on)
    if isinstance(steps, NotStated):
        return None
    reasoning.tried(RULE, Text(f"期限已于{window.closes}届满", f"the window closed on {window.closes}"))
    acted = max(relation.registered.on, relation.paid_on or reasoning.case.as_of)
    for step in steps.value:
        end = window_end(reasoning, window.birth.on, step.until) if step.until else None
        if end is None or (not isinstance(end, NotStated) and acted <= end[0]):
            return step.start
    return "ordinary"


def _cover_late(reasoning: Reasoning, window: Window, relation: Relation, days: tuple[date, date]) -> None:
    steps = reasoning.look_up(NEWBORN_LATE_STEPS, window.birth.on)
    rule = _late_step(reasoning, window, relation)
    paid = relation.paid_on
    assert paid is not None
    if isinstance(steps, NotStated) or rule is None:
        if isinstance(steps, NotStated):
            reasoning.park(steps)
        contributions.leave_open(reasoning, relation, max(days[0], paid), days[1], NEWBORN_LATE_STEPS.key)
        reasoning.decide(Text("逾期参保,效力未规定", "late, and the effect is not stated"), window.birth.on)
        return
    start = beginning(reasoning, rule, relation, days[0])  # type: ignore[arg-type]
    if start.wait is not None:
        reasoning.case.findings.waits.append(start.wait)
    if start.day is None:
        contributions.leave_open(reasoning, relation, max(days[0], paid), days[1], start.question or RULE)
        return
    because = Text(
        f"出生后{window.closes}以后办理,自{start.day}起享受待遇",
        f"late (after {window.closes}), covered from {start.day}",
    )
    contributions.cover(reasoning, relation, start.day, days[1], because)
    reasoning.decide(because, window.birth.on)


def _remind_of_window(case: Case, window: Window, relations: list[Relation]) -> None:
    """The window's last day, a reminder before it, and word to the guardian when it passed without an act."""
    birth = window.birth
    reasoning = Reasoning(case, RULE, window.area, birth.on.year)
    limit = reasoning.value(NEWBORN_AGE_LIMIT, birth.on)
    if limit is not None and birth.known_on > last_day(birth.on, limit, start_day_counts=False):
        return  # an age that was reported later, not a newborn
    done = [_completed_on(reasoning, window, relation) for relation in relations]
    completed = min((day for day in done if day is not None), default=None)
    because = Text(f"新生儿须在{window.closes}前办理参保", f"the newborn must be enrolled by {window.closes}")
    lead = reasoning.value(NEWBORN_REMINDER, birth.on)
    reminder = window.closes - lead.length * DAY if lead is not None else None
    if completed is None and case.as_of <= window.closes:
        case.findings.deadlines.append(DueDate(Matter.NEWBORN_WINDOW, window.closes, because))
    if reminder is not None and reminder >= birth.known_on and (completed is None or completed > reminder):
        _remind(case, Matter.NEWBORN_REMINDER, reminder, because)
    if (completed is None or completed > window.closes) and case.as_of > window.closes:
        missed = Text(
            f"新生儿参保期限已于{window.closes}届满", f"the newborn window closed on {window.closes} without enrolment"
        )
        day = max(window.closes + DAY, birth.known_on)
        case.findings.notices.append(Notice("guardian", Matter.NEWBORN_WINDOW_MISSED, day, missed))


def _completed_on(reasoning: Reasoning, window: Window, relation: Relation) -> date | None:
    """The day on which everything that the area asks for had been done, None while something is missing."""
    act = reasoning.look_up(NEWBORN_ACT, window.birth.on)
    registered, paid, arrived = relation.registered.on, relation.paid_on, relation.arrived_on
    match act.value if isinstance(act, Stated) else "unknown":
        case "register":
            return registered
        case "pay":
            return paid
        case "register_and_pay":
            return max(registered, paid) if paid else None
        case _:
            return max(registered, arrived) if arrived else None


def _remind_of_name(case: Case, birth: Birth, area: str) -> None:
    """A child under a parent's name or a virtual number: the guardian is reminded, and cover is never touched.

    医保发〔2020〕33号 (S001:L79): the information is to be updated "as soon as possible"; no number, no sanction.
    """
    if birth.name == "own":
        return
    updated = next((fact.on for fact in case.of(IdentityUpdated) if fact.name == "own"), None)
    reasoning = Reasoning(case, "newborn.identity", area, birth.on.year)
    rhythm = reasoning.value(IDENTITY_REMINDERS, birth.on)
    if rhythm is None:
        return
    because = Text(
        "新生儿以父母姓名或虚拟号参保,请尽快更新", "enrolled under a parent's name or a virtual number; please update"
    )
    if updated is None or updated > birth.on:
        reasoning.decide(because, birth.on)
    months = rhythm.every.length * (12 if rhythm.every.unit == "year" else 1)
    for turn in range(1, rhythm.times + 1):
        day = (
            birth.on + turn * rhythm.every.length * DAY
            if rhythm.every.unit == "day"
            else add_months(birth.on, turn * months)
        )
        if day < birth.known_on or (updated is not None and updated <= day):
            continue
        _remind(case, Matter.IDENTITY_UPDATE, day, because)


def _remind(case: Case, matter: Matter, day: date, because: Text) -> None:
    """A reminder falls due on its day, and has gone out from that day on."""
    if day > case.as_of:
        case.findings.deadlines.append(DueDate(matter, day, because))
    else:
        case.findings.notices.append(Notice("guardian", matter, day, because))
