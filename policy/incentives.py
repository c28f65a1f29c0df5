"""Incentives (激励机制): years of enrolment without a break, and years without a claim, raise the serious-illness cap.

Source: 国办发〔2024〕38号: after four full years each further year counts; a year without a claim counts for the next;
both add up to a fifth of the area's cap at most; a serious-illness payment that used the quota takes back what years
without a claim had earned; a lapse starts the count again. Amounts are the area's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.assessment import Incentive, Matter
from domain.bilingual import Text
from domain.facts import BenefitsUsed
from policy.case import Case, Reasoning
from policy.history import History
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    INCENTIVE_BASE,
    INCENTIVE_CAP_PERCENT,
    INCENTIVE_CONTINUOUS,
    INCENTIVE_SURVIVES,
    INCENTIVE_YEARS,
    INCENTIVE_ZERO_CLAIM,
)
from policy.relations import Relation


@dataclass(slots=True)
class _Quota:
    continuous: int = 0
    zero_claim: int = 0

    @property
    def total(self) -> int:
        return self.continuous + self.zero_claim


def judge(case: Case, history: History, relations: list[Relation]) -> None:
    """The rises of each paid year, as far as today's facts reach, and what they come to."""
    areas = {relation.plan_year: relation.area for relation in relations if _counts(relation)}
    quota, claims = _Quota(), _claims(case)
    for year in sorted(areas):
        if _in_force(case, areas[year], year):
            _year(case, history, areas, year, quota, claims)


def _claims(case: Case) -> dict[int, bool]:
    """The years in which a claim was paid, and whether one of them used the quota for serious illness."""
    claims: dict[int, bool] = {}
    for fact in case.of(BenefitsUsed):
        if fact.scheme == "resident":
            claims[fact.on.year] = claims.get(fact.on.year, False) or (fact.serious_illness and fact.quota_used)
    return claims


def _year(
    case: Case, history: History, areas: dict[int, str], year: int, quota: _Quota, claims: dict[int, bool]
) -> None:
    on = date(year, 1, 1)
    reasoning = Reasoning(case, "incentives", areas[year], year)
    if not history.enrolled_in(year - 1, employee_counts=False):
        _lapsed(reasoning, on, quota)
    if claims.get(year - 1):
        quota.zero_claim = 0
    step = reasoning.value(INCENTIVE_CONTINUOUS, on) or 0
    if step and _years_in_a_row(reasoning, history, year, on):
        quota.continuous += _raise(reasoning, "continuous", year, step, quota)
    bonus = reasoning.value(INCENTIVE_ZERO_CLAIM, on) or 0
    if bonus and year - 1 in areas and year - 1 not in claims and _in_force(case, areas[year - 1], year - 1):
        if case.as_of < on:  # whether nothing is claimed, the year has still to show
            because = Text(
                f"{year - 1}年度若零报销,{year}年度提高限额", f"a rise in {year} if nothing is claimed by then"
            )
            case.remind(Matter.INCENTIVE, on, because)
        else:
            quota.zero_claim += _raise(reasoning, "zero_claim", year, bonus, quota)


def _counts(relation: Relation) -> bool:
    """Whether the year was paid for and stands, even where nobody can say yet from when it covers."""
    return relation.paid_on is not None and not relation.outcome


def _in_force(case: Case, area: str, year: int) -> bool:
    """Whether the incentives were in force in a year; one before them neither counts nor rises."""
    return isinstance(case.library.look_up(INCENTIVE_YEARS, area, date(year, 1, 1)), Stated)


def _raise(
    reasoning: Reasoning, kind: Literal["continuous", "zero_claim"], year: int, amount: int, quota: _Quota
) -> int:
    """Record one rise; what of it is left under the ceiling."""
    on = date(year, 1, 1)
    room = _ceiling(reasoning, on, quota.total + amount) - quota.total
    gained = min(amount, max(0, room))
    reasoning.case.findings.incentives.append(Incentive(kind, year, amount, quota.total + gained))
    reasoning.decide(
        Text(
            f"{year}年度大病保险最高支付限额提高({_KINDS[kind].zh})",
            f"the serious-illness cap rises in {year} ({_KINDS[kind].en})",
        ),
        on,
    )
    return gained


_KINDS = {"continuous": Text("连续参保", "continuous years"), "zero_claim": Text("零报销", "a year without a claim")}


def _lapsed(reasoning: Reasoning, on: date, quota: _Quota) -> None:
    """After a lapse the count of years begins again; whether what was earned stays, the area says."""
    if quota.total == 0:
        return
    survives = reasoning.look_up(INCENTIVE_SURVIVES, on)
    if isinstance(survives, NotStated):
        reasoning.park(survives)
    elif not survives.value:
        quota.continuous = quota.zero_claim = 0


def _years_in_a_row(reasoning: Reasoning, history: History, year: int, on: date) -> bool:
    """Whether the years before this one, as many as the rule asks for, were all enrolled."""
    needed = reasoning.value(INCENTIVE_YEARS, on) or 0
    return all(history.enrolled_in(year - back, employee_counts=False) for back in range(1, needed + 1))


def _ceiling(reasoning: Reasoning, on: date, wanted: int) -> int:
    """The most that all rises may come to, in fen.

    Where the area's cap is not known, one rise of each kind is within it (the area's own rule grants them); beyond
    that the question is parked and nothing is cut.
    """
    percent = reasoning.value(INCENTIVE_CAP_PERCENT, on)
    if percent is None:
        return wanted
    base = reasoning.look_up(INCENTIVE_BASE, on)
    if isinstance(base, NotStated):
        once = (reasoning.value(INCENTIVE_CONTINUOUS, on) or 0) + (reasoning.value(INCENTIVE_ZERO_CLAIM, on) or 0)
        if wanted > once:
            reasoning.park(base)
        return wanted
    return base.value * percent // 100
