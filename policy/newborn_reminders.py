"""What the guardian of a newborn is reminded of: the window, a name or number of its own, a free year to confirm.

Sources: 医保发〔2020〕33号 for the name; the rhythm of reminders is a convention of this project, and cuts no cover.
"""

from __future__ import annotations

from datetime import date

from domain.assessment import DueDate, Matter, Notice
from domain.bilingual import Text
from domain.facts import Birth, IdentityUpdated
from policy.case import Case, Reasoning
from policy.counting import DAY, add_months, last_day
from policy.newborn_window import RULE, Window
from policy.pack_library import Stated
from policy.parameters import (
    COLLECTION_WINDOW,
    IDENTITY_REMINDERS,
    NEWBORN_ACT,
    NEWBORN_AGE_LIMIT,
    NEWBORN_CERTIFICATE,
    NEWBORN_FREE,
    NEWBORN_REMINDER,
)
from policy.relations import Relation


def of_window(case: Case, window: Window, relations: list[Relation]) -> None:
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


def of_name(case: Case, birth: Birth, area: str) -> None:
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


def of_certificate(case: Case, birth: Birth, relations: list[Relation]) -> None:
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


def of_confirmation(case: Case, birth: Birth, relations: list[Relation]) -> None:
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
