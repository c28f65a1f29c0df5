"""Refunds (退费): before the benefit period starts, money paid in error, lump sums of flexible workers, death.

Sources: 医保发〔2020〕33号 (S001:L71: before the period starts a resident who paid twice, joined the employee scheme or
another area's residents gets the premium back on application; after it, in principle not; flexible workers get the
months back that remain of a year paid at once), 医保办函〔2021〕11号 art. 16 (death before the start), and the area.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.assessment import Matter, Notice, Refund, Termination
from domain.bilingual import Text
from domain.facts import (
    BenefitsUsed,
    CoveredBefore,
    Died,
    Fact,
    Moved,
    Paid,
    RefundConfirmed,
    RefundRequested,
    TransferRequested,
)
from policy.case import Case, Reasoning
from policy.counting import first_of_month
from policy.employee import Employee
from policy.employment import PaidMonths
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    LATE_ALLOWED,
    REFUND_ACCEPTANCE,
    REFUND_AFTER,
    REFUND_BASIS,
    REFUND_LUMP_SUM,
    REFUND_LUMP_SUM_DEATH,
    REFUND_LUMP_SUM_MOVED,
    REFUND_REASONS,
    RefundReason,
)
from policy.plan_days import in_plan_year
from policy.relations import Payment, Relation

To = Literal["person", "heir", "fund", "payer"]

REASONS: dict[RefundReason, Text] = {
    "death": Text("待遇享受期开始前死亡", "died before the benefit period began"),
    "employee": Text("已参加职工医保", "joined the employee scheme"),
    "other_area": Text("已参加其他地区居民医保", "joined the residents of another area"),
    "duplicate": Text("重复缴费", "paid twice"),
    "never_eligible": Text("缴费时已参加职工医保", "was in the employee scheme when paying"),
    "paid_in_error": Text("误缴", "paid in error"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Why money may come back, and since when that is so."""

    reason: RefundReason
    on: date
    surplus: int | None = None
    """Only so much comes back, in fen: what was paid beyond what the year costs."""


def settle(case: Case, relations: list[Relation], working: Employee, died: Died | None) -> None:
    """Decide each application, and what the heirs of somebody who died may have back."""
    answered: set[tuple[str, str, int]] = set()
    for request in case.of(RefundRequested):
        if request.scheme == "employee":
            _lump_sum(case, working, request, died)
            continue
        relation = _relation(case, relations, request)
        if relation is None:
            because = Text("没有对应年度的参保缴费记录", "there is no relation of that year that money was paid for")
            case.findings.refuse(request, because)
        elif ("resident", relation.area, relation.plan_year) not in answered:
            answered.add(("resident", relation.area, relation.plan_year))
            _decide(case, relations, working, relation, request, died)
    _lump_sums_of_movers(case, working)
    if died is not None:
        for relation in relations:
            started = relation.period is None or relation.period[0] <= died.on
            if not started and ("resident", relation.area, relation.plan_year) not in answered:
                _decide(case, relations, working, relation, None, died)


def check_confirmed(case: Case) -> None:
    """Money that went back without being owed, or in another amount, is a question for a person."""
    for fact in case.of(RefundConfirmed):
        owed = [
            refund.amount
            for refund in case.findings.refunds
            if refund.scheme == fact.scheme and fact.plan_year in (None, refund.plan_year)
        ]
        if fact.amount is None and owed:
            continue
        if fact.amount not in owed:
            because = Text(
                f"{fact.on}确认的退费与应退金额不符", f"the refund confirmed on {fact.on} is not what is owed"
            )
            case.park("refund_confirmed", because)


def offer(case: Case, relations: list[Relation], working: Employee) -> None:
    """Who lost a paid year before it began is told that the money can be applied for."""
    ended = [(item.area, item.on) for item in case.findings.terminations if item.scheme == "resident"]
    asked = {(fact.scheme, fact.plan_year) for fact in case.of(RefundRequested)}
    for relation in relations:
        if relation.period is None or not relation.payments or ("resident", relation.plan_year) in asked:
            continue
        starts, paid_on = relation.period[0], max(payment.on for payment in relation.payments)
        lost = [on for area, on in ended if area == relation.area]
        lost += [job.began for job in working.jobs if not job.refused and (job.ended is None or job.ended >= starts)]
        told = max(min(lost, default=starts), paid_on)
        if told < starts:
            because = Text(
                f"可在{starts}前申请退回{relation.plan_year}年度保费",
                f"the premium for {relation.plan_year} can be applied for before {starts}",
            )
            case.findings.notices.append(Notice("person", Matter.REFUND_AVAILABLE, told, because))


