"""The employee scheme (职工医保): from which day paid months cover, gaps and what is made up, waits, arrears.

Sources: 社会保险法 art. 23 and 58, 医保办发〔2021〕43号 (a gap of at most three months, made up, is covered), the area.
What a pack does not say otherwise: paid months are covered from the first day of the first of them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from domain.assessment import Coverage, Matter, Undetermined, Wait
from domain.bilingual import Text
from domain.facts import EmploymentStarted
from policy import arrears, person
from policy.case import Case, Reasoning
from policy.counting import DAY, Duration, first_of_month, last_day
from policy.employment import Job, PaidMonths, jobs, paid_months
from policy.exemptions import act_by
from policy.history import History
from policy.pack_library import NotStated
from policy.parameters import (
    EMPLOYEE_ARREARS,
    EMPLOYEE_COVER,
    EMPLOYEE_START,
    EMPLOYER_REGISTERS,
    EXEMPT,
    GAP_ANCHOR,
    MAKE_UP_WITHIN,
    OLD_RELATION,
    SWITCH_AS_INDIVIDUAL,
)
from policy.switching import gap_limit
from policy.values import EmployeeStart

RULE = "employee.cover"
Previous = Literal["resident", "employee", "none"]


@dataclass(frozen=True, slots=True)
class Live:
    """Days on which the employee scheme stands against resident benefits; open where the job has not ended."""

    area: str
    start: date
    end: date | None
    job: Job | None


@dataclass(slots=True)
class Employee:
    """A person in the employee scheme: jobs, paid months, and the days that they cover."""

    jobs: list[Job]
    months: list[PaidMonths]
    covered: list[Coverage] = field(default_factory=list)

    def live(self) -> list[Live]:
        """When the employee scheme stands against resident benefits: while a job lasts, or while months are paid."""
        found = []
        taken: set[int] = set()
        here: dict[str, list[Coverage]] = {}
        for span in self.covered:
            if span.share == 1:
                here.setdefault(span.area, []).append(span)
        for job in self.jobs:
            spans = [span for span in here.get(job.area, ()) if _belongs(span, job, first_of_month(job.began))]
            if not spans or job.refused:
                continue
            taken.update(id(span) for span in spans)
            last = max(span.end or date.max for span in spans)
            open_ended = job.ended is None and job.capacity == "unit"
            found.append(Live(job.area, min(span.start for span in spans), None if open_ended else last, job))
        found += [
            Live(span.area, span.start, span.end, None)
            for span in self.covered
            if span.share == 1 and id(span) not in taken
        ]
        return found


def _belongs(span: Coverage, job: Job, begun: date) -> bool:
    return (span.end is None or span.end >= begun) and (job.ended is None or span.start <= job.ended)


def judge(case: Case, history: History) -> Employee:
    """Find what follows from the facts about work; resident cover is known by now."""
    found = Employee(jobs(case), [])
    _refuse_individuals(case, history, found.jobs)
    found.months = paid_months(case, found.jobs)
    run = _Run(case, history, found)
    for months in found.months:
        run.add(months)
    run.finish()
    _one_job_at_a_time(found)
    for job in found.jobs:
        _employer_registers(case, job, found.jobs)
        arrears.of_employer(case, job, found.months, found.covered)
        if job.capacity == "flexible" and not job.refused:
            arrears.by_calendar(case, history, job, found.months, found.covered)
    return found


@dataclass(slots=True)
class _Stretch:
    """Days of full cover in one area, while more months may follow."""

    area: str
    start: date
    end: date


class _Run:
    """Goes through the paid months in order, and knows from when cover is full."""

    def __init__(self, case: Case, history: History, found: Employee) -> None:
        self.case, self.history, self.found = case, history, found
        self.jobs: dict[tuple[str, str], tuple[list[date], list[Job]]] = {}
        for job in found.jobs:
            begun, here = self.jobs.setdefault((job.area, job.capacity), ([], []))
            begun.append(first_of_month(job.began))
            here.append(job)
        self.full_from = date.min
        self.waiting_since = date.max
        self.share = Decimal(0)
        self.outpatient_from: date | None = None
        self.stretches: list[_Stretch] = []

    def add(self, months: PaidMonths) -> None:
        job = self._job(months)
        if job is not None and job.refused:
            because = Text(
                "居民医保年度内不能以个体身份参加职工医保", "a resident within the year cannot join as an individual"
            )
            self.case.findings.refuse(months.fact, because)
            return
        end = months.end
        if job is not None and job.ended is not None and job.capacity == "unit":
            end = min(end, first_of_month(job.ended, 1) - DAY)
        previous_end = self.history.employee.last_known_end(months.start)
        if previous_end is None or months.start > previous_end + DAY or months.paid_afterwards:
            self._begin(months, job, previous_end)
        self._cover(months, end)
        if months.start <= end:
            self.history.add("employee", months.start, end)

    def _job(self, months: PaidMonths) -> Job | None:
        """The job for which the months were paid: the last that had begun by then, or by the payment."""
        begun, here = self.jobs.get((months.area, months.capacity), ([], []))
        place = bisect_right(begun, max(months.start, first_of_month(months.paid_on)))
        return here[place - 1] if place else None

    def _cover(self, months: PaidMonths, end: date) -> None:
        start = max(months.start, self.full_from)
        if start <= end:
            self._extend(months.area, start, end)
        in_wait = min(end, self.full_from - DAY) if self.full_from > date.min else None
        if in_wait is None:
            return
        if self.share and max(months.start, self.waiting_since) <= in_wait:
            first = max(months.start, self.waiting_since)
            part = Text(f"等待期内按{self.share:%}享受", f"{self.share:%} of the benefits during the wait")
            self.found.covered.append(Coverage("employee", months.area, first, in_wait, part, self.share))
        if self.outpatient_from is not None and max(months.start, self.outpatient_from) <= in_wait:
            first = max(months.start, self.outpatient_from)
            text = Text("等待期内享受门诊待遇", "out-patient benefits during the wait")
            self.found.covered.append(Coverage("employee", months.area, first, in_wait, text, service="outpatient"))

    def _extend(self, area: str, start: date, end: date) -> None:
        """Months that follow one another are one stretch: a life has hundreds of them, and one reason."""
        last = self.stretches[-1] if self.stretches else None
        if last is not None and last.area == area and last.start <= start <= last.end + DAY:
            last.end = max(last.end, end)
        else:
            self.stretches.append(_Stretch(area, start, end))

    def finish(self) -> None:
        """Record what the months cover in full."""
        for stretch in self.stretches:
            reasoning = Reasoning(self.case, RULE, stretch.area, stretch.start.year)
            reasoning.value(EMPLOYEE_COVER, stretch.start)
            because = Text(
                f"职工医保已缴费,{stretch.start}至{stretch.end}",
                f"paid in the employee scheme: {stretch.start} to {stretch.end}",
            )
            reasoning.decide(because, stretch.start)
            self.found.covered.append(Coverage("employee", stretch.area, stretch.start, stretch.end, because))

    def _begin(self, months: PaidMonths, job: Job | None, previous_end: date | None) -> None:
        """Cover begins, or begins again after months that were not paid in their time."""
        reasoning = Reasoning(self.case, RULE, months.area, months.start.year)
        self.full_from, self.share, self.outpatient_from = date.min, Decimal(0), None
        if months.paid_afterwards and job is not None and self._arrears(reasoning, months, job, previous_end):
            return
        rule = self._rule(reasoning, months, job, previous_end)
        if rule is None:
            self._by_convention(reasoning, months, previous_end)
            return
        if rule.start == "after_wait" and self._waits_for_nothing(reasoning, months):
            text = Text("不设待遇等待期的人员", "a person who is not held to the wait")
            reasoning.tried("employee.wait", text)
            self.full_from = months.start if rule.covers_gap else first_of_month(months.paid_on)
            reasoning.decide(Text(f"待遇自{self.full_from}起", f"covered from {self.full_from}"), months.start)
            return
        self._apply(reasoning, rule, months, job)

    def _waits_for_nothing(self, reasoning: Reasoning, months: PaidMonths) -> bool:
        """The registered poor, veterans and army spouses wait for nothing when they enrol or change (33号)."""
        marks = person.groups(self.case, months.paid_on)
        for found in reasoning.all_stated(EXEMPT, months.start) if marks else ():
            if any(entry.groups and marks & set(entry.groups) for entry in found.value):
                reasoning.rely_on(found)
                return True
        return False

    def _rule(
        self, reasoning: Reasoning, months: PaidMonths, job: Job | None, previous_end: date | None
    ) -> EmployeeStart | None:
        found = reasoning.look_up(EMPLOYEE_START, months.start)
        if isinstance(found, NotStated):
            return None
        before = self._previous(months, previous_end)
        return next((rule for rule in found.value if self._holds(reasoning, rule, months, job, before)), None)

    def _previous(self, months: PaidMonths, previous_end: date | None) -> tuple[Previous, date | None]:
        """The scheme of the last cover before, and its end."""
        resident = self.history.resident.last_known_end(months.paid_on)
        made_up = previous_end is not None and months.start <= previous_end + DAY
        if previous_end is not None and (made_up or resident is None or resident <= previous_end):
            return "employee", previous_end
        return ("resident", resident) if resident is not None else ("none", None)

    def _holds(
        self,
        reasoning: Reasoning,
        rule: EmployeeStart,
        months: PaidMonths,
        job: Job | None,
        before: tuple[Previous, date | None],
    ) -> bool:
        previous, end = before
        if rule.capacity and months.capacity not in rule.capacity:
            return False
        if rule.previous and previous not in rule.previous:
            return False
        if rule.first_time is not None and self._first_time(months, job) is not rule.first_time:
            return False
        if rule.made_up is not None and rule.made_up is not (end is not None and months.start <= end + DAY):
            return False
        if rule.continuous_years is not None:
            years = self.history.continuous_years(min(end, months.paid_on)) if end is not None else 0
            if years < rule.continuous_years:
                return False
        within, over = _limit(reasoning, rule.gap_within, months, end), _limit(reasoning, rule.gap_over, months, end)
        if rule.gap_within is not None and (within is None or months.paid_on > within):
            return False
        return rule.gap_over is None or (over is not None and months.paid_on > over)

    def _first_time(self, months: PaidMonths, job: Job | None) -> bool:
        if job is not None and job.started is not None and job.started.first_time is not None:
            return job.started.first_time
        return self.history.employee.last_known_end(months.start) is None

    def _apply(self, reasoning: Reasoning, rule: EmployeeStart, months: PaidMonths, job: Job | None) -> None:
        paid = months.paid_on
        match rule.start:
            case "first_paid_month":
                start = months.start
            case "payment_month":
                start = months.start if rule.covers_gap else first_of_month(paid)
            case "month_after_payment":
                start = first_of_month(paid, 1)
            case "month_after_registration":
                registered = job.registered.on if job is not None and job.registered is not None else paid
                start = first_of_month(registered, 1)
            case "payment_day":
                start = months.fact.arrival
            case "after_wait":
                start = self._wait(rule, months)
        self.full_from = max(start, months.start)
        text = Text(f"职工医保待遇自{self.full_from}起", f"employee benefits from {self.full_from}")
        reasoning.decide(text, months.start)

    def _wait(self, rule: EmployeeStart, months: PaidMonths) -> date:
        """The first day after a wait; the benefits during it, where they are paid in part, are remembered."""
        paid = months.paid_on
        if rule.wait_days is not None:
            begins, unit, fixed = months.fact.arrival, "day", rule.wait_days
            end = last_day(begins, Duration(length=fixed, unit="day"), start_day_counts=False)
        else:
            fixed, unit = rule.wait_months or 0, "month"
            begins, end = first_of_month(paid), first_of_month(paid, fixed) - DAY
        because = Text(
            f"职工医保等待期自{begins}至{end}", f"the wait in the employee scheme runs from {begins} to {end}"
        )
        kind: Literal["day", "month"] = "day" if unit == "day" else "month"
        self.case.findings.waits.append(Wait("employee", months.area, begins, end, kind, fixed, because))
        if end >= self.case.as_of:
            self.case.remind(Matter.WAIT_ENDS, end, because)
        self.waiting_since, self.share = begins, rule.share
        if rule.outpatient_from is not None:
            self.outpatient_from = first_of_month(paid, 1)
        return end + DAY

    def _arrears(self, reasoning: Reasoning, months: PaidMonths, job: Job, previous_end: date | None) -> bool:
        """An employer's arrears that were made up, where the area has a rule for them."""
        in_job = previous_end is not None and job.began <= previous_end and job.area == months.area
        if job.capacity != "unit" or not in_job:
            return False
        found = reasoning.look_up(EMPLOYEE_ARREARS, months.start)
        if isinstance(found, NotStated):
            return False
        if found.value.months is None:
            because = Text("补足欠费的期限没有规定", "by when arrears must be made up is not stated")
            self.case.park(EMPLOYEE_ARREARS.key, because)
            return False
        limit = last_day(months.start, Duration(length=found.value.months, unit="month"), start_day_counts=True)
        if months.paid_on <= limit:
            reasoning.decide(
                Text(f"欠费在{limit}前补足,待遇追溯", f"arrears made up by {limit}: covered for the days between too"),
                months.start,
            )
            return True
        if found.value.then_days is None:
            because = Text("逾期补缴的待遇没有规定", "what later make-up gives is not stated")
            self.case.park(EMPLOYEE_ARREARS.key, because)
            start = first_of_month(months.paid_on)
        else:
            after = Duration(length=found.value.then_days, unit="day")
            start = last_day(months.fact.arrival, after, start_day_counts=False) + DAY
        self.full_from = start
        reasoning.decide(
            Text(f"欠费超过{limit}才补足,自{start}起享受", f"arrears made up after {limit}: covered from {start}"),
            months.start,
        )
        return True

    def _by_convention(self, reasoning: Reasoning, months: PaidMonths, previous_end: date | None) -> None:
        """Paid months are covered; months that passed long before they were paid, nobody says."""
        if not months.paid_afterwards:
            return
        reasoning.value(EMPLOYEE_COVER, months.start)
        since = previous_end if previous_end is not None else months.start - DAY
        limit = gap_limit(reasoning, since, months.paid_on)
        if limit is None:  # no rule on gaps is in force yet
            within = reasoning.value(MAKE_UP_WITHIN, months.paid_on)
            limit = last_day(since + DAY, within, start_day_counts=True) if within is not None else since
        if months.paid_on <= limit:
            reasoning.decide(
                Text(f"中断在{limit}前补缴,待遇追溯", f"the gap was made up by {limit}, so it is covered"), months.start
            )
            return
        self.full_from = first_of_month(months.paid_on)
        until = self.full_from - DAY
        because = Text("补缴较久以前月份的待遇没有规定", "what making up months long past gives is not stated")
        self.case.park("gap.retroactive", because)
        self.case.findings.undetermined.append(
            Undetermined("employee", months.area, months.start, until, "gap.retroactive", because)
        )


