"""Arrears (欠费): benefits rest while an employer or a flexible worker owes, and what making up brings back.

Sources: the area's pack (Yueyang and Zhejiang for employers, Fuzhou for flexible workers who pay a year at once).
"""

from __future__ import annotations

from datetime import date

from domain.assessment import Coverage, Levy, Matter, Notice, Suspension, Termination
from domain.bilingual import Text
from policy.case import Case, Reasoning
from policy.counting import DAY, Duration, first_of_month, last_day
from policy.employment import Job, PaidMonths
from policy.history import History
from policy.pack_library import NotStated, Stated
from policy.parameters import ARREARS_CALENDAR, EMPLOYEE_ARREARS, FLEXIBLE_ANNUAL
from policy.plan_days import in_plan_year
from policy.values import ArrearsCalendar


def of_employer(case: Case, job: Job, months: list[PaidMonths], covered: list[Coverage]) -> None:
    """Benefits rest while an employer owes, where the area says from when; the employer is told."""
    if job.capacity != "unit" or job.ended is not None or job.registered is None:
        return
    paid_until = max((months.end for months in months if months.area == job.area), default=None)
    if paid_until is None or paid_until >= case.as_of:
        return
    reasoning = Reasoning(case, "employee.arrears", job.area, case.as_of.year)
    rule = reasoning.look_up(EMPLOYEE_ARREARS, first_of_month(case.as_of))
    if isinstance(rule, NotStated):
        return
    rests_from = first_of_month(paid_until, 1 + rule.value.grace_months)
    for month in range(rule.value.grace_months):
        start = first_of_month(paid_until, 1 + month)
        text = Text("欠费第一个自然月内待遇不停", "benefits go on in the first month of arrears")
        covered.append(Coverage("employee", job.area, start, first_of_month(start, 1) - DAY, text))
    if case.as_of < rests_from:
        return
    because = Text(f"用人单位欠费,自{rests_from}起暂停待遇", f"the employer owes: benefits rest from {rests_from}")
    case.findings.suspensions.append(Suspension("employee", job.area, rests_from, None, because))
    if rule.value.months is not None:
        limit = last_day(paid_until + DAY, Duration(length=rule.value.months, unit="month"), start_day_counts=True)
        text = Text(f"在{limit}前补足欠费,待遇追溯", f"arrears made up by {limit} are covered for the days between")
        case.remind(Matter.ARREARS, limit, text, to="employer")
    reasoning.decide(because, rests_from)


def by_calendar(case: Case, history: History, job: Job, months: list[PaidMonths], covered: list[Coverage]) -> None:
    """Flexible workers who pay a year at once: from one day benefits rest, from another the relation has ended."""
    for year in range(job.began.year, case.as_of.year + 2):  # the next year's days are known ahead
        reasoning = Reasoning(case, "employee.arrears", job.area, year)
        calendar = reasoning.look_up(ARREARS_CALENDAR, date(year, 1, 1))
        if not isinstance(calendar, Stated):
            continue
        before = date(year - 1, 12, 31)
        entry = next((item for item in calendar.value if item.holds_for("ordinary", year)), None)
        if entry is None or not history.employee.touches(before, before):
            continue
        if job.ended is not None and job.ended.year < year:
            continue
        if year > case.as_of.year:
            _remind_of_next_year(reasoning, entry, year, job, months)
            continue
        _annual_levy(reasoning, entry, year, job)
        covered.extend(_rest_and_end(reasoning, entry, year, job, months))


def _remind_of_next_year(
    reasoning: Reasoning, entry: ArrearsCalendar, year: int, job: Job, months: list[PaidMonths]
) -> None:
    """The next year's last day to pay without a rest is known ahead; so are no cover and no levy of that year."""
    first = date(year, 1, 1)
    if not any(months.area == job.area and months.end >= first for months in months):
        last = in_plan_year(entry.rests_from, year) - DAY
        text = Text(f"{year}年度保费须在{last}前缴纳", f"the premium for {year} is due by {last}")
        reasoning.case.remind(Matter.PAYMENT_DUE, last, text)
        turn = Text(f"{year - 1}年度待遇至{first - DAY}结束", f"the cover of {year - 1} ends on {first - DAY}")
        reasoning.case.remind(Matter.COVER_ENDS, first - DAY, turn)


def _annual_levy(reasoning: Reasoning, entry: ArrearsCalendar, year: int, job: Job) -> None:
    """What a flexible worker owes for a year at once."""
    fees = reasoning.value(FLEXIBLE_ANNUAL, date(year, 1, 1))
    fee = next((item for item in fees or () if item.holds_for("ordinary", year)), None)
    if fee is None:
        return
    because = Text(f"{year}年度灵活就业人员职工医保费", f"the year {year} of a flexible worker in the employee scheme")
    due = in_plan_year(entry.rests_from, year) - DAY
    levy = Levy("employee", job.area, year, "individual", because, person=fee.person, due=due)
    reasoning.case.findings.levies.append(levy)


def _rest_and_end(
    reasoning: Reasoning, entry: ArrearsCalendar, year: int, job: Job, months: list[PaidMonths]
) -> list[Coverage]:
    """The days that are covered without payment; after them benefits rest, until the relation ends."""
    case = reasoning.case
    rests = in_plan_year(entry.rests_from, year)
    make_up = in_plan_year(entry.made_up_until, year)
    ends = in_plan_year(entry.ends_on, year)
    paid = min(
        (months.paid_on for months in months if months.area == job.area and months.end >= date(year, 1, 1)),
        default=None,
    )
    if paid is not None and paid <= make_up:
        return []
    grace = Text(f"{rests}前未缴费不停待遇", f"benefits go on until {rests} without payment")
    covered = [Coverage("employee", job.area, date(year, 1, 1), rests - DAY, grace)]
    if case.as_of < rests:
        text = Text(f"{year}年度保费须在{rests - DAY}前缴纳", f"the premium for {year} is due by {rests - DAY}")
        case.remind(Matter.PAYMENT_DUE, rests - DAY, text)
        return covered
    because = Text(f"{year}年度未缴费,自{rests}起暂停待遇", f"{year} is not paid: benefits rest from {rests}")
    case.findings.suspensions.append(Suspension("employee", job.area, rests, ends - DAY, because))
    if case.as_of <= make_up:
        text = Text(f"在{make_up}前补缴,中断期间可享受待遇", f"made up by {make_up}, the days between are covered")
        case.remind(Matter.ARREARS, make_up, text)
    if case.as_of >= ends:
        text = Text(f"未补缴,自{ends}起停止参保关系", f"not made up: the relation ended on {ends}")
        case.findings.terminations.append(Termination("employee", job.area, ends, text))
        case.findings.notices.append(Notice("person", Matter.RELATION_ENDED, ends, text))
    reasoning.decide(because, rests)
    return covered