def _relation(case: Case, relations: list[Relation], request: RefundRequested) -> Relation | None:
    year = [relation for relation in relations if relation.payments and request.plan_year in (None, relation.plan_year)]
    here = [relation for relation in year if relation.area == case.area_of(request)]
    if here:
        return here[-1]
    return year[0] if len(year) == 1 else None


def _decide(
    case: Case,
    relations: list[Relation],
    working: Employee,
    relation: Relation,
    request: RefundRequested | None,
    died: Died | None,
) -> None:
    asked: Fact | None = request or died
    assert asked is not None
    reasoning = Reasoning(case, "refunds", relation.area, relation.plan_year)
    if not relation.payments:
        return
    surplus = _surplus(case, relation)
    event = _event(case, relations, working, relation, died, surplus)
    if event is None:
        _refuse(reasoning, request, Text("没有可以退费的情形", "nothing happened for which money comes back"))
        return
    starts = relation.period[0] if relation.period is not None else date(relation.plan_year, 1, 1)
    if relation.outcome != "refused" and not _admitted(reasoning, request, event, asked.on, starts):
        return
    _give_back(reasoning, relation, event, died)


def _admitted(
    reasoning: Reasoning, request: RefundRequested | None, event: Event, asked_on: date, starts: date
) -> bool:
    """Whether the area gives money back for this reason, before or after the benefit period began."""
    early, late = reasoning.look_up(REFUND_REASONS, asked_on), reasoning.look_up(REFUND_AFTER, asked_on)
    for missing in (early, late):
        if isinstance(missing, NotStated):
            reasoning.park(missing)
            return False
    assert isinstance(early, Stated)
    assert isinstance(late, Stated)
    if event.reason in early.value and event.reason in late.value:
        return True
    if event.reason not in early.value and event.reason not in late.value:
        _refuse(reasoning, request, Text("该情形已缴保费不予退还", "the premium is not given back in this case"))
        return False
    before = _before_start(reasoning, event, asked_on, starts)
    if before is None:
        return False
    if event.reason in (early.value if before else late.value):
        return True
    because = Text("待遇享受期已开始,个人缴费不再退回", "the benefit period has begun: the premium is not given back")
    _refuse(reasoning, request, because)
    return False


def _event(
    case: Case,
    relations: list[Relation],
    working: Employee,
    relation: Relation,
    died: Died | None,
    surplus: int,
) -> Event | None:
    """The first reason that the facts give."""
    paid_on = max(payment.on for payment in relation.payments)
    if relation.outcome == "refused":
        return Event("paid_in_error", paid_on)
    starts = relation.period[0] if relation.period is not None else date(relation.plan_year, 1, 1)
    if died is not None and died.on < starts:
        return Event("death", died.on)
    joined = [job.began for job in working.jobs if not job.refused and (job.ended is None or job.ended >= starts)]
    joined += [fact.starts for fact in case.of(CoveredBefore) if fact.scheme == "employee" and fact.ends >= starts]
    if joined:
        already = min(joined) < relation.registered.on
        return Event("never_eligible" if already and min(joined) < paid_on else "employee", min(joined))
    ended = [item.on for item in case.findings.terminations if item.scheme == "resident" and item.area == relation.area]
    if ended:
        return Event("duplicate", min(ended))
    if surplus > 0 and not _used(case, relation):
        return Event("duplicate", paid_on, surplus)
    elsewhere = [
        other.registered.on
        for other in relations
        if other.area != relation.area and other.plan_year == relation.plan_year and other.paid_on is not None
    ]
    elsewhere += [fact.on for fact in case.of(Moved) if case.area_of(fact) != relation.area and fact.on >= paid_on]
    return Event("other_area", min(elsewhere)) if elsewhere else None


