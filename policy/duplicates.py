"""Duplicate enrolment (重复参保): which relation stays, what becomes of the other, and the subsidy that is deducted.

Source: 医保发〔2020〕33号 (S001:L65 to L77). Terminating (终止) and suspending (暂停) are two different things: what is
terminated needs a new enrolment, what is suspended comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from domain.assessment import Clawback, Kept, Matter, Notice, Parked, Suspension, Termination
from domain.bilingual import Text
from domain.facts import AlsoEnrolled, CoveredBefore, KeepChosen, Scheme
from policy import person, students
from policy.case import Case, Reasoning
from policy.counting import DAY
from policy.employee import Employee
from policy.employment import Job
from policy.history import History
from policy.pack_library import NotStated
from policy.parameters import (
    CLAWBACK,
    DUPLICATE_CHOICE,
    DUPLICATE_COMMITMENT,
    DUPLICATE_MONTHS,
    DUPLICATE_PAYABLE,
    DUPLICATE_RESIDENCE,
    DUPLICATE_STUDENT,
    DUPLICATE_WORKPLACE,
    Parameter,
)
from policy.relations import Relation, end_after


@dataclass(frozen=True, slots=True)
class Side:
    """One of two live records."""

    scheme: Scheme
    area: str
    ours: Relation | Job | None = None
    """Our own relation; None where the platform reports it."""


@dataclass(slots=True)
class Conflict:
    """Two live records of one person, on the day on which that became known."""

    reasoning: Reasoning
    report: AlsoEnrolled
    own: Side
    other: Side
    history: History
    working: Employee

    @property
    def case(self) -> Case:
        return self.reasoning.case


def settle(case: Case, history: History, relations: list[Relation], working: Employee) -> None:
    """Decide each duplicate that the national platform reports."""
    for report in case.of(AlsoEnrolled):
        own = _own(case, relations, working, report)
        if own is None:
            continue
        other = Side(report.scheme, case.area_of(report))
        reasoning = Reasoning(case, "duplicates", own.area, report.plan_year or report.on.year)
        conflict = Conflict(reasoning, report, own, other, history, working)
        if own.scheme == other.scheme == "resident":
            _residents(conflict)
        elif own.scheme == other.scheme:
            _employees(conflict)
        else:
            _across(conflict)


def _own(case: Case, relations: list[Relation], working: Employee, report: AlsoEnrolled) -> Side | None:
    """Our own live record that the reported one duplicates; a year paid for ahead duplicates nothing."""
    residents = [
        relation
        for relation in relations
        if relation.outcome != "refused"
        and (relation.paid_on is not None or relation.free_from is not None)
        and _same_time(relation, report)
    ]
    jobs = [
        job
        for job in working.jobs
        if not job.refused and job.began <= report.on and (job.ended is None or job.ended >= report.on)
    ]
    resident = Side("resident", residents[-1].area, residents[-1]) if residents else _evidence(case, report, "resident")
    employee = Side("employee", jobs[-1].area, jobs[-1]) if jobs else _evidence(case, report, "employee")
    if report.scheme == "resident":
        return resident or employee
    return employee if employee is not None and resident is None else resident or employee


def _evidence(case: Case, report: AlsoEnrolled, scheme: Scheme) -> Side | None:
    """A live record that another system told us of, unless it is the reported one itself."""
    spans = [fact for fact in case.of(CoveredBefore) if fact.scheme == scheme and fact.starts <= report.on <= fact.ends]
    if not spans or (scheme == report.scheme and case.area_of(spans[-1]) == case.area_of(report)):
        return None
    return Side(scheme, case.area_of(spans[-1]))


def _same_time(relation: Relation, report: AlsoEnrolled) -> bool:
    if relation.period is None:
        return False
    first, last = relation.period
    if report.scheme == "resident" and report.plan_year is not None:
        return first.year <= report.plan_year <= last.year
    return first <= max(report.on, report.since or report.on) <= last


def _residents(conflict: Conflict) -> None:
    """Two resident records: the school's place, else the choice of who may choose, else the usual residence."""
    chosen = _chosen(conflict)
    if chosen is not None:
        keep = chosen
    elif _may_choose(conflict) and _choice(conflict) is not None:
        return  # chosen, but not in writing yet
    else:
        school = students.school_place(conflict.reasoning, conflict.report.on)
        if school in (conflict.own.area, conflict.other.area) and _is_student(conflict):
            if not _stated(conflict, DUPLICATE_STUDENT):
                return
            keep = school
        elif conflict.report.usual_residence is None:
            _undecided(
                conflict,
                DUPLICATE_RESIDENCE,
                "不知道常住地是哪一处",
                "which of the two is the usual residence is not known",
            )
            return
        elif not _stated(conflict, DUPLICATE_RESIDENCE):
            return
        else:
            keep = conflict.other.area if conflict.report.usual_residence else conflict.own.area
    lost = conflict.other if keep == conflict.own.area else conflict.own
    _keep(conflict, conflict.own if lost is conflict.other else conflict.other)
    _terminate(conflict, lost)
    _claw_back_resident_year(conflict, lost)


