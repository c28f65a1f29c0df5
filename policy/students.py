"""Students (学生参保): the entry year, the move between academic and calendar years, the end of school.

Sources: 医保发〔2020〕33号 (students enrol at the school's place; the change of period loses no day), the area's pack
for part fees, first-year cover, prepaid years and the end for graduates.
"""

from __future__ import annotations

from datetime import date

from domain.bilingual import Text
from domain.facts import SchoolEntered, SchoolLeft
from policy import exemptions, fees, outcomes, person
from policy.case import Reasoning
from policy.counting import DAY
from policy.outcomes import Judged
from policy.pack_library import Stated
from policy.parameters import FRESHMAN_COVER, GRADUATE_END, PART_FEE, SEAMLESS
from policy.plan_days import in_plan_year
from policy.relations import Relation
from policy.values import FreshmanCover, PartFee
from policy.waiting import Beginning

SEPTEMBER = 9


def entry_year(judged: Judged) -> bool:
    """Judge the year in which a student enters, where the area has rules of its own for it."""
    relation = judged.relation
    if relation.registered.capacity != "student":
        return False
    entered = _entered_in(judged, relation.plan_year)
    if entered is None:
        return False
    part = _part_fee(judged, entered)
    if part is not None:
        _judge_part_fee(judged, entered, part)
        return True
    fresh = _freshman(judged, "entry_year")
    if fresh is None or relation.registered.on < entered.on.replace(day=1):
        return False
    owed = outcomes.levy(judged, None)
    if outcomes.paid_in_full(judged.case, relation, owed):
        start = max(_first_covered(judged, fresh, entered), judged.days[0])
        because = Text(f"新入学学生自{start}起享受待遇", f"a first-year student, covered from {start}")
        outcomes.begin(judged, Beginning(start), because)
    return True


def first_day(judged: Judged, earlier: dict[tuple[str, int], Relation]) -> date | None:
    """From when a student's calendar year covers who paid it in time: first-year students and changed periods."""
    relation = judged.relation
    if relation.registered.capacity != "student":
        return None
    if judged.days[0] != date(relation.plan_year, 1, 1):
        return None
    entered = _entered_in(judged, relation.plan_year - 1)
    fresh = _freshman(judged, "next_year") if entered is not None and entered.level == "college" else None
    if fresh is not None and entered is not None:
        enrolled = judged.history.enrolled_in(relation.plan_year - 1, employee_counts=False)
        if not fresh.continuous or enrolled:
            return _first_covered(judged, fresh, entered)
        judged.reasoning.tried(FRESHMAN_COVER.key, Text("入学前没有连续参保", "not enrolled without a break before"))
    return _after_academic_year(judged, earlier)


def until_graduation(reasoning: Reasoning, relation: Relation, days: tuple[date, date]) -> tuple[date, date]:
    """The benefit period of a student who graduates in it, where the area says how long that one lasts."""
    if relation.registered.capacity != "student":
        return days
    left = [
        fact.on
        for fact in reasoning.case.of(SchoolLeft)
        if fact.reason == "graduated" and days[0] <= fact.on <= days[1]
    ]
    end = reasoning.value(GRADUATE_END, days[0]) if left else None
    return (days[0], in_plan_year(end, left[-1].year)) if end is not None else days


def continues_paid_years(relation: Relation) -> bool:
    """Whether this year was paid for with an earlier one; its money came before any window."""
    return relation.prepaid


def _entered_in(judged: Judged, year: int) -> SchoolEntered | None:
    """The school entered in a calendar year, the last of them."""
    entries = [fact for fact in judged.case.of(SchoolEntered) if fact.on.year == year]
    return entries[-1] if entries else None


def _first_covered(judged: Judged, fresh: FreshmanCover, entered: SchoolEntered) -> date:
    match fresh.start:
        case "school_entry":
            return entered.on
        case "payment_day":
            return judged.relation.paid_on or entered.on
        case _:
            return date(entered.on.year, SEPTEMBER, 1)


