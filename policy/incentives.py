"""Incentives (激励机制): years of enrolment without a break, and years without a claim, raise the serious-illness cap.

Source: 国办发〔2024〕38号: after four full years each further year counts; a year without a claim counts for the next;
both add up to a fifth of the area's cap at most; a serious-illness payment that used the quota takes back what years
without a claim had earned; a lapse starts the count again. Amounts are the area's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.assessment import Incentive
from domain.bilingual import Text
from domain.facts import BenefitsUsed
from policy.case import Case, Reasoning
from policy.history import History
from policy.pack_library import NotStated
from policy.parameters import (
    INCENTIVE_BASE,
    INCENTIVE_CAP_PERCENT,
    INCENTIVE_CONTINUOUS,
    INCENTIVE_FROM,
    INCENTIVE_SURVIVES,
    INCENTIVE_YEARS,
    INCENTIVE_ZERO_CLAIM,
)
from policy.relations import Relation

_REGIME = 2025


@dataclass(slots=True)
class _Quota:
    continuous: int = 0
    zero_claim: int = 0

    @property
    def total(self) -> int:
        return self.continuous + self.zero_claim


def judge(case: Case, history: History, relations: list[Relation]) -> None:
    """The rises of each year that the person has entered, and what they come to."""
    years = sorted({relation.plan_year for relation in relations if relation.covered and relation.plan_year >= _REGIME})
    years = [year for year in years if date(year, 1, 1) <= case.as_of]
    if not years:
        return
    areas = {relation.plan_year: relation.area for relation in relations}
    quota = _Quota()
    claims = _claims(case)
    for year in years:
        _year(case, history, areas[year], year, quota, claims)


def _claims(case: Case) -> dict[int, bool]:
    """The years in which a claim was paid, and whether one of them used the quota for serious illness."""
    claims: dict[int, bool] = {}
    for fact in case.of(BenefitsUsed):
        if fact.scheme == "resident":
            claims[fact.on.year] = claims.get(fact.on.year, False) or (fact.serious_illness and fact.quota_used)
    return claims


def _year(case: Case, history: History, area: str, year: int, quota: _Quota, claims: dict[int, bool]) -> None:
    on = date(year, 1, 1)
    reasoning = Reasoning(case, "incentives", area, year)
    if not history.enrolled_in(year - 1, employee_counts=False):
        _lapsed(reasoning, on, quota)
    if claims.get(year - 1):
        quota.zero_claim = 0
    rises = [
        ("continuous", _continuous(reasoning, history, year, on)),
        ("zero_claim", _zero_claim(reasoning, history, year, on, claims)),
    ]
    for kind, amount in rises:
        if not amount:
            continue
        room = _ceiling(reasoning, on, quota.total + amount) - quota.total
        gained = min(amount, max(0, room))
        if kind == "continuous":
            quota.continuous += gained
        else:
            quota.zero_claim += gained
        case.findings.incentives.append(
            Incentive("continuous" if kind == "continuous" else "zero_claim", year, amount, quota.total)
        )
        reasoning.decide(
            Text(f"{year}年度大病保险最高支付限额提高", f"the serious-illness cap rises in {year} ({kind})"), on
        )


def _lapsed(reasoning: Reasoning, on: date, quota: _Quota) -> None:
    """After a lapse the count of years begins again; whether what was earned stays, the area says."""
    if quota.total == 0:
        return
    survives = reasoning.look_up(INCENTIVE_SURVIVES, on)
    if isinstance(survives, NotStated):
        reasoning.park(survives)
    elif not survives.value:
        quota.continuous = quota.zero_claim = 0


def _continuous(reasoning: Reasoning, history: History, year: int, on: date) -> int:
    """The rise for a year beyond the years in a row that the rule asks for."""
    needed = reasoning.value(INCENTIVE_YEARS, on)
    step = reasoning.value(INCENTIVE_CONTINUOUS, on)
    if needed is None or step is None:
        return 0
    counted = 0
    while counted <= needed + year - _REGIME and history.enrolled_in(year - 1 - counted, employee_counts=False):
        counted += 1
    since = reasoning.look_up(INCENTIVE_FROM, on)
    first = since.value if not isinstance(since, NotStated) else _REGIME
    surely = counted if first == 0 else min(counted, year - first)
    if surely >= needed:
        return step
    if isinstance(since, NotStated) and counted >= needed:
        reasoning.park(since)
    return 0


def _zero_claim(reasoning: Reasoning, history: History, year: int, on: date, claims: dict[int, bool]) -> int:
    """The rise for a year in which nothing was claimed; the first year that counts is that of the regime."""
    if year - 1 < _REGIME or year - 1 in claims or not history.enrolled_in(year - 1, employee_counts=False):
        return 0
    return reasoning.value(INCENTIVE_ZERO_CLAIM, on) or 0


def _ceiling(reasoning: Reasoning, on: date, wanted: int) -> int:
    """The most that all rises may come to, in fen; without a known cap the question is parked and nothing is cut."""
    percent = reasoning.value(INCENTIVE_CAP_PERCENT, on)
    base = reasoning.look_up(INCENTIVE_BASE, on)
    if percent is None:
        return wanted
    if isinstance(base, NotStated):
        reasoning.park(base)
        return wanted
    return base.value * percent // 100
