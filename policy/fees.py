"""What a year costs: fees by population, age, group and tier; subsidies; the supplementary scheme; part years.

Sources: the area's pack. 社会保险法 art. 25 has the individual part of the needy subsidised; how much is local.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from domain.assessment import Levy
from domain.bilingual import Text
from domain.facts import Capacity, GroupGranted, LandExpropriated
from policy import person
from policy.case import Case, Reasoning
from policy.pack_library import NotStated, Stated
from policy.parameters import (
    AGE_REFERENCE,
    FEE,
    FEE_SUPPLEMENTARY,
    LATE_PRICE,
    NEWBORN_FREE,
    SUBSIDY,
    SUBSIDY_STACKING,
    TIER_OF_MINORS,
    Parameter,
)
from policy.plan_days import in_plan_year
from policy.relations import Relation
from policy.values import Fee, PartFee, Price, Subsidy

_CHILDHOOD = 10
"""No area read pays for a child for so many years; beyond them nobody is asked."""

STUDENT: tuple[Capacity, ...] = ("student",)


@dataclass(frozen=True, slots=True)
class Quote:
    """What one year costs: the person's part and the public money; or which question is open, and why."""

    person: int | None
    government: int | None = None
    question: str = ""
    because: Text | None = None

    @property
    def known(self) -> bool:
        return self.person is not None


def quote(reasoning: Reasoning, relation: Relation, on: date, price: Price = "individual") -> Quote:
    """The price of a relation, of which a missing part is named and not guessed."""
    found = _fee(reasoning, relation, on, FEE)
    if price == "individual" and (_child_is_free(reasoning, relation, on) or _paid_for_land(reasoning.case, relation)):
        if isinstance(found, Fee) and found.government is not None:
            return Quote(0, found.person + found.government)
        return Quote(0)
    if isinstance(found, Quote):
        return Quote(0) if price == "individual" and _all_paid_by_others(reasoning, relation, on) else found
    if price == "individual_plus_subsidy":
        if found.government is None:
            because = Text(
                f"{relation.plan_year}年度补缴含财政补助,补助金额没有来源",
                f"the late price for {relation.plan_year} includes the public subsidy, whose amount no source states",
            )
            return Quote(None, None, LATE_PRICE.key, because)
        return Quote(found.person + found.government, 0)
    if price == "remaining_months":
        months = relation.months or 13 - (relation.paid_on or reasoning.case.as_of).month
        return Quote(round_half_up(found.person * months, 12), found.government)
    return _subsidised(reasoning, relation, on, found)


def individual_rate(reasoning: Reasoning, relation: Relation, year: int) -> Quote:
    """What a person of this relation's kind pays for a plan year by himself, without any subsidy."""
    found = _fee(reasoning, replace(relation, plan_year=year), date(year, 1, 1), FEE)
    return found if isinstance(found, Quote) else Quote(found.person)


def supplementary(reasoning: Reasoning, relation: Relation, on: date) -> Quote:
    """The premium of the supplementary scheme (补充医疗保险)."""
    found = _fee(reasoning, relation, on, FEE_SUPPLEMENTARY)
    return found if isinstance(found, Quote) else Quote(found.person, found.government)


def part_fee(quoted: Quote, part: PartFee) -> Quote:
    """A part of a year's fee, rounded half up to whole yuan."""
    if quoted.person is None:
        return quoted
    yuan = round_half_up(quoted.person * part.numerator, part.denominator * 100)
    return Quote(yuan * 100, None)


def round_half_up(amount: int, divisor: int) -> int:
    return (2 * amount + divisor) // (2 * divisor)


def owe(reasoning: Reasoning, levy: Levy, quoted: Quote, *, unpaid: bool) -> None:
    """Record a levy; a missing amount is parked while it is still to be collected."""
    if quoted.person is None and unpaid and quoted.because is not None:
        reasoning.case.park(quoted.question, quoted.because)
    reasoning.case.findings.levies.append(levy)


