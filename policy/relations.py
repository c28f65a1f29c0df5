"""A person's relations with the resident scheme: per area and plan year, who registered and what was paid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from domain.assessment import Coverage
from domain.bilingual import Text
from domain.facts import DeductionFailed, Paid, Registered, WaiverConfirmed
from policy import person
from policy.case import Case, Reasoning
from policy.pack_library import NotStated, Stated
from policy.parameters import BENEFIT_PERIOD, PREPAY
from policy.values import Population


@dataclass(frozen=True, slots=True)
class Payment:
    """Money for one plan year; a payment for several years counts for each of them."""

    fact: Paid
    amount: int | None

    @property
    def on(self) -> date:
        return self.fact.on

    @property
    def arrival(self) -> date:
        return self.fact.arrival


@dataclass(slots=True)
class Relation:
    """One plan year of one person in one area's resident scheme."""

    area: str
    plan_year: int
    registered: Registered
    population: Population = "ordinary"
    payments: list[Payment] = field(default_factory=list)
    repairs: dict[int, date] = field(default_factory=dict)
    """The missed years that were repaired, with the day of payment of each."""
    waiver: WaiverConfirmed | None = None
    prepaid: bool = False
    period: tuple[date, date] | None = None
    """The benefit period (待遇享受期), once it is known."""
    free_from: date | None = None
    """For who owes nothing: the day on which all that is asked for was done."""
    newborn_until: date | None = None
    """For a child: until when registering counts as that of a newborn, or of the year of birth."""
    covered: list[Coverage] = field(default_factory=list)
    """The days that the relation covers by itself, before it is known what stands against it."""
    outcome: Literal["", "refused", "refunded"] = ""

    owed: int | None = None
    """The ordinary price in fen, where more than one payment makes it matter and it is known."""

    @property
    def paid_on(self) -> date | None:
        """The day on which the premium was complete, or on which it was clear that none is owed."""
        if self.free_from is not None:
            return self.free_from
        payments = self.completing
        return payments[-1].on if payments else None

    @property
    def arrived_on(self) -> date | None:
        if self.free_from is not None:
            return self.free_from
        return max((payment.arrival for payment in self.completing), default=None)

    @property
    def completing(self) -> list[Payment]:
        """The payments up to the one that completed the premium. Money of unstated amount is the whole of it; what
        came after that was paid twice, and makes nobody late."""
        if len(self.payments) < 2:
            return self.payments
        total = 0
        for place, payment in enumerate(self.payments):
            total += payment.amount or 0
            if payment.amount is None or (self.owed is not None and total >= self.owed):
                return self.payments[: place + 1]
        return self.payments

    @property
    def months(self) -> int | None:
        """How many months were paid for, where not the whole year was."""
        return next((payment.fact.months for payment in self.payments if payment.fact.months), None)


def resident_relations(case: Case) -> list[Relation]:
    """The relations that the facts open, in order of plan year. Money for which nobody registered is parked."""
    relations: dict[tuple[str, int], Relation] = {}
    for fact in case.of(Registered):
        if fact.scheme == "resident":
            year = _plan_year(case, fact)
            if year is not None and (case.area_of(fact), year) not in relations:
                _open(case, relations, fact, year)
    for waiver in case.of(WaiverConfirmed):
        if waiver.scheme == "resident":
            _confirm(case, relations, waiver)
    for payment in case.of(Paid):
        if payment.scheme == "resident":
            _pay(case, relations, payment)
    return sorted(relations.values(), key=lambda relation: (relation.plan_year, relation.area))


def _open(case: Case, relations: dict[tuple[str, int], Relation], fact: Registered, year: int) -> Relation:
    key = (case.area_of(fact), year)
    relations[key] = Relation(*key, fact, _population(case, fact, year))
    return relations[key]


def _confirm(case: Case, relations: dict[tuple[str, int], Relation], waiver: WaiverConfirmed) -> None:
    """The confirmation of a year that is paid by others renews the registration of an earlier year."""
    area = case.area_of(waiver)
    relation = relations.get((area, waiver.plan_year))
    if relation is None:
        earlier = [relation for relation in relations.values() if relation.area == area]
        if not earlier:
            _nobody_registered(case, waiver.plan_year)
            return
        before = max(earlier, key=lambda relation: relation.plan_year)
        relation = _open(case, relations, before.registered, waiver.plan_year)
        relation.population = "ordinary"
    if relation.waiver is None:
        relation.waiver = waiver


