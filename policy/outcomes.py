"""What procedures find of one relation: levies, cover, waits, open days, refusals. One way to say each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.assessment import Coverage, Levy, Matter, Undetermined
from domain.bilingual import Text
from domain.facts import Fact
from policy import fees
from policy.case import Case, Reasoning
from policy.counting import DAY, first_of_month
from policy.history import History
from policy.relations import Relation
from policy.values import Price
from policy.waiting import Beginning


@dataclass(frozen=True, slots=True)
class Judged:
    """One relation while it is judged: what is needed at every turn."""

    reasoning: Reasoning
    history: History
    relation: Relation
    days: tuple[date, date]

    @property
    def case(self) -> Case:
        return self.reasoning.case

    @property
    def acted(self) -> date:
        """The day on which both registration and payment were done; today, while the money is missing."""
        return max(self.relation.registered.on, self.relation.paid_on or self.case.as_of)


def levy(judged: Judged, due: date | None, price: Price = "individual", quoted: fees.Quote | None = None) -> Levy:
    """The levies (应缴) of a relation; a missing amount parks while it is still to be collected."""
    reasoning, relation, on = judged.reasoning, judged.relation, judged.days[0]
    quoted = quoted or fees.quote(reasoning, relation, on, price)
    because = Text(f"{relation.plan_year}年度居民医保参保登记", f"registered as a resident for {relation.plan_year}")
    if price == "remaining_months" and not relation.payments:
        due = first_of_month(reasoning.case.as_of, 1) - DAY  # a month later it is a month less
    item = _owe(judged, quoted, due, because, "part_year" if relation.months and price == "individual" else price)
    if relation.registered.supplementary:
        levy_supplementary(judged, due, fees.supplementary(reasoning, relation, on))
    return item


def part_year_levy(judged: Judged, due: date | None, quoted: fees.Quote) -> Levy:
    """The levy for the rest of a year."""
    year = judged.relation.plan_year
    return _owe(judged, quoted, due, Text(f"{year}年度剩余部分", f"the rest of {year}"), "part_year")


def levy_supplementary(judged: Judged, due: date | None, quoted: fees.Quote) -> None:
    """The levy of the supplementary scheme (补充医疗保险), which the person joins by choice."""
    year = judged.relation.plan_year
    because = Text(f"{year}年度补充医疗保险", f"supplementary scheme for {year}")
    _owe(judged, quoted, due, because, "individual", "supplementary")


def _owe(
    judged: Judged,
    quoted: fees.Quote,
    due: date | None,
    because: Text,
    basis: Literal["individual", "individual_plus_subsidy", "remaining_months", "part_year"],
    part: Literal["basic", "supplementary"] = "basic",
) -> Levy:
    relation = judged.relation
    item = Levy(
        scheme="resident",
        area=relation.area,
        plan_year=relation.plan_year,
        basis=basis,
        because=because,
        part=part,
        person=quoted.person,
        government=quoted.government,
        due=due,
    )
    fees.owe(judged.reasoning, item, quoted, unpaid=not relation.payments)
    return item


def paid_in_full(case: Case, relation: Relation, owed: Levy) -> bool:
    """Whether the money is all there. Money of unstated amount is taken as the whole of what was asked for."""
    if relation.free_from is not None:
        return True
    if not relation.payments:
        return False
    amounts = [payment.amount for payment in relation.payments]
    if owed.person is None or any(amount is None for amount in amounts):
        return True
    if sum(amount for amount in amounts if amount is not None) >= owed.person:
        return True
    case.park(
        "payment.amount",
        Text(
            f"{relation.plan_year}年度只缴纳了应缴费用的一部分",
            f"only a part of the premium for {relation.plan_year} was paid",
        ),
    )
    return False


def cover(judged: Judged, start: date, last: date, because: Text) -> None:
    """Record what the relation covers by itself, from `start` to the end of the benefit period, if any is left."""
    if start <= last:
        judged.relation.covered.append(Coverage("resident", judged.relation.area, start, last, because))


def leave_open(judged: Judged, start: date, last: date, question: str) -> None:
    """Record days of which nobody can say yet whether they are covered."""
    because = Text(f"“{question}”没有规定,需要人工决定", f"{question} is not stated; a person must decide")
    if start <= last:
        item = Undetermined("resident", judged.relation.area, start, last, question, because)
        judged.case.findings.undetermined.append(item)


def begin(judged: Judged, start: Beginning, because: Text) -> None:
    """Record the wait, if there is one, and the cover that begins after it."""
    relation, days = judged.relation, judged.days
    if start.wait is not None:
        judged.case.findings.waits.append(start.wait)
        if start.wait.end is not None and start.wait.end >= judged.case.as_of:
            judged.case.remind(Matter.WAIT_ENDS, start.wait.end, start.wait.because)
    if start.day is None:
        leave_open(judged, max(days[0], relation.paid_on or days[0]), days[1], start.question or "wait.fixed")
        judged.reasoning.decide(
            Text(f"享受待遇的起始日无法确定:{start.question}", f"the start of cover is open: {start.question}"), days[0]
        )
        return
    cover(judged, start.day, days[1], because)
    if start.day > days[1]:
        because = Text(
            f"待遇享受期于{days[1]}结束,早于等待期满", f"the benefit period ends on {days[1]}, before cover would begin"
        )
    judged.reasoning.decide(because, days[0])


def free_of_charge(judged: Judged) -> None:
    """Who owes nothing has done all that is asked for by registering, or by having the waiver confirmed."""
    relation = judged.relation
    if len(relation.payments) > 1:
        relation.owed = fees.quote(judged.reasoning, relation, judged.days[0]).person
    if relation.payments:
        return
    if relation.waiver is not None:
        relation.free_from = relation.waiver.on
        return
    if fees.may_be_free(judged.case, relation):
        relation.free_from = fees.free_since(judged.reasoning, relation, judged.days[0])


def refuse(judged: Judged, closes: date) -> None:
    """Late payment is not admitted: what came after the window is refused, what came in it stands."""
    relation = judged.relation
    because = Text(
        f"{relation.plan_year}年度集中参保期已于{closes}结束,逾期不予办理",
        f"the collection window for {relation.plan_year} closed on {closes}, and late payment is not admitted",
    )
    refused: list[Fact] = [payment.fact for payment in relation.payments if payment.on > closes]
    if relation.registered.on > closes:
        refused.insert(0, relation.registered)
    else:
        levy(judged, closes)
    for fact in refused:
        judged.case.findings.refuse(fact, because)
    relation.outcome = "refused"
    judged.reasoning.decide(because, judged.days[0])