def _fee(reasoning: Reasoning, relation: Relation, on: date, parameter: Parameter[tuple[Fee, ...]]) -> Fee | Quote:
    """The one fee that holds for the person, or why none can be named."""
    found = reasoning.look_up(parameter, on)
    if isinstance(found, NotStated):
        return Quote(None, None, found.key, found.because)
    entries = [fee for fee in found.value if fee.holds_for(relation.population, relation.plan_year)]
    entries = _of_tier(reasoning, relation, on, entries)
    marks = person.groups(reasoning.case, _judged_on(reasoning.case, relation))
    entries = (
        [fee for fee in entries if fee.group in marks]
        or [fee for fee in entries if fee.population and not fee.group]
        or [fee for fee in entries if not fee.group]
    )
    if len({(fee.person, fee.government) for fee in entries}) > 1:
        return _by_age(reasoning, relation, on, entries, parameter)
    if entries and not _of_any_age(entries):
        return _by_age(reasoning, relation, on, entries, parameter)
    if not entries:
        because = Text(
            f"{relation.plan_year}年度该人群的缴费标准没有来源",
            f"no source states the premium of this population for {relation.plan_year}",
        )
        return Quote(None, None, parameter.key, because)
    return entries[0]


def _of_any_age(entries: list[Fee]) -> bool:
    return all(fee.age_from is None and fee.age_to is None for fee in entries)


def _of_tier(reasoning: Reasoning, relation: Relation, on: date, entries: list[Fee]) -> list[Fee]:
    """The entries of the tier that was chosen; where an area has one tier only for minors and students, of that one."""
    tier = relation.registered.tier
    if any(fee.tier is not None for fee in entries):
        born = person.birth(reasoning.case)
        minor = born is not None and person.age(born.on, max(born.on, relation.registered.on)) < _OF_AGE
        if minor or relation.population != "ordinary":
            tier = reasoning.value(TIER_OF_MINORS, on) or tier
    return [fee for fee in entries if fee.tier is None or tier is None or fee.tier == tier]


_OF_AGE = 18


def _by_age(
    reasoning: Reasoning, relation: Relation, on: date, entries: list[Fee], parameter: Parameter[tuple[Fee, ...]]
) -> Fee | Quote:
    year = relation.plan_year
    if _of_any_age(entries):
        because = Text(f"{year}年度有多个档次,没有写明选择", f"there are several tiers for {year}, and none was chosen")
        return Quote(None, None, parameter.key, because)
    born = person.birth(reasoning.case)
    if born is None:
        because = Text("缴费标准按年龄分档,没有出生日期", "the premium depends on age, and no day of birth is known")
        return Quote(None, None, "birth", because)
    reference = reasoning.value(AGE_REFERENCE, on)
    days = (
        [in_plan_year(reference, year)]
        if reference is not None
        else [relation.registered.on, date(year - 1, 9, 1), date(year, 1, 1)]
    )
    readings = [_brackets(entries, person.age(born.on, max(day, born.on))) for day in days]
    if all(len({fee.person for fee in fees}) == 1 for fees in readings):
        if len({fees[0].person for fees in readings}) == 1:
            return readings[0][0]
        because = Text("没有规定以哪一天的年龄为准", "no source says on which day age counts")
        return Quote(None, None, AGE_REFERENCE.key, because)
    if any(len({fee.person for fee in fees}) > 1 for fees in readings):
        because = Text("该年龄同时落入两个缴费档", "this age falls in two brackets")
        return Quote(None, None, "bracket_edges", because)
    because = Text("没有规定该年龄属于哪一档", "no source says in which bracket this age falls")
    return Quote(None, None, "age_brackets", because)


def _brackets(entries: list[Fee], years: int) -> list[Fee]:
    return [
        fee
        for fee in entries
        if (fee.age_from is None or fee.age_from <= years) and (fee.age_to is None or years <= fee.age_to)
    ]


def _subsidised(reasoning: Reasoning, relation: Relation, on: date, fee: Fee) -> Quote:
    found = reasoning.look_up(SUBSIDY, on)
    if isinstance(found, NotStated):
        return Quote(fee.person, fee.government)
    entitled = [item for item in found.value if _entitles(reasoning.case, relation, item)]
    waived = [item for item in entitled if item.settle == "waived"]
    if any(item.kind == "unstated" for item in waived):
        because = Text("资助金额没有来源", "no source states how much of the premium is subsidised")
        return Quote(None, None, SUBSIDY.key, because)
    amounts = [_worth(reasoning, relation, on, fee, item) for item in waived]
    best = max(amounts, default=0)
    if len(amounts) > 1 and best < fee.person and sum(amounts) > best:
        stacking = reasoning.look_up(SUBSIDY_STACKING, on)
        if isinstance(stacking, NotStated):
            return Quote(None, None, stacking.key, stacking.because)
        if stacking.value == "all":
            best = min(fee.person, sum(amounts))
    government = None if fee.government is None else fee.government + best
    return Quote(fee.person - best, government)