def _pay(case: Case, relations: dict[tuple[str, int], Relation], payment: Paid) -> None:
    year = _plan_year(case, payment)
    if year is None:
        return
    area = case.area_of(payment)
    relation = relations.get((area, year))
    if relation is None:
        _nobody_registered(case, year)
        return
    if payment.kind == "repair":
        if payment.repairs_year is None:
            text = Text("修复性缴费没有写明修复年度", "a repair payment does not say which year it repairs")
            case.park("repairs_year", text)
        else:
            relation.repairs.setdefault(payment.repairs_year, payment.on)
        return
    count = payment.years or 1
    amount = payment.amount if count == 1 or payment.amount is None else payment.amount // count
    relation.payments.append(Payment(payment, amount))
    if count > 1:
        _prepay(case, relations, relation, payment, amount)


def _prepay(
    case: Case, relations: dict[tuple[str, int], Relation], first: Relation, payment: Paid, amount: int | None
) -> None:
    """Students may pay for all their years at school at once, where the area says so."""
    reasoning = Reasoning(case, "students.prepaid", first.area, first.plan_year)
    allowed = reasoning.look_up(PREPAY, payment.on)
    if isinstance(allowed, NotStated) or not allowed.value:
        reasoning.park(
            allowed
            if isinstance(allowed, NotStated)
            else NotStated(PREPAY.key, Text("该地不能预缴多年", "several years cannot be paid at once here"))
        )
        return
    for year in range(first.plan_year + 1, first.plan_year + (payment.years or 1)):
        later = relations.get((first.area, year)) or _open(case, relations, first.registered, year)
        later.payments.append(Payment(payment, amount))
        later.prepaid = True
    reasoning.decide(
        Text(f"一次预缴{payment.years}年", f"{payment.years} years were paid at once"),
        payment.on,
    )


def end_after(relation: Relation, on: date) -> None:
    """A terminated relation covers nothing after the day on which it ended."""
    relation.covered = [
        replace(span, end=min(span.end or date.max, on)) for span in relation.covered if span.start <= on
    ]


def deductions_failed(case: Case, relation: Relation) -> list[DeductionFailed]:
    """The bank deductions for this year that did not succeed."""
    return [
        fact
        for fact in case.of(DeductionFailed)
        if fact.scheme == "resident" and fact.plan_year == relation.plan_year and case.area_of(fact) == relation.area
    ]


def benefit_days(reasoning: Reasoning, relation: Relation) -> tuple[date, date] | None:
    """First and last day of the benefit period (待遇享受期); None, with the question parked, where no pack states it.

    The pack is the one in force on the first day of the plan year, which for an academic year is the first of
    September; so the period that begins within the plan year is asked for first on 1 January.
    """
    if relation.period is not None:
        return relation.period
    for first_day in (date(relation.plan_year, 1, 1), date(relation.plan_year, 9, 1)):
        found = reasoning.look_up(BENEFIT_PERIOD, first_day)
        if isinstance(found, Stated):
            for period in found.value:
                if period.holds_for(relation.population, relation.plan_year):
                    relation.period = period.days(relation.plan_year)
                    return relation.period
    missing = (
        found
        if isinstance(found, NotStated)
        else NotStated(
            BENEFIT_PERIOD.key,
            Text("政策包没有规定该人群的待遇享受期", "the pack states no benefit period for this population"),
            found.pack,
        )
    )
    reasoning.park(missing)
    return None


def _nobody_registered(case: Case, year: int) -> None:
    case.park(
        "registered",
        Text(
            f"收到{year}年度的缴费,但没有参保登记", f"money was paid for {year}, for which nobody registered the person"
        ),
    )


def _plan_year(case: Case, fact: Registered | Paid) -> int | None:
    if fact.plan_year is None:
        case.park(
            "plan_year",
            Text("居民医保登记或缴费没有写明年度", "a resident registration or payment does not say for which year"),
        )
    return fact.plan_year


def _population(case: Case, fact: Registered, year: int) -> Population:
    if fact.capacity == "newborn":
        return "newborn"
    if fact.capacity == "student":
        # A freshman may be registered before the day on which he enters, so entering within the plan year is enough.
        entered = person.school(case, date(max(year, fact.on.year), 12, 31)) or person.school(case, fact.on)
        return "college" if entered is not None and entered.level == "college" else "pupil"
    return "ordinary"
