"""One person enrolled as a resident of two areas for the same days, by our own facts: one of the two stays.

Source: 医保发〔2020〕33号 (S001:L67): a student's school place stays, else the usual residence, for which the person's
written word counts, then the last move. Until somebody decides what the facts do not, no day is covered twice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from domain.assessment import Kept, Termination
from domain.bilingual import Text
from domain.facts import KeepChosen, Moved
from policy.case import Case, Reasoning
from policy.counting import DAY
from policy.parameters import DUPLICATE_RESIDENCE, DUPLICATE_STUDENT
from policy.relations import Relation, end_after


def settle(case: Case, relations: list[Relation]) -> None:
    """Our own facts show relations in two areas for the same days: the later place of school or residence stays."""
    if len({relation.area for relation in relations}) < 2:
        return
    by_year: dict[int, list[Relation]] = {}
    for later in relations:
        for earlier in by_year.get(later.plan_year - 1, []) + by_year.get(later.plan_year, []):
            if earlier.area != later.area and _overlap(earlier, later) is not None:
                _one_of_two(case, earlier, later)
        by_year.setdefault(later.plan_year, []).append(later)


def _overlap(first: Relation, second: Relation) -> tuple[date, date] | None:
    for a in first.covered:
        for b in second.covered:
            start, end = max(a.start, b.start), min(a.end or date.max, b.end or date.max)
            if start <= end:
                return start, end
    return None


def _one_of_two(case: Case, first: Relation, second: Relation) -> None:
    overlap = _overlap(first, second)
    assert overlap is not None
    start = overlap[0]
    keep = _place_of(case, first, second, start)
    reasoning = Reasoning(case, "duplicates", first.area, first.plan_year)
    if keep is None:
        case.park(
            "duplicates", Text("两地同期参保,不知道保留哪一处", "enrolled in two areas; which one stays is not known")
        )
        # Until somebody decides, the one that began first goes on, so that no day is covered twice.
        lost: Relation = second if first.covered[0].start <= second.covered[0].start else first
        _leave_out(lost, overlap)
        return
    kept, lost = (first, second) if keep == first.area else (second, first)
    on = min(start, max(kept.registered.on, kept.paid_on or kept.registered.on))
    because = Text(
        f"同期在两地参保,保留{kept.area},{on}终止{lost.area}的参保关系",
        f"enrolled in two areas: {kept.area} stays, {lost.area} ends on {on}",
    )
    case.findings.kept.append(Kept("resident", kept.area, because))
    case.findings.terminations.append(Termination("resident", lost.area, on, because))
    end_after(lost, start - DAY)
    reasoning.value(DUPLICATE_STUDENT, start)
    reasoning.value(DUPLICATE_RESIDENCE, start)
    reasoning.decide(because, start)


def _leave_out(relation: Relation, days: tuple[date, date]) -> None:
    left = []
    for span in relation.covered:
        if span.start < days[0]:
            left.append(replace(span, end=min(span.end or date.max, days[0] - DAY)))
        if (span.end or date.max) > days[1]:
            left.append(replace(span, start=max(span.start, days[1] + DAY)))
    relation.covered = left


def _place_of(case: Case, first: Relation, second: Relation, on: date) -> str | None:
    """Where the person belongs of two areas: the school, what the person wrote, the last move."""
    areas = (first.area, second.area)
    for relation in (second, first):
        if relation.registered.capacity == "student":
            return relation.area
    choices = [fact.keep_area for fact in case.of(KeepChosen) if fact.scheme == "resident" and fact.keep_area in areas]
    if choices:
        return choices[-1]
    moves = [
        case.area_of(fact)
        for fact in case.of(Moved)
        if fact.kind in ("residence", "hukou")
        and fact.on <= max(on, second.registered.on)
        and case.area_of(fact) in areas
    ]
    return moves[-1] if moves else None
