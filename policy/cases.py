"""Which cases with other parties follow from an assessment: money to give back, a transfer, a duplicate to settle.

A case is carried out elsewhere, for weeks; here it is only said that there is one, what it is about, and whether it is
settled by what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.assessment import Assessment, Matter, Refund
from domain.facts import (
    AlsoEnrolled,
    Decided,
    Died,
    Fact,
    KeepChosen,
    RefundConfirmed,
    TransferCompleted,
    TransferRequested,
    TransferSheetReceived,
)

QUESTION = "duplicates"


@dataclass(frozen=True, slots=True)
class TransferCase:
    """A transfer that is under way, and by when its present side must be done."""

    request: TransferRequested
    side: Literal["out", "in"]
    due: date | None
    completed: bool


@dataclass(frozen=True, slots=True)
class DuplicateCase:
    """Two live records of one person; `loses` is empty until it is decided which one goes."""

    report: AlsoEnrolled
    loses: tuple[str, str] | None
    keeps: tuple[str, str] | None
    action: Literal["terminate", "suspend"] | None
    decided_by: Literal["rule", "commitment", "operator"] | None


def is_confirmed(refund: Refund, facts: Iterable[Fact]) -> bool:
    """Whether the tax bureau said that the money has gone back; its word alone makes it so."""
    confirmed = [
        fact
        for fact in facts
        if isinstance(fact, RefundConfirmed)
        and fact.scheme == refund.scheme
        and fact.plan_year in (None, refund.plan_year)
        and fact.area in (None, refund.area)
    ]
    return any(fact.amount in (None, refund.amount) for fact in confirmed)


def transfer_cases(found: Assessment, facts: Sequence[Fact]) -> list[TransferCase]:
    """The transfers that the rules admit; nobody who died is transferred."""
    died = any(isinstance(fact, Died) for fact in facts)
    refused = {item.fact for item in found.refused}
    cases = []
    for request in facts:
        if not isinstance(request, TransferRequested) or request.fact_id in refused:
            continue
        completed = any(isinstance(fact, TransferCompleted) and _belongs(fact, request) for fact in facts)
        if died and not completed:
            continue
        sheet = any(isinstance(fact, TransferSheetReceived) and _belongs(fact, request) for fact in facts)
        side: Literal["out", "in"] = "in" if sheet else "out"
        matter = Matter.TRANSFER_IN if sheet else Matter.TRANSFER_OUT
        due = min((item.on for item in found.deadlines if item.matter is matter), default=None)
        cases.append(TransferCase(request, side, due, completed))
    return cases


def _belongs(fact: TransferSheetReceived | TransferCompleted, request: TransferRequested) -> bool:
    ours = (request.scheme, request.from_area, request.to_area)
    return (fact.scheme, fact.from_area, fact.to_area) == ours and fact.on >= request.on


def duplicate_cases(found: Assessment, facts: Sequence[Fact], area: str) -> list[DuplicateCase]:
    """The duplicates that the national platform reported and that concern a relation of ours."""
    cases = []
    undecided = any(item.question.startswith("duplicate") for item in found.parked)
    for report in facts:
        if not isinstance(report, AlsoEnrolled):
            continue
        ended = next((item for item in found.terminations if item.on == report.on), None)
        rests = next((item for item in found.suspensions if item.start == report.on), None)
        lost = ended or rests
        if lost is None and not undecided:
            continue
        loses = (str(lost.scheme), lost.area) if lost is not None else None
        reported = (str(report.scheme), report.area or area)
        kept = [(str(item.scheme), item.area) for item in found.kept if (item.scheme, item.area) != loses]
        keeps = None if lost is None else next(iter(kept), reported)
        cases.append(
            DuplicateCase(
                report=report,
                loses=loses,
                keeps=keeps,
                action=None if lost is None else "terminate" if ended is not None else "suspend",
                decided_by=None if lost is None else _decided_by(facts, report),
            )
        )
    return cases


def _decided_by(facts: Sequence[Fact], report: AlsoEnrolled) -> Literal["rule", "commitment", "operator"]:
    later = [fact for fact in facts if fact.on >= report.on]
    if any(
        isinstance(fact, Decided) and fact.question == QUESTION and fact.case in (None, str(report.plan_year))
        for fact in later
    ):
        return "operator"
    return "commitment" if any(isinstance(fact, KeepChosen) and fact.commitment for fact in later) else "rule"