def _is_student(conflict: Conflict) -> bool:
    own = conflict.own.ours
    return (isinstance(own, Relation) and own.registered.capacity == "student") or person.school(
        conflict.case, conflict.report.on
    ) is not None


def _may_choose(conflict: Conflict) -> bool:
    groups = conflict.reasoning.value(DUPLICATE_CHOICE, conflict.report.on) or ()
    return bool(person.groups(conflict.case, conflict.case.as_of) & set(groups))


def _choice(conflict: Conflict) -> KeepChosen | None:
    choices = [fact for fact in conflict.case.of(KeepChosen) if fact.scheme == "resident"]
    return choices[-1] if choices else None


def _chosen(conflict: Conflict) -> str | None:
    """The area that an assisted person chose, in writing."""
    choice = _choice(conflict)
    if choice is None or not _may_choose(conflict):
        return None
    if choice.keep_area not in (conflict.own.area, conflict.other.area):
        return None
    if not choice.commitment and conflict.reasoning.value(DUPLICATE_COMMITMENT, conflict.report.on):
        because = Text("需由本人作出书面承诺", "the person must give a written commitment")
        conflict.case.park(DUPLICATE_COMMITMENT.key, because)
        conflict.case.findings.notices.append(Notice("person", Matter.WRITTEN_COMMITMENT, choice.on, because))
        return None
    return choice.keep_area


def _employees(conflict: Conflict) -> None:
    """Two employee records: the place of work."""
    if conflict.own.area == conflict.other.area:
        return
    own = conflict.own.ours
    works_here = isinstance(own, Job) and own.capacity == "unit" and own.started is not None
    works_there = conflict.report.full_time
    if not _stated(conflict, DUPLICATE_WORKPLACE):
        return
    if works_here and not works_there:
        keep, lost = conflict.own, conflict.other
    elif works_there and not works_here:
        keep, lost = conflict.other, conflict.own
    else:
        _undecided(
            conflict, DUPLICATE_WORKPLACE, "不知道就业地是哪一处", "which of the two is the place of work is not known"
        )
        return
    _keep(conflict, keep)
    _terminate(conflict, lost)