def _freshman(judged: Judged, pays: str) -> FreshmanCover | None:
    asked = date(judged.relation.plan_year - (pays == "next_year"), SEPTEMBER, 1)
    for on in (judged.days[0], asked):
        found = judged.reasoning.look_up(FRESHMAN_COVER, on)
        if isinstance(found, Stated):
            return next((entry for entry in found.value if entry.pays == pays), None)
    return None


def _after_academic_year(judged: Judged, earlier: dict[tuple[str, int], Relation]) -> date | None:
    """A student whose academic year ended in August and who pays the next calendar year loses no day between."""
    relation = judged.relation
    before = earlier.get((relation.area, relation.plan_year - 2))
    if before is None or before.period is None or not before.covered:
        return None
    end = before.period[1]
    if before.registered.capacity != "student" or end >= judged.days[0] or end.year != relation.plan_year - 1:
        return None
    if judged.reasoning.value(SEAMLESS, judged.days[0]) is not True:
        return None
    return end + DAY


def _part_fee(judged: Judged, entered: SchoolEntered) -> PartFee | None:
    if not entered.out_of_city or entered.level != "college":
        return None
    found = judged.reasoning.look_up(PART_FEE, entered.on)
    if not isinstance(found, Stated):
        return None
    relation = judged.relation
    return next((part for part in found.value if part.holds_for(relation.population, relation.plan_year)), None)


def _judge_part_fee(judged: Judged, entered: SchoolEntered, part: PartFee) -> None:
    """The rest of the entry year at a part of its fee, for who applies in time and has no home cover left."""
    relation, reasoning = judged.relation, judged.reasoning
    reasoning.rule = "students.entry_year"
    first, last = in_plan_year(part.first, relation.plan_year), in_plan_year(part.last, relation.plan_year)
    apply_by = exemptions.act_by(reasoning, entered.on, part.within)
    if apply_by is not None and relation.registered.on > apply_by:
        because = Text(
            f"入学当年参保须在{apply_by}前申请", f"enrolment for the entry year had to be applied for by {apply_by}"
        )
        _refuse(judged, entered, because)
        return
    at_home = judged.history.resident.last_known_end(first)
    if at_home is not None and at_home >= first:
        because = Text(f"原参保地待遇至{at_home},尚未终止", f"cover at home has not ended; it runs until {at_home}")
        _refuse(judged, entered, because)
        return
    quoted = fees.part_fee(fees.quote(reasoning, relation, judged.days[0]), part)
    owed = outcomes.part_year_levy(judged, apply_by, quoted)
    if relation.registered.supplementary:
        whole = fees.supplementary(reasoning, relation, judged.days[0])
        outcomes.levy_supplementary(judged, apply_by, fees.part_fee(whole, part))
    relation.period = (first, last)
    if outcomes.paid_in_full(judged.case, relation, owed):
        because = Text(f"入学当年按部分费用参保,{first}至{last}", f"part fee for the entry year: {first} to {last}")
        outcomes.cover(judged, max(first, judged.days[0]), last, because)
        reasoning.decide(because, entered.on)


def _refuse(judged: Judged, entered: SchoolEntered, because: Text) -> None:
    judged.case.findings.refuse(judged.relation.registered, because)
    for payment in judged.relation.payments:
        judged.case.findings.refuse(payment.fact, because)
    judged.relation.outcome = "refused"
    judged.reasoning.decide(because, entered.on)


def is_entry_year(judged_year: int, entered: SchoolEntered | None) -> bool:
    """Whether a plan year is the one in which the student entered, for which no subsidy is clawed back (33号)."""
    return entered is not None and entered.on.year == judged_year


def school_place(reasoning: Reasoning, on: date) -> str | None:
    """The area of the school at which the person is on a day."""
    entered = person.school(reasoning.case, on)
    return reasoning.case.area_of(entered) if entered is not None else None
