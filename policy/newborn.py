"""Newborns (新生儿参保): the window after birth, cover from birth, late steps, births that cross a year, names.

Sources: 医保发〔2020〕33号 for the nation from 2021 (90 days, cover from birth), the area's pack for everything else:
from which day the window runs, which act must be in time, who counts the first day, what late comers get, what a birth
near the year's end pays, and for whom the year is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar

from domain.assessment import Coverage, DueDate, Matter, Notice
from domain.bilingual import Text
from domain.facts import Birth, HukouRegistered, IdentityUpdated
from policy import outcomes, person, working_days
from policy.case import Case, Reasoning
from policy.counting import DAY, Duration, add_months, last_day
from policy.cover_start import beginning
from policy.history import History
from policy.outcomes import Judged
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    COLLECTION_WINDOW,
    HOUSEHOLD_RULE,
    IDENTITY_REMINDERS,
    NEWBORN_ACT,
    NEWBORN_AGE_LIMIT,
    NEWBORN_ANCHOR,
    NEWBORN_CERTIFICATE,
    NEWBORN_COUNTS_START,
    NEWBORN_COVER,
    NEWBORN_CROSS_YEAR,
    NEWBORN_FREE,
    NEWBORN_HOUSEHOLD,
    NEWBORN_INFANT_AGE,
    NEWBORN_LATE_STEPS,
    NEWBORN_REMINDER,
    NEWBORN_RIDES,
    NEWBORN_ROLLS,
    NEWBORN_WINDOW,
    Parameter,
)
from policy.plan_days import in_plan_year
from policy.relations import Relation, benefit_days
from policy.values import LateStep

T = TypeVar("T")
RULE = "newborn.window"
Outcome = Literal["in_time", "late", "open", "ordinary", "refused"]


@dataclass(frozen=True, slots=True)
class Window:
    """The days in which somebody must have acted for the child; `provisional` while its calendar is not published.

    It opens with birth, or, where the area says so, with the entry in the household register.
    """

    birth: Birth
    area: str
    opens: date
    closes: date
    provisional: bool


def judge(case: Case, history: History, birth: Birth, relations: list[Relation]) -> list[Relation]:
    """Find what follows for a newborn; returns the relations that the ordinary rules must judge."""
    area = relations[0].area if relations else case.area_of(birth)
    window = _window(case, birth, area)
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
    _remind_of_window(case, window, governed)
    _remind_of_name(case, birth, area)
    _remind_of_certificate(case, birth, relations)
    _remind_of_confirmation(case, birth, relations)
    return ordinary


def window_end(reasoning: Reasoning, start: date, length: Duration) -> tuple[date, bool] | NotStated:
    """The last day of a period that begins with birth, and whether its working-day calendar is still unpublished."""
    counts = reasoning.look_up(NEWBORN_COUNTS_START, start)
    rolls = reasoning.look_up(NEWBORN_ROLLS, start)
    if isinstance(counts, NotStated):
        return counts
    if isinstance(rolls, NotStated):
        return rolls
    day = last_day(start, length, start_day_counts=counts.value)
    if not rolls.value:
        return day, False
    working = working_days.on_or_after(day)
    return working.day, working.provisional


def _window(case: Case, birth: Birth, area: str) -> Window | None:
    reasoning = Reasoning(case, RULE, area, birth.on.year)
    length = reasoning.look_up(NEWBORN_WINDOW, birth.on)
    if isinstance(length, NotStated):
        return None
    opens = _opens(reasoning, birth, area)
    if length.value == "birth_year_end":
        closes, provisional = date(birth.on.year, 12, 31), False
    else:
        assert isinstance(length.value, Duration)
        end = window_end(reasoning, opens, length.value)
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
    return Window(birth, area, opens, closes, provisional)


def _opens(reasoning: Reasoning, birth: Birth, area: str) -> date:
    """The day from which the window runs. A register entry that has not come yet keeps it open, counted from today."""
    if reasoning.value(NEWBORN_ANCHOR, birth.on) != "hukou":
        return birth.on
    case = reasoning.case
    entered = [fact.on for fact in case.of(HukouRegistered) if case.area_of(fact) == area and fact.on >= birth.on]
    limit = reasoning.value(NEWBORN_AGE_LIMIT, birth.on)
    oldest = last_day(birth.on, limit, start_day_counts=False) if limit is not None else case.as_of
    return min(entered[0] if entered else case.as_of, oldest)


def _without_window(case: Case, history: History, birth: Birth, relations: list[Relation]) -> list[Relation]:
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
    if in_time is not True and not _household_admits(judged, window):
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


def _household_admits(judged: Judged, window: Window) -> bool:
    """Where a child may come outside the window only if its whole household is enrolled."""
    if judged.reasoning.value(NEWBORN_HOUSEHOLD, window.birth.on) is not True:
        return True
    complete = person.whole_household(judged.case, judged.relation.registered)
    if complete is None:
        text = Text("不知道家庭成员是否全部参保", "whether the whole household is enrolled is not known")
        judged.case.park(HOUSEHOLD_RULE.key, text)
    return complete is not False


def _cover_in_time(judged: Judged, window: Window, in_time_before: bool) -> Outcome:
    born, relation, days = window.birth.on, judged.relation, judged.days
    if not _household_admits(judged, window):
        return "ordinary"
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


def _remind_of_certificate(case: Case, birth: Birth, relations: list[Relation]) -> None:
    """Who was registered by the birth certificate gives the own number in the next year, where it is asked for."""
    if birth.identity != "birth_certificate" or not relations:
        return
    reasoning = Reasoning(case, "newborn.identity", relations[0].area, birth.on.year)
    if reasoning.value(NEWBORN_CERTIFICATE, birth.on) is None:
        return
    turn = date(birth.on.year + 1, 1, 1)
    if any(fact.identity == "id_number" and fact.on <= turn for fact in case.of(IdentityUpdated)):
        return
    because = Text(
        "出生证明编号须变更为公民身份号码", "the certificate's number must be replaced by the child's own number"
    )
    _remind(case, Matter.IDENTITY_UPDATE, turn, because)
    reasoning.decide(because, birth.on)


def _remind_of_confirmation(case: Case, birth: Birth, relations: list[Relation]) -> None:
    """A child whose next year is free too has to be confirmed for it in that year's window."""
    if not relations:
        return
    latest = max(relations, key=lambda relation: relation.plan_year)
    year = latest.plan_year + 1
    reasoning = Reasoning(case, "newborn.free", latest.area, year)
    on = date(year, 1, 1)
    free = reasoning.value(NEWBORN_FREE, on)
    entry = next((entry for entry in free or () if entry.natural_years > 1 and not entry.only_in_time), None)
    if entry is None or year >= birth.on.year + entry.natural_years:
        return
    if entry.born_from is not None and birth.on < entry.born_from:
        return
    window = reasoning.value(COLLECTION_WINDOW, on)
    period = next((item for item in window or () if item.holds_for("ordinary", year)), None)
    if period is not None and period.days(year)[1] >= case.as_of:
        because = Text(f"{year}年度免缴资格需确认", f"the waiver for {year} must be confirmed")
        case.remind(Matter.WAIVER_CONFIRMATION, period.days(year)[1], because, to="guardian")
        reasoning.decide(because, on)


def _remind(case: Case, matter: Matter, day: date, because: Text) -> None:
    """A reminder falls due on its day, and has gone out from that day on."""
    if day > case.as_of:
        case.findings.deadlines.append(DueDate(matter, day, because))
    else:
        case.findings.notices.append(Notice("guardian", matter, day, because))