def _across(conflict: Conflict) -> None:
    """One record in each scheme: a year of employee cover decides; flexible work keeps what can pay now."""
    resident, employee = (
        (conflict.own, conflict.other) if conflict.own.scheme == "resident" else (conflict.other, conflict.own)
    )
    if _works_flexibly(conflict, employee):
        _across_flexible(conflict, resident, employee)
        return
    if _student_at_work(conflict, resident):
        conflict.reasoning.value(DUPLICATE_STUDENT, conflict.report.on)
        _keep(conflict, employee)
        _suspend(conflict, resident)
        return
    needed = conflict.reasoning.look_up(DUPLICATE_MONTHS, conflict.report.on)
    if isinstance(needed, NotStated):
        conflict.reasoning.park(needed)
        return
    months = _continuous_months(conflict, employee)
    if months is None or months < needed.value:
        conflict.reasoning.tried(
            DUPLICATE_MONTHS.key, Text("职工医保连续参保不满一年", "less than a year in the employee scheme")
        )
        _undecided(
            conflict,
            DUPLICATE_MONTHS,
            "连续参加职工医保不满一年的跨制度重复参保没有全国规定",
            "no national rule for a duplicate across schemes with less than a year in the employee scheme",
        )
        return
    _keep(conflict, employee)
    _terminate(conflict, resident)
    if not _stated(conflict, CLAWBACK):
        return
    if conflict.report.paid_up is None and conflict.other is employee:
        because = Text("不知道职工医保缴费状态是否正常", "whether the employee record is paid up is not known")
        conflict.case.park(CLAWBACK.key, because)
    elif conflict.other is not employee or conflict.report.paid_up:
        _claw_back(conflict, resident)


def _across_flexible(conflict: Conflict, resident: Side, employee: Side) -> None:
    if not _stated(conflict, DUPLICATE_PAYABLE):
        return
    on = conflict.report.on
    pays = {id(conflict.other): conflict.report.can_pay_now, id(conflict.own): _can_pay(conflict, on)}
    able = [side for side in (resident, employee) if pays[id(side)]]
    if len(able) != 1 or pays[id(conflict.other)] is None:
        _undecided(
            conflict,
            DUPLICATE_PAYABLE,
            "两条参保关系能否享受待遇的情况不足以决定保留哪一条",
            "which record can pay benefits now does not decide between the two",
        )
        return
    _keep(conflict, able[0])
    _suspend(conflict, resident if able[0] is employee else employee)


def _can_pay(conflict: Conflict, on: date) -> bool:
    own = conflict.own.ours
    if isinstance(own, Relation):
        return any(span.start <= on and (span.end is None or on <= span.end) for span in own.covered)
    spans = [span for span in conflict.working.covered if span.area == conflict.own.area and span.share == 1]
    return any(span.start <= on and (span.end is None or on <= span.end) for span in spans)


def _works_flexibly(conflict: Conflict, employee: Side) -> bool:
    if isinstance(employee.ours, Job):
        return employee.ours.form in ("flexible", "seasonal")
    return employee is conflict.other and conflict.report.full_time is False


def _student_at_work(conflict: Conflict, resident: Side) -> bool:
    own = resident.ours
    if isinstance(own, Relation):
        return own.registered.capacity == "student"
    return students.school_place(conflict.reasoning, conflict.report.on) == resident.area


def _continuous_months(conflict: Conflict, employee: Side) -> int | None:
    if employee is conflict.other:
        return conflict.report.continuous_months
    on = conflict.report.on
    start = conflict.history.employee.start_of_run(on)
    return (on.year - start.year) * 12 + on.month - start.month + 1 if start <= on else 0


def _stated(conflict: Conflict, parameter: Parameter[bool]) -> bool:
    """Whether the rule is in force on the day of the report; else the question is parked."""
    found = conflict.reasoning.look_up(parameter, conflict.report.on)
    if isinstance(found, NotStated):
        conflict.reasoning.park(found)
        return False
    return found.value


