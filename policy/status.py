"""Where a life stands, derived from its dated intervals and never stored apart from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from domain.assessment import Assessment, Levy, Matter
from domain.facts import Died, Fact, Paid, Registered
from domain.status import Status


def status_of(found: Assessment, facts: Iterable[Fact], on: date) -> Status:
    """The status on a day of a person of whom these facts are known; the first of these that holds."""
    known = list(facts)
    if any(isinstance(fact, Died) for fact in known):
        return Status.DECEASED
    if any(wait.end is None or on <= wait.end for wait in found.waits):
        return Status.WAITING
    if any(span.end is None or span.end >= on for span in found.coverage):
        return Status.ENROLLED
    if any(span.end is None or span.end >= on for span in found.undetermined):
        return Status.UNDETERMINED
    if any(item.matter is Matter.NEWBORN_WINDOW for item in found.deadlines) and not any(
        isinstance(fact, Registered) for fact in known
    ):
        return Status.NEWBORN_WINDOW_OPEN
    if any(can_be_collected(levy, known, on) for levy in found.levies):
        return Status.AWAITING_PAYMENT
    return Status.NOT_ENROLLED


def is_paid(levy: Levy, facts: Iterable[Fact]) -> bool:
    """Whether money was paid for a levy; how much is the assessment's question."""
    return any(
        isinstance(fact, Paid)
        and fact.scheme == levy.scheme
        and (fact.repairs_year if fact.kind == "repair" else None) == levy.repairs_year
        and fact.plan_year is not None
        and fact.plan_year <= levy.plan_year < fact.plan_year + (fact.years or 1)
        and fact.area in (None, levy.area)
        for fact in facts
    )


def can_be_collected(levy: Levy, facts: Iterable[Fact], on: date) -> bool:
    """Whether a levy is still to be paid: nothing was paid for it, and its last day has not passed."""
    return (levy.due is None or levy.due >= on) and not is_paid(levy, facts)
