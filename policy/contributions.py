"""Contributions of residents: the collection window, the price in and after it, and what payment gives.

Sources: the area's pack. Payment in the window covers the plan year; after it the area says whether late payment is
admitted, at which price and from when it covers.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from domain.assessment import Coverage, DueDate, Levy, Matter, RefusedFact, Undetermined
from domain.bilingual import Text
from domain.facts import Fact
from policy.case import Case, Reasoning
from policy.counting import last_day
from policy.cover_start import Beginning, beginning
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    COLLECTION_WINDOW,
    COVER_IN_WINDOW,
    COVER_LATE,
    FEE,
    LATE_ALLOWED,
    LATE_LAST_DAY,
    LATE_PRICE,
    Fee,
    LateStart,
    in_plan_year,
)
from policy.relations import Relation, benefit_days, last_covered_before

Price = Literal["individual", "individual_plus_subsidy"]


def judge(case: Case, relation: Relation) -> None:
    """Find what follows from one relation under the ordinary rules."""
    reasoning = Reasoning(case, "contributions.window", relation.area, relation.plan_year)
    days = benefit_days(reasoning, relation)
    window = _window(reasoning, relation, days[0]) if days else None
    if days is None or window is None:
        return
    closes = window[1]
    last_act = max(relation.registered.on, relation.paid_on or case.as_of)
    if last_act <= closes:
        _in_window(reasoning, relation, days, closes)
    else:
        _after_window(reasoning, relation, days, closes)


def levy(reasoning: Reasoning, relation: Relation, on: date, due: date | None, price: Price = "individual") -> Levy:
    """The levy (应缴) of a relation; a missing amount parks while it is still to be collected."""
    found = reasoning.look_up(FEE, on)
    fee = _fee_for(found, relation)
    person = government = None
    if fee is not None and price == "individual":
        person, government = fee.person, fee.government
    elif fee is not None and fee.government is not None:
        person, government = fee.person + fee.government, 0
    if person is None and not relation.payments:
        key = FEE.key if price == "individual" else LATE_PRICE.key
        reasoning.case.findings.park(key, _amount_missing(relation, found, price))
    item = Levy(
        scheme="resident",
        area=relation.area,
        plan_year=relation.plan_year,
        basis=price,
        person=person,
        government=government,
        due=due,
        because=Text(f"{relation.plan_year}年度居民医保参保登记", f"registered as a resident for {relation.plan_year}"),
    )
    reasoning.case.findings.levies.append(item)
    return item


def paid_in_full(reasoning: Reasoning, relation: Relation, owed: Levy) -> bool:
    """Whether the money is all there. Money of unstated amount is taken as the whole of what was asked for."""
    if not relation.payments:
        return False
    amounts = [payment.amount for payment in relation.payments]
    if owed.person is None or any(amount is None for amount in amounts):
        return True
    total = sum(amount for amount in amounts if amount is not None)
    if total >= owed.person:
        return True
    reasoning.case.findings.park(
        "payment.amount",
        Text(
            f"{relation.plan_year}年度只缴纳了应缴费用的一部分",
            f"only a part of the premium for {relation.plan_year} was paid",
        ),
    )
    return False


def cover(reasoning: Reasoning, relation: Relation, start: date, last: date, because: Text) -> None:
    """Record cover from `start` to the end of the benefit period, if any of it is left."""
    if start <= last:
        reasoning.case.findings.coverage.append(Coverage("resident", relation.area, start, last, because))


def leave_open(reasoning: Reasoning, relation: Relation, start: date, last: date, question: str) -> None:
    """Record days of which nobody can say yet whether they are covered."""
    because = Text(f"“{question}”没有规定,需要人工决定", f"{question} is not stated; a person must decide")
    if start <= last:
        item = Undetermined("resident", relation.area, start, last, question, because)
        reasoning.case.findings.undetermined.append(item)


def _in_window(reasoning: Reasoning, relation: Relation, days: tuple[date, date], closes: date) -> None:
    case = reasoning.case
    owed = levy(reasoning, relation, days[0], closes)
    if not paid_in_full(reasoning, relation, owed):
        if closes >= case.as_of:
            because = Text(
                f"{relation.plan_year}年度保费须在{closes}前缴纳",
                f"the premium for {relation.plan_year} is due by {closes}",
            )
            case.findings.deadlines.append(DueDate(Matter.PAYMENT_DUE, closes, because))
        reasoning.decide(
            Text(
                f"{relation.plan_year}年度已参保登记,缴费截止{closes}",
                f"registered for {relation.plan_year}; the premium can be paid until {closes}",
            ),
            days[0],
        )
        return
    rule = reasoning.look_up(COVER_IN_WINDOW, days[0])
    if isinstance(rule, NotStated):
        reasoning.park(rule)
        leave_open(reasoning, relation, days[0], days[1], rule.key)
        return
    start = beginning(reasoning, rule.value, relation, days[0])
    because = Text(
        f"{relation.paid_on}在集中参保期内缴费,享受{relation.plan_year}年度待遇",
        f"paid in the collection window on {relation.paid_on}, covered for {relation.plan_year}",
    )
    _begin(reasoning, relation, start, days, because)


def _after_window(reasoning: Reasoning, relation: Relation, days: tuple[date, date], closes: date) -> None:
    case = reasoning.case
    reasoning.tried(
        "window.collect",
        Text(f"集中参保期已于{closes}结束", f"the collection window closed on {closes}"),
    )
    allowed = reasoning.look_up(LATE_ALLOWED, days[0])
    if isinstance(allowed, NotStated):
        reasoning.park(allowed)
        levy(reasoning, relation, days[0], closes)
        if relation.payments:
            leave_open(reasoning, relation, max(days[0], relation.paid_on or days[0]), days[1], allowed.key)
        return
    if not allowed.value or _too_late(reasoning, relation, days[0]):
        _refuse(reasoning, relation, days[0], closes)
        return
    owed = _late_levy(reasoning, relation, days[0])
    if not paid_in_full(reasoning, relation, owed):
        reasoning.decide(
            Text(
                f"{relation.plan_year}年度集中参保期已过,按中途参保缴费",
                f"late for {relation.plan_year}: the late price is owed",
            ),
            days[0],
        )
        return
    start = _late_beginning(reasoning, relation, days[0])
    if _short_of_subsidy(relation, owed):
        # Only the individual part is on record where the whole was asked for, and nobody says how much that is.
        case.findings.park(LATE_PRICE.key, _amount_missing(relation, None, "individual_plus_subsidy"))
        leave_open(reasoning, relation, start.day or days[0], days[1], LATE_PRICE.key)
        return
    because = Text(
        f"{relation.paid_on}中途参保缴费,自{start.day}起享受待遇",
        f"paid late on {relation.paid_on}, covered from {start.day}",
    )
    _begin(reasoning, relation, start, days, because)


def _late_levy(reasoning: Reasoning, relation: Relation, first_day: date) -> Levy:
    """What a late payer owes; without an amount, and parked while unpaid, where nobody has said which price holds."""
    price = reasoning.look_up(LATE_PRICE, first_day)
    if isinstance(price, Stated):
        return levy(reasoning, relation, first_day, None, price.value)
    if not relation.payments:
        reasoning.park(price)
    because = Text(f"{relation.plan_year}年度中途参保,价格未规定", f"late for {relation.plan_year}, price not stated")
    owed = Levy("resident", relation.area, relation.plan_year, "individual", because)
    reasoning.case.findings.levies.append(owed)
    return owed


def _refuse(reasoning: Reasoning, relation: Relation, first_day: date, closes: date) -> None:
    """Late payment is not admitted: what came after the window is refused, what came in it stands."""
    because = Text(
        f"{relation.plan_year}年度集中参保期已于{closes}结束,逾期不予办理",
        f"the collection window for {relation.plan_year} closed on {closes}, and late payment is not admitted",
    )
    refused: list[Fact] = [payment for payment in relation.payments if payment.on > closes]
    if relation.registered.on > closes:
        refused.insert(0, relation.registered)
    else:
        levy(reasoning, relation, first_day, closes)
    reasoning.case.findings.refused.extend(RefusedFact(fact.fact_id, because) for fact in refused)
    reasoning.decide(because, first_day)


def _begin(reasoning: Reasoning, relation: Relation, start: Beginning, days: tuple[date, date], because: Text) -> None:
    case = reasoning.case
    if start.wait is not None:
        case.findings.waits.append(start.wait)
        if start.wait.end is not None and start.wait.end >= case.as_of:
            case.findings.deadlines.append(DueDate(Matter.WAIT_ENDS, start.wait.end, start.wait.because))
    if start.day is None:
        leave_open(reasoning, relation, relation.paid_on or days[0], days[1], start.question or "wait.fixed")
        return
    cover(reasoning, relation, start.day, days[1], because)
    if start.day > days[1]:
        because = Text(
            f"待遇享受期于{days[1]}结束,早于等待期满", f"the benefit period ends on {days[1]}, before cover would begin"
        )
    reasoning.decide(because, days[0])


def _late_beginning(reasoning: Reasoning, relation: Relation, first_day: date) -> Beginning:
    rule = reasoning.look_up(COVER_LATE, first_day)
    if isinstance(rule, NotStated):
        reasoning.park(rule)
        return Beginning(None, None, rule.key)
    entry = next(entry for entry in rule.value if _holds(reasoning, relation, entry))
    return beginning(reasoning, entry.start, relation, first_day)


def _holds(reasoning: Reasoning, relation: Relation, entry: LateStart) -> bool:
    if entry.gap_at_least is None:
        return True
    paid = relation.paid_on
    assert paid is not None
    spans = [(span.start, span.end or date.max) for span in reasoning.case.findings.coverage]
    last = last_covered_before(reasoning.case, paid, spans)
    lapsed = last is not None and last_day(last, entry.gap_at_least, start_day_counts=False) < paid
    if not lapsed:
        because = Text("此前没有中断一年以上的参保记录", "no earlier cover is known that ended so long ago")
        reasoning.tried("cover_start.late.gap_at_least", because)
    return lapsed


def _too_late(reasoning: Reasoning, relation: Relation, first_day: date) -> bool:
    last = reasoning.value(LATE_LAST_DAY, first_day)
    paid = relation.paid_on or reasoning.case.as_of
    return last is not None and paid > in_plan_year(last, relation.plan_year)


def _short_of_subsidy(relation: Relation, owed: Levy) -> bool:
    return (
        owed.basis == "individual_plus_subsidy"
        and owed.person is None
        and all(payment.kind == "individual" for payment in relation.payments)
    )


def _window(reasoning: Reasoning, relation: Relation, first_day: date) -> tuple[date, date] | None:
    found = reasoning.look_up(COLLECTION_WINDOW, first_day)
    if isinstance(found, Stated):
        for period in found.value:
            if period.holds_for(relation.population, relation.plan_year):
                return period.days(relation.plan_year)
        found = NotStated(
            COLLECTION_WINDOW.key,
            Text("政策包没有规定该人群的集中参保期", "the pack states no collection window for this population"),
            found.pack,
        )
    reasoning.park(found)
    return None


def _fee_for(found: Stated[tuple[Fee, ...]] | NotStated, relation: Relation) -> Fee | None:
    if isinstance(found, NotStated):
        return None
    return next((fee for fee in found.value if fee.holds_for(relation.population, relation.plan_year)), None)


def _amount_missing(relation: Relation, found: Stated[tuple[Fee, ...]] | NotStated | None, price: Price) -> Text:
    if price == "individual_plus_subsidy":
        return Text(
            f"{relation.plan_year}年度补缴含财政补助,补助金额没有来源",
            f"the late price for {relation.plan_year} includes the public subsidy, whose amount no source states",
        )
    if isinstance(found, NotStated):
        return found.because
    return Text(
        f"{relation.plan_year}年度该人群的缴费标准没有来源",
        f"no source states the premium of this population for {relation.plan_year}",
    )