def _undecided(conflict: Conflict, tried: Parameter[Any], zh: str, en: str) -> None:
    """The rule that was tried does not decide between the two, so a person must: with the area or scheme that stays."""
    stays = _decided_side(conflict)
    if stays is not None:
        lost = conflict.other if stays is conflict.own else conflict.own
        _keep(conflict, stays)
        _terminate(conflict, lost)
        if stays.scheme == lost.scheme == "resident":
            _claw_back_resident_year(conflict, lost)
        return
    conflict.case.findings.parked[Parked("duplicates", Text(zh, en))] = None
    if conflict.reasoning.value(tried, conflict.report.on) is not None:
        text = Text(f"重复参保待人工决定:{zh}", f"a person must decide the duplicate: {en}")
        conflict.reasoning.decide(text, conflict.report.on)


def _decided_side(conflict: Conflict) -> Side | None:
    decided = conflict.case.answer("duplicates", conflict.report.plan_year)
    if decided is None:
        return None
    words = set(decided.answer.split())
    named = [side for side in (conflict.own, conflict.other) if {side.area, side.scheme} & words]
    if len(named) == 2:  # both are of the same scheme, or of the same area: the other word tells them apart
        named = [side for side in named if {side.area, side.scheme} <= words]
    return named[0] if len(named) == 1 else None


def _keep(conflict: Conflict, side: Side) -> None:
    because = Text(f"重复参保,保留{side.area}的参保关系", f"duplicate enrolment: the relation in {side.area} stays")
    conflict.case.findings.kept.append(Kept(side.scheme, side.area, because))
    conflict.reasoning.decide(because, conflict.report.on)


def _terminate(conflict: Conflict, side: Side) -> None:
    on = conflict.report.on
    because = Text(f"重复参保,{on}终止{side.area}的参保关系", f"duplicate: the relation in {side.area} ends on {on}")
    conflict.case.findings.terminations.append(Termination(side.scheme, side.area, on, because))
    conflict.case.findings.notices.append(Notice("area", Matter.RELATION_ENDED, on, because))
    if isinstance(side.ours, Relation):
        end_after(side.ours, on)
    elif isinstance(side.ours, Job):
        side.ours.ended = on
        conflict.working.covered = [
            replace(span, end=min(span.end or date.max, on)) if span.area == side.area else span
            for span in conflict.working.covered
            if span.area != side.area or span.start <= on
        ]


def _suspend(conflict: Conflict, side: Side) -> None:
    on = conflict.report.on
    because = Text(
        f"重复参保,自{on}起暂停{side.area}的参保关系", f"duplicate: the relation in {side.area} rests from {on}"
    )
    end = None
    if isinstance(side.ours, Relation):
        end = side.ours.period[1] if side.ours.period is not None else None
        end_after(side.ours, on - DAY)
    elif isinstance(side.ours, Job):
        conflict.working.covered = [
            replace(span, end=min(span.end or date.max, on - DAY)) if span.area == side.area else span
            for span in conflict.working.covered
            if span.area != side.area or span.start < on
        ]
    conflict.case.findings.suspensions.append(Suspension(side.scheme, side.area, on, end, because))
    conflict.case.findings.notices.append(Notice("area", Matter.RELATION_SUSPENDED, on, because))


def _claw_back_resident_year(conflict: Conflict, lost: Side) -> None:
    """The subsidy of the duplicate year, except in the year in which a student enters college."""
    year = _year(conflict, lost)
    entered = person.school(conflict.case, conflict.report.on)
    if entered is not None and entered.level == "college" and students.is_entry_year(year, entered):
        conflict.reasoning.tried(CLAWBACK.key, Text("大中专学生入学当年除外", "not in the year of entering college"))
        return
    if _stated(conflict, CLAWBACK):
        _claw_back(conflict, lost)


def _claw_back(conflict: Conflict, side: Side) -> None:
    year = _year(conflict, side)
    because = Text(f"扣减{year}年度各级财政补助", f"the public subsidy for {year} is deducted")
    conflict.case.findings.clawbacks.append(Clawback("resident", side.area, year, because))


def _year(conflict: Conflict, side: Side) -> int:
    if isinstance(side.ours, Relation):
        return side.ours.plan_year
    return conflict.report.plan_year or conflict.report.on.year
