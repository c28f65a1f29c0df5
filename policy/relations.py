"""A person's relations with the resident scheme: per area and plan year, who registered and what was paid."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from domain.bilingual import Text
from domain.facts import Birth, CoveredBefore, Died, Paid, Registered, SchoolEntered, SchoolLeft
from policy.case import Case, Reasoning
from policy.pack_library import NotStated, Stated
from policy.parameters import BENEFIT_PERIOD, Population


@dataclass(slots=True)
class Relation:
    """One plan year of one person in one area's resident scheme."""

    area: str
    plan_year: int
    registered: Registered
    payments: list[Paid] = field(default_factory=list)
    population: Population = "ordinary"

    @property
    def paid_on(self) -> date | None:
        """The day on which the last part of the premium was paid."""
        return max((payment.on for payment in self.payments), default=None)

    @property
    def arrived_on(self) -> date | None:
        return max((payment.arrival for payment in self.payments), default=None)


def resident_relations(case: Case) -> list[Relation]:
    """The relations that the facts open, in order of plan year. Money for which nobody registered is parked."""
    relations: dict[tuple[str, int], Relation] = {}
    for fact in case.of(Registered):
        if fact.scheme != "resident":
            continue
        year = _plan_year(case, fact)
        if year is not None:
            key = (case.area_of(fact), year)
            if key not in relations:
                relations[key] = Relation(*key, fact, population=_population(case, fact))
    for payment in case.of(Paid):
        if payment.scheme != "resident":
            continue
        if payment.kind in ("repair", "lump_sum") or payment.months or payment.years:
            continue  # `unsupported` parks what these ask for
        year = _plan_year(case, payment)
        relation = relations.get((case.area_of(payment), year)) if year is not None else None
        if relation is not None:
            relation.payments.append(payment)
        elif year is not None:
            case.findings.park(
                "registered",
                Text(
                    f"收到{year}年度的缴费,但没有参保登记",
                    f"money was paid for {year}, for which nobody registered the person",
                ),
            )
    return sorted(relations.values(), key=lambda relation: (relation.plan_year, relation.area))


def benefit_days(reasoning: Reasoning, relation: Relation) -> tuple[date, date] | None:
    """First and last day of the benefit period (待遇享受期); None, with the question parked, where no pack states it.

    The pack is the one in force on the first day of the plan year, which for an academic year is the first of
    September; so the period that begins within the plan year is asked for first on 1 January.
    """
    for first_day in (date(relation.plan_year, 1, 1), date(relation.plan_year, 9, 1)):
        found = reasoning.look_up(BENEFIT_PERIOD, first_day)
        if isinstance(found, Stated):
            for period in found.value:
                if period.holds_for(relation.population, relation.plan_year):
                    return period.days(relation.plan_year)
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


def birth(case: Case) -> Birth | None:
    """The birth, where the facts agree on one; two different births are parked and neither counts."""
    births = list(case.of(Birth))
    if len({fact.on for fact in births}) > 1:
        case.findings.park(
            "birth",
            Text("有两个不同的出生日期", "two facts state different days of birth"),
        )
        return None
    return births[0] if births else None


def death(case: Case) -> Died | None:
    return next(case.of(Died), None)


def last_covered_before(case: Case, day: date, earlier: list[tuple[date, date]]) -> date | None:
    """The last day before `day` on which the person is known to have been covered by the resident scheme."""
    ends = [end for start, end in earlier if start < day]
    ends += [fact.ends for fact in case.of(CoveredBefore) if fact.scheme == "resident" and fact.starts < day]
    return max(ends, default=None)


def _plan_year(case: Case, fact: Registered | Paid) -> int | None:
    if fact.plan_year is None:
        case.findings.park(
            "plan_year",
            Text("居民医保登记或缴费没有写明年度", "a resident registration or payment does not say for which year"),
        )
    return fact.plan_year


def _population(case: Case, fact: Registered) -> Population:
    if fact.capacity == "newborn":
        return "newborn"
    if fact.capacity == "student":
        # A freshman may be registered before the day on which he enters, so entering within the plan year is enough.
        left = max((leaving.on for leaving in case.of(SchoolLeft) if leaving.on <= fact.on), default=date.min)
        levels = [
            entry.level
            for entry in case.of(SchoolEntered)
            if left < entry.on and entry.on.year <= (fact.plan_year or fact.on.year)
        ]
        return "college" if levels and levels[-1] == "college" else "pupil"
    return "ordinary"
