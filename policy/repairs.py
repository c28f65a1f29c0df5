"""Repair by payment (修复缴费): years that were missed, paid afterwards to shorten the variable wait.

Source: 国办发〔2024〕38号: each year paid takes a month off the variable part; the price is the individual rate of the
current year at the place of enrolment. A repaired year gives no cover of its own.
"""

from __future__ import annotations

from datetime import date

from domain.assessment import Levy
from domain.bilingual import Text
from domain.facts import RepairRequested
from policy import fees
from policy.case import Case, Reasoning
from policy.history import History
from policy.parameters import WAIT_REPAIR
from policy.relations import Relation


def judge(case: Case, history: History, relations: list[Relation]) -> None:
    """The levies of years that are, or are to be, repaired; a request where nothing can be repaired is refused."""
    for relation in relations:
        for year, paid_on in sorted(relation.repairs.items()):
            _levy(case, relation, year, applied=paid_on, paid=True)
    for request in case.of(RepairRequested):
        area = case.area_of(request)
        here = [relation for relation in relations if relation.area == area and relation.plan_year >= request.on.year]
        if request.scheme != "resident" or not here:
            because = Text("没有可以修复的参保关系", "there is no relation whose wait could be shortened")
            case.findings.refuse(request, because)
            continue
        _decide(case, history, here[0], request)


def _decide(case: Case, history: History, relation: Relation, request: RepairRequested) -> None:
    on = date(relation.plan_year, 1, 1)
    reasoning = Reasoning(case, "waiting.repair", relation.area, relation.plan_year)
    missed = history.missed_years(relation.plan_year, employee_counts=False, since=None)
    per_year = reasoning.value(WAIT_REPAIR, on)
    if not per_year or missed == 0:
        because = Text("没有断保年度需要修复", "no year was missed that could be repaired")
        case.findings.refuse(request, because)
        if per_year:
            reasoning.decide(because, request.on)
        return
    years = range(relation.plan_year - min(request.years, missed), relation.plan_year)
    for year in years:
        if year not in relation.repairs:
            _levy(case, relation, year, applied=request.on, paid=False)
    reasoning.decide(
        Text(f"可按当年个人缴费标准修复{len(years)}年", f"{len(years)} years can be repaired at the current rate"),
        request.on,
    )


def _levy(case: Case, relation: Relation, year: int, *, applied: date, paid: bool) -> None:
    """One repaired year at the rate of the year of application; of the plan year, where that one is not known."""
    reasoning = Reasoning(case, "waiting.repair", relation.area, relation.plan_year)
    quoted = fees.individual_rate(reasoning, relation, applied.year)
    if not quoted.known:
        quoted = fees.individual_rate(reasoning, relation, relation.plan_year)
    because = Text(f"修复{year}年度", f"repair of {year}")
    levy = Levy(
        "resident",
        relation.area,
        relation.plan_year,
        "individual",
        because,
        repairs_year=year,
        person=quoted.person,
    )
    fees.owe(reasoning, levy, quoted, unpaid=not paid)