def _child_is_free(reasoning: Reasoning, relation: Relation, on: date) -> bool:
    """Whether public money pays this year of a child, counted in natural years from that of birth."""
    born = person.birth(reasoning.case)
    if born is None or relation.plan_year > born.on.year + _CHILDHOOD:
        return False
    for entry in reasoning.value(NEWBORN_FREE, max(on, born.on)) or ():
        if not born.on.year <= relation.plan_year < born.on.year + entry.natural_years:
            continue
        if entry.born_from is not None and born.on < entry.born_from:
            continue
        if entry.mother_covered and not born.mother_covered:
            continue
        if entry.only_in_time and relation.registered.on > (relation.newborn_until or date(born.on.year, 12, 31)):
            continue
        return True
    return False


def _paid_for_land(case: Case, relation: Relation) -> bool:
    """Whether the government pays the premium of an expropriated farmer (被征地农民) for this year."""
    first = date(relation.plan_year, 1, 1)
    return any(
        fact.premium_paid_until is not None and fact.premium_paid_until >= first and fact.on.year <= relation.plan_year
        for fact in case.of(LandExpropriated)
    )


def may_be_free(case: Case, relation: Relation) -> bool:
    """Whether any fact could make a year free: an identity mark, a birth not long ago, expropriated land."""
    if bool(case.of(GroupGranted)) or bool(case.of(LandExpropriated)):
        return True
    born = person.birth(case)
    return born is not None and relation.plan_year <= born.on.year + _CHILDHOOD


def free_since(reasoning: Reasoning, relation: Relation, on: date) -> date | None:
    """Since when nothing is missing of somebody who owes nothing: registered, and the identity mark is set."""
    quoted = quote(reasoning, relation, on)
    if quoted.person != 0:
        return None
    found = reasoning.look_up(SUBSIDY, on)
    by = _judged_on(reasoning.case, relation)
    marks = [
        person.marked_on(reasoning.case, item.groups, by)
        for item in (found.value if isinstance(found, Stated) else ())
        if _entitles(reasoning.case, relation, item)
    ]
    set_on = min((day for day in marks if day is not None), default=relation.registered.on)
    return max(relation.registered.on, set_on)


def _all_paid_by_others(reasoning: Reasoning, relation: Relation, on: date) -> bool:
    """Whether the whole individual part is public money; then it is nothing, whatever the fee may be."""
    found = reasoning.look_up(SUBSIDY, on)
    return isinstance(found, Stated) and any(
        item.kind == "full" and item.settle == "waived" and _entitles(reasoning.case, relation, item)
        for item in found.value
    )


def _entitles(case: Case, relation: Relation, item: Subsidy) -> bool:
    marks = person.groups(case, _judged_on(case, relation))
    if not marks & set(item.groups) or (item.and_groups and not marks & set(item.and_groups)):
        return False
    if not item.holds_for(relation.population, relation.plan_year):
        return False
    if item.local_hukou and person.hukou_area(case, relation.registered.on, relation.area) != relation.area:
        return False
    if item.age_from is None and item.age_to is None:
        return True
    if item.or_student and relation.registered.capacity in STUDENT:
        return True
    born = person.birth(case)
    if born is None:
        return False
    years = person.age(born.on, date(relation.plan_year, 1, 1))
    return (item.age_from is None or years >= item.age_from) and (item.age_to is None or years <= item.age_to)


def _worth(reasoning: Reasoning, relation: Relation, on: date, fee: Fee, item: Subsidy) -> int:
    """How much of the person's part a subsidy pays, in fen."""
    tier = _tier_fee(reasoning, relation, on, item.tier) if item.tier is not None else fee.person
    match item.kind:
        case "full":
            return fee.person
        case "flat":
            return min(fee.person, item.amount or 0)
        case "pays":
            return max(0, fee.person - (item.amount or 0))
        case "capped_to_tier":
            return min(fee.person, tier)
        case _:
            return min(fee.person, tier * (item.percent or 0) // 100)


def _tier_fee(reasoning: Reasoning, relation: Relation, on: date, tier: int) -> int:
    found = reasoning.look_up(FEE, on)
    if not isinstance(found, Stated):
        return 0
    return next(
        (
            fee.person
            for fee in found.value
            if fee.tier == tier and fee.holds_for(relation.population, relation.plan_year)
        ),
        0,
    )


def _judged_on(case: Case, relation: Relation) -> date:
    """The day whose identity marks count: that of the payment, or while nothing is paid, what is known now."""
    paid = max((payment.on for payment in relation.payments), default=None)
    if paid is not None:
        return max(paid, relation.registered.on)
    first_day = date(relation.plan_year, 12, 31)
    return max(relation.registered.on, min(case.as_of, first_day))