def _used(case: Case, relation: Relation) -> bool:
    """Whether benefits of the relation were used; then its money does not come back as paid twice."""
    first, last = relation.period or (date(relation.plan_year, 1, 1), date(relation.plan_year, 12, 31))
    return any(
        fact.scheme == "resident" and case.area_of(fact) == relation.area and first <= fact.on <= last
        for fact in case.of(BenefitsUsed)
    )


def _before_start(reasoning: Reasoning, event: Event, asked_on: date, starts: date) -> bool | None:
    """Whether the case counts as one before the benefit period; None, with the question parked, where nobody says."""
    happened, applied = event.on < starts, asked_on < starts
    if happened == applied:
        return happened
    if event.reason == "death" and happened:
        return True
    basis = reasoning.look_up(REFUND_BASIS, asked_on)
    if isinstance(basis, NotStated):
        reasoning.park(basis)
        return None
    if basis.value == "application":
        return applied
    until = reasoning.value(REFUND_ACCEPTANCE, asked_on)
    if happened and until is not None and asked_on > in_plan_year(until, starts.year):
        reasoning.tried(REFUND_ACCEPTANCE.key, Text("已过受理期限", "the time to apply is over"))
        return False
    return happened


def _surplus(case: Case, relation: Relation) -> int:
    """How much more was paid than the year costs, in fen."""
    owed = sum(
        levy.person or 0
        for levy in case.findings.levies
        if levy.plan_year == relation.plan_year and levy.area == relation.area and levy.repairs_year is None
    )
    paid = sum(payment.amount or 0 for payment in relation.payments)
    return max(0, paid - owed) if owed else 0


def _give_back(reasoning: Reasoning, relation: Relation, event: Event, died: Died | None) -> None:
    case = reasoning.case
    because = REASONS[event.reason]
    by_recipient: dict[To, list[Payment]] = {}
    for payment in relation.payments:
        by_recipient.setdefault(_recipient(payment.fact, died), []).append(payment)
    for to, payments in by_recipient.items():
        amounts = [_amount(case, relation, payment) for payment in payments]
        total = None if any(amount is None for amount in amounts) else sum(amount or 0 for amount in amounts)
        if event.surplus is not None and total is not None:
            total = min(total, event.surplus)
        case.findings.refunds.append(Refund("resident", relation.area, relation.plan_year, total, to, because))
    if relation.outcome == "refused":  # why it comes back is why it was refused
        reasoning.value(LATE_ALLOWED, date(relation.plan_year, 1, 1))
    reasoning.decide(Text(f"退费:{because.zh}", f"refund: {because.en}"), event.on)
    if event.surplus is not None:
        return
    if event.reason in ("other_area", "never_eligible") and not _already_ended(case, relation):
        text = Text(
            f"退费并终止{relation.plan_year}年度参保关系", f"the relation of {relation.plan_year} ends with the refund"
        )
        on = max(event.on, relation.registered.on)
        case.findings.terminations.append(Termination("resident", relation.area, on, text))
    if event.reason not in ("employee", "death"):
        relation.covered = []
    relation.outcome = "refunded"


def _already_ended(case: Case, relation: Relation) -> bool:
    return any(item.scheme == "resident" and item.area == relation.area for item in case.findings.terminations)


def _recipient(fact: Paid, died: Died | None) -> To:
    if fact.payer == "government":
        return "fund"
    if fact.payer in ("employer", "unemployment_fund", "family"):
        return "payer"
    return "heir" if died is not None else "person"


def _amount(case: Case, relation: Relation, payment: Payment) -> int | None:
    """What was paid; where the payment names no sum, what was owed, if nothing else was paid for it."""
    if payment.amount is not None or len(relation.payments) > 1:
        return payment.amount
    owed = [
        levy.person
        for levy in case.findings.levies
        if levy.plan_year == relation.plan_year and levy.area == relation.area and levy.part == "basic"
    ]
    return owed[0] if owed else None


def _refuse(reasoning: Reasoning, request: RefundRequested | None, because: Text) -> None:
    if request is not None:
        reasoning.case.findings.refuse(request, because)
        reasoning.value(REFUND_REASONS, request.on)
        reasoning.decide(Text(f"不予退费:{because.zh}", f"no refund: {because.en}"), request.on)


