"""`assess`: what follows from a person's facts on a day, under the packs in force.

A function of (facts, packs, as_of) and of nothing else: the same input gives the same bytes. It never raises for what
a person or an office did, only for input that breaks the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from domain.assessment import Assessment, Coverage, DueDate, Matter
from domain.bilingual import Text
from domain.facts import Birth, Fact
from policy import (
    contributions,
    counter,
    death,
    duplicates,
    employee,
    exemptions,
    hospital,
    incentives,
    newborn,
    other_keys,
    person,
    refunds,
    repairs,
    suspension,
    transfers,
    two_areas,
)
from policy.case import Case
from policy.counting import DAY
from policy.history import History
from policy.knowledge import known
from policy.pack_library import PackLibrary
from policy.relations import Relation, resident_relations

T = TypeVar("T")


def assess(facts: Iterable[Fact], area: str, as_of: date, library: PackLibrary) -> Assessment:
    """What is true on `as_of` of a person whose facts are these; `area` is that of facts which name none.

    Raises ContractError when the facts break the contract (one id, two contents).
    """
    knowledge = known(facts, as_of)
    case = Case(knowledge.facts, area, as_of, library)
    for question in knowledge.parked:
        case.park(question.question, question.because)
    history = History(case)
    born, died = person.birth(case), person.death(case)
    relations = _judge_residents(case, history, born)
    working = employee.judge(case, history)
    repairs.judge(case, history, relations)
    two_areas.settle(case, relations)
    duplicates.settle(case, history, relations, working)
    refunds.settle(case, relations, working, died)
    refunds.check_confirmed(case)
    suspension.settle(case, relations, working)
    hospital.settle(case)
    refunds.offer(case, relations, working)
    transfers.judge(case, relations, working)
    counter.judge(case)
    incentives.judge(case, history, relations)
    exemptions.remind(case, relations)
    other_keys.judge(case)
    if born is not None:
        _start_with_birth(case, born.on)
    _end_of_cover(case)
    if died is not None:
        death.settle(case, died)
    return _in_order(case)


def _judge_residents(case: Case, history: History, born: Birth | None) -> list[Relation]:
    """Judge the resident relations year by year; each is history for the next."""
    relations = resident_relations(case)
    ordinary = newborn.judge(case, history, born, relations) if born is not None else relations
    rest = {id(relation) for relation in ordinary}
    earlier: dict[tuple[str, int], Relation] = {}
    for relation in relations:
        if id(relation) in rest:
            contributions.judge(case, history, relation, earlier)
        earlier[(relation.area, relation.plan_year)] = relation
        _remember(history, relation)
    return relations


def _remember(history: History, relation: Relation) -> None:
    for span in relation.covered:
        history.add("resident", span.start, span.end)
    paid = bool(relation.payments) or relation.free_from is not None
    if not relation.covered and paid and relation.period is not None and relation.outcome != "refused":
        # Enrolled and paid, though nobody can say yet from when; the year was not missed.
        history.add("resident", *relation.period)


def _start_with_birth(case: Case, born: date) -> None:
    case.findings.coverage = [
        span if span.start >= born else replace(span, start=born)
        for span in case.findings.coverage
        if (span.end or born) >= born
    ]


def _end_of_cover(case: Case) -> None:
    """The end of cover that nothing follows is a day to watch; the turn of the year of a paid relation is none."""
    found = case.findings
    ends = [span.end for span in found.coverage] + [span.end for span in found.undetermined]
    if not ends or None in ends:
        return
    last = max(end for end in ends if end is not None)
    if last >= case.as_of:
        because = Text(f"待遇享受期至{last}结束,尚无后续参保", f"cover ends on {last} and nothing follows yet")
        case.findings.deadlines.append(DueDate(Matter.COVER_ENDS, last, because))


def _in_order(case: Case) -> Assessment:
    found = case.findings

    def ordered(items: Iterable[T], key: Callable[[T], Any]) -> list[T]:
        return sorted(items, key=key)

    return Assessment(
        coverage=_joined(found.coverage),
        waits=ordered(found.waits, lambda item: (item.start, item.scheme, item.area)),
        undetermined=ordered(found.undetermined, lambda item: (item.start, item.scheme, item.area, item.question)),
        levies=ordered(
            found.levies, lambda item: (item.plan_year, item.scheme, item.area, item.part, item.repairs_year or 0)
        ),
        refused=ordered(found.refused, lambda item: (item.fact, item.because.en)),
        deadlines=ordered(found.deadlines, lambda item: (item.on, item.matter)),
        notices=ordered(found.notices, lambda item: (item.on, item.matter, item.to)),
        suspensions=ordered(found.suspensions, lambda item: (item.start, item.scheme, item.area)),
        terminations=ordered(found.terminations, lambda item: (item.on, item.scheme, item.area)),
        refunds=ordered(found.refunds, lambda item: (item.plan_year, item.scheme, item.area, item.to)),
        clawbacks=ordered(found.clawbacks, lambda item: (item.plan_year, item.scheme, item.area)),
        kept=ordered(found.kept, lambda item: (item.scheme, item.area, item.because.en)),
        incentives=ordered(found.incentives, lambda item: (item.year, item.kind)),
        parked=ordered(found.parked, lambda item: (item.question, item.because.en)),
        decisions=ordered(found.decisions.values(), lambda item: (item.as_of, item.rule, item.outcome.en)),
    )


def _joined(spans: list[Coverage]) -> list[Coverage]:
    """Days that follow one another with the same scheme, area, share and service are one element."""
    joined: list[Coverage] = []
    for span in sorted(spans, key=lambda item: (item.scheme, item.area, item.share, item.service or "", item.start)):
        before = joined[-1] if joined else None
        if before is not None and _continues(before, span):
            end = None if before.end is None or span.end is None else max(before.end, span.end)
            because = Text(
                _both(before.because.zh, span.because.zh, ";"), _both(before.because.en, span.because.en, "; ")
            )
            joined[-1] = replace(before, end=end, because=because)
        else:
            joined.append(span)
    return sorted(joined, key=lambda item: (item.start, item.scheme, item.area))


def _continues(before: Coverage, span: Coverage) -> bool:
    same = (before.scheme, before.area, before.share, before.service) == (
        span.scheme,
        span.area,
        span.share,
        span.service,
    )
    return same and (before.end is None or span.start <= before.end + DAY)


def _both(first: str, second: str, mark: str) -> str:
    return first if second in first else f"{first}{mark}{second}"