def _limit(reasoning: Reasoning, longest: Duration | None, months: PaidMonths, end: date | None) -> date | None:
    """The last day on which the gap is not longer than this; the far future where cover never ended."""
    if longest is None or end is None:
        return None
    if end >= months.paid_on:
        return date.max
    stops_count = reasoning.value(GAP_ANCHOR, months.start) == "month_of_stop"
    start = first_of_month(end) if stops_count else end + DAY
    return last_day(start, longest, start_day_counts=True)


def _one_job_at_a_time(found: Employee) -> None:
    """Months paid in two areas: the later beginning is where the person works now."""
    spans = sorted(found.covered, key=lambda span: (span.start, span.end or date.max))
    kept: list[Coverage] = []
    for span in spans:
        for place, earlier in enumerate(kept):
            overlaps = earlier.end is None or earlier.end >= span.start
            if earlier.area != span.area and earlier.service == span.service and overlaps:
                kept[place] = _cut(earlier, span.start - DAY)
        kept.append(span)
    found.covered = [span for span in kept if span.end is None or span.start <= span.end]


def _cut(span: Coverage, end: date) -> Coverage:
    return Coverage(span.scheme, span.area, span.start, end, span.because, span.share, span.service)


def _refuse_individuals(case: Case, history: History, known_jobs: list[Job]) -> None:
    """Where a resident within the year can join the employee scheme only through an employer."""
    for job in known_jobs:
        if job.capacity != "flexible" or job.registered is None:
            continue
        on = job.registered.on
        reasoning = Reasoning(case, "employee.as_individual", job.area, on.year)
        allowed = reasoning.value(SWITCH_AS_INDIVIDUAL, first_of_month(on))
        if allowed is False and history.resident.touches(on, on):
            because = Text(
                "居民医保年度内不能以个体身份参加职工医保", "a resident within the year cannot join as an individual"
            )
            case.findings.refuse(job.registered, because)
            job.refused = True
            reasoning.decide(because, on)


def _employer_registers(case: Case, job: Job, known_jobs: list[Job]) -> None:
    """The employer has thirty days from the start of work to register (社会保险法 art. 58)."""
    started = job.started
    if not isinstance(started, EmploymentStarted) or started.form == "flexible" or job.registered is not None:
        return
    if job.ended is not None or any(item.area == job.area and item.registered for item in known_jobs):
        return
    reasoning = Reasoning(case, "employee.registration", job.area, started.on.year)
    term = reasoning.look_up(EMPLOYER_REGISTERS, started.on)
    if isinstance(term, NotStated):
        return
    ends = act_by(reasoning, started.on, term.value)
    if ends is not None:
        because = Text(f"用人单位须在{ends}前办理参保登记", f"the employer must register the person by {ends}")
        case.remind(Matter.EMPLOYER_REGISTRATION, ends, because, to="employer")
        reasoning.decide(because, started.on)


def old_relation_rests_from(case: Case, live: Live) -> date:
    """From when the resident relation rests for a job: from full employee cover, or at once where the area says so."""
    reasoning = Reasoning(case, "suspension.start", live.area, live.start.year)
    if reasoning.value(OLD_RELATION, live.start) == "immediate" and live.job is not None:
        return min(live.start, live.job.began)
    return live.start