def _lump_sum(case: Case, working: Employee, request: RefundRequested, died: Died | None) -> None:
    """A flexible worker who paid a year at once and is hired, moves away or dies: the months that remain."""
    lumps = [
        months
        for months in working.months
        if months.capacity == "flexible"
        and months.fact.kind == "lump_sum"
        and request.plan_year in (None, months.start.year)
    ]
    if not lumps:
        because = Text("没有一次性缴纳的职工医保费", "no year of the employee scheme was paid at once")
        case.findings.refuse(request, because)
        return
    lump = lumps[-1]
    reasoning = Reasoning(case, "refunds.lump_sum", lump.area, lump.start.year)
    hired = [
        job.began
        for job in working.jobs
        if job.capacity == "unit" and lump.start <= job.began <= lump.end and job.registered is not None
    ]
    moved = [
        fact for fact in case.of(TransferRequested) if fact.from_area == lump.area and lump.start <= fact.on <= lump.end
    ]
    if died is not None and _died_in_time(reasoning, lump, died):
        _give_back_months(reasoning, lump, lump.start, "heir", Text("参保人死亡", "the person died"))
    elif hired:
        _after_hiring(reasoning, lump, request, min(hired))
    elif moved and reasoning.value(REFUND_LUMP_SUM_MOVED, lump.start) is not None:
        first = first_of_month(moved[0].on, 1)
        _give_back_months(reasoning, lump, first, "person", Text("转移到外统筹区", "moved to another pooling area"))
    else:
        because = Text("没有可以退费的情形", "nothing happened for which money comes back")
        _refuse(reasoning, request, because)


def _lump_sums_of_movers(case: Case, working: Employee) -> None:
    """Where applying for the transfer to another pooling area is itself the application for the remaining months."""
    if any(fact.scheme == "employee" for fact in case.of(RefundRequested)):
        return
    for request in case.of(TransferRequested):
        for lump in working.months:
            at_once = lump.fact.kind == "lump_sum" and lump.area == request.from_area
            if not at_once or request.scheme != "employee" or not lump.start <= request.on <= lump.end:
                continue
            reasoning = Reasoning(case, "refunds.lump_sum", lump.area, lump.start.year)
            if reasoning.value(REFUND_LUMP_SUM_MOVED, lump.start) is not None:
                because = Text("转移到外统筹区", "moved to another pooling area")
                _give_back_months(reasoning, lump, first_of_month(request.on, 1), "person", because)


def _died_in_time(reasoning: Reasoning, lump: PaidMonths, died: Died) -> bool:
    by = reasoning.value(REFUND_LUMP_SUM_DEATH, lump.start)
    return by is not None and died.on <= in_plan_year(by, lump.start.year)


def _after_hiring(reasoning: Reasoning, lump: PaidMonths, request: RefundRequested, hired: date) -> None:
    because = Text(f"{hired}由用人单位参保", f"joined through an employer on {hired}")
    rule = reasoning.look_up(REFUND_LUMP_SUM, lump.start)
    if isinstance(rule, NotStated):
        reasoning.park(rule)
        refund = Refund("employee", lump.area, lump.start.year, None, _recipient(lump.fact, None), because)
        reasoning.case.findings.refunds.append(refund)
        return
    if rule.value == "none":
        _refuse(reasoning, request, Text("已缴保费不退回", "what was paid is not given back"))
        return
    first = first_of_month(hired, 0 if rule.value == "joining_month" else 1)
    _give_back_months(reasoning, lump, first, _recipient(lump.fact, None), because)


def _give_back_months(reasoning: Reasoning, lump: PaidMonths, first: date, to: To, because: Text) -> None:
    """The part of a lump sum that falls on the months from `first` on, in fen, cut to whole fen."""
    whole = (lump.end.year - lump.start.year) * 12 + lump.end.month - lump.start.month + 1
    left = max(0, (lump.end.year - first.year) * 12 + lump.end.month - first.month + 1)
    amount = None if lump.fact.amount is None else lump.fact.amount * min(left, whole) // whole
    if left == 0:
        return
    reasoning.case.findings.refunds.append(Refund("employee", lump.area, lump.start.year, amount, to, because))
    text = Text(f"退回剩余{left}个月:{because.zh}", f"{left} remaining months come back: {because.en}")
    reasoning.decide(text, first)
