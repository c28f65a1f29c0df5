"""Suspension and restoration (待遇暂停与恢复): resident benefits rest while the employee scheme pays, and come back.

Sources: 医保发〔2020〕33号: seasonal and flexible work (S001:L83), students who get a job (L77), expropriated farmers
(L85), and the wait, during which the old relation goes on (L63). Restored is only what was paid for: never beyond the
end of the benefit period.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from domain.assessment import Coverage, Kept, Matter, Suspension
from domain.bilingual import Text
from domain.facts import LandExpropriated, Registered, StopRequested
from policy import employee
from policy.case import Case, Reasoning
from policy.counting import DAY
from policy.employee import Employee, Live
from policy.parameters import RESIDENT_RESTS
from policy.relations import Relation

_FAR = date.max
_LONGEST_PREPAID = 12
"""A relation reaches at most so many years beyond the last one registered, those paid ahead included."""


def settle(case: Case, relations: list[Relation], working: Employee) -> None:
    """Put what the relations cover beside the employee scheme, and record what rests."""
    resting = _by_year(case, working)
    stopped = _stopped(case)
    found: list[Suspension] = []
    for relation in relations:
        if relation.outcome == "refunded":
            found.extend(_given_back(relation))
            continue
        for span in relation.covered:
            left = [span]
            for rest in _touching(resting, span):
                left = _take_out(case, relation, left, rest, found)
            for on in stopped.get(relation.area, ()):
                left = _stop(relation, left, on, found)
            case.findings.coverage.extend(left)
    case.findings.coverage.extend(working.covered)
    case.findings.suspensions.extend(_joined(found))
    if found:
        _keep_employment(case, working, found)
    _watch(case, found)


def _keep_employment(case: Case, working: Employee, found: list[Suspension]) -> None:
    """Of the two relations the one of the employee scheme stays while the other rests."""
    places = {live.area for live in working.live() if any(_meets(live, item) for item in found)}
    for area in sorted(places - {item.area for item in case.findings.kept if item.scheme == "employee"}):
        because = Text("就业期间保留职工医保关系", "the employee relation stays while the person works")
        case.findings.kept.append(Kept("employee", area, because))


def _meets(live: Live, item: Suspension) -> bool:
    return live.start <= (item.end or _FAR) and item.start <= (live.end or _FAR)


def _by_year(case: Case, working: Employee) -> dict[int, list[_Rest]]:
    """The days that rest, found by each calendar year that they touch."""
    resting = [_Rest(employee.old_relation_rests_from(case, live), live.end, live) for live in working.live()]
    found: dict[int, list[_Rest]] = {}
    horizon = max((fact.plan_year or 0 for fact in case.of(Registered)), default=0) + _LONGEST_PREPAID
    for rest in sorted(resting, key=lambda rest: rest.start):
        for year in range(rest.start.year, min(rest.end.year, horizon) + 1):
            found.setdefault(year, []).append(rest)
    return found


def _touching(resting: dict[int, list[_Rest]], span: Coverage) -> list[_Rest]:
    years = range(span.start.year, (span.end or span.start).year + 1)
    return list(dict.fromkeys(rest for year in years for rest in resting.get(year, ())))


def _given_back(relation: Relation) -> list[Suspension]:
    """A relation that was left for the employee scheme before its period, and refunded, rests for all of it."""
    text = Text(
        f"{relation.plan_year}年度保费已退,待遇不再享受", f"the premium for {relation.plan_year} was given back"
    )
    return [Suspension("resident", span.area, span.start, span.end, text) for span in relation.covered]


class _Rest:
    """Days on which resident benefits rest for a job."""

    def __init__(self, start: date, end: date | None, live: Live) -> None:
        self.start, self.end, self.live = start, end or _FAR, live


def _take_out(
    case: Case, relation: Relation, spans: list[Coverage], rest: _Rest, found: list[Suspension]
) -> list[Coverage]:
    left = []
    for span in spans:
        end = span.end or _FAR
        if rest.end < span.start or rest.start > end:
            left.append(span)
            continue
        start, last = max(span.start, rest.start), min(end, rest.end)
        because = _because(case, relation, rest, start)
        found.append(Suspension("resident", span.area, start, None if last == _FAR else last, because))
        if span.start < start:
            left.append(replace(span, end=start - DAY))
        if last < end:
            text = Text(f"就业结束,自{last + DAY}恢复居民待遇", f"work ended: restored from {last + DAY}")
            left.append(replace(span, start=last + DAY, because=text))
    return left


def _because(case: Case, relation: Relation, rest: _Rest, start: date) -> Text:
    """Which of the reasons it is that the regulations name."""
    form = rest.live.job.form if rest.live.job is not None else "flexible"
    land = [fact for fact in case.of(LandExpropriated) if fact.on <= start]
    if land and (land[-1].premium_paid_until is None or land[-1].premium_paid_until >= start):
        zh, en = "被征地农民就业并参加职工医保", "an expropriated farmer who joined the employee scheme"
    elif relation.registered.capacity == "student":
        zh, en = "在校期间或毕业后就业", "a student who got a job"
    elif form == "seasonal":
        zh, en = "季节性务工", "seasonal work"
    elif form == "flexible":
        zh, en = "灵活就业参加职工医保", "flexible work in the employee scheme"
    else:
        zh, en = "就业参加职工医保", "employment in the employee scheme"
    reasoning = Reasoning(case, "suspension", relation.area, relation.plan_year)
    reasoning.value(RESIDENT_RESTS, start)
    text = Text(f"{zh},自{start}起暂停居民待遇", f"{en}: resident benefits rest from {start}")
    reasoning.decide(text, start)
    return text


def _stopped(case: Case) -> dict[str, list[date]]:
    stopped: dict[str, list[date]] = {}
    for fact in case.of(StopRequested):
        if fact.scheme == "resident":
            stopped.setdefault(case.area_of(fact), []).append(fact.on)
    return stopped


def _stop(relation: Relation, spans: list[Coverage], on: date, found: list[Suspension]) -> list[Coverage]:
    """A resident relation that the person asked to stop (停保) rests from the next day to the end of its period."""
    if on < relation.registered.on:
        return spans
    left = []
    for span in spans:
        end = span.end or _FAR
        if end <= on:
            left.append(span)
            continue
        start = max(span.start, on + DAY)
        text = Text(f"本人{on}申请停保", f"the person asked on {on} to stop")
        found.append(Suspension("resident", span.area, start, None if end == _FAR else end, text))
        if span.start <= on:
            left.append(replace(span, end=on))
    return left


def _joined(found: list[Suspension]) -> list[Suspension]:
    """Days of one area that rest one after the other are one suspension."""
    joined: list[Suspension] = []
    for item in sorted(found, key=lambda item: (item.area, item.start, item.end or _FAR)):
        before = joined[-1] if joined else None
        if (
            before is not None
            and before.area == item.area
            and before.end is not None
            and item.start <= before.end + DAY
        ):
            end = None if item.end is None else max(before.end, item.end)
            joined[-1] = replace(before, end=end)
        else:
            joined.append(item)
    return joined


def _watch(case: Case, found: list[Suspension]) -> None:
    for item in _joined(found):
        if item.end is not None and item.end >= case.as_of:
            text = Text(f"居民待遇暂停至{item.end}", f"resident benefits rest until {item.end}")
            case.remind(Matter.SUSPENSION_ENDS, item.end, text)
