"""Facts for which this release has no procedure: they are kept and parked by name, never ignored."""

from __future__ import annotations

from domain.bilingual import Text
from domain.facts import (
    Birth,
    CoveredBefore,
    Decided,
    Died,
    Fact,
    HouseholdState,
    IdentityUpdated,
    Paid,
    Registered,
    SchoolEntered,
    SchoolLeft,
)
from policy.case import Case

# A state of the household has no effect by itself: no area that is packed here makes it a condition.
_SUPPORTED = (Birth, CoveredBefore, Decided, Died, HouseholdState, IdentityUpdated, SchoolEntered, SchoolLeft)


def judge(case: Case) -> None:
    """Park each kind of fact that no procedure of this release carries out."""
    for fact in case.facts:
        question = _question(fact)
        if question is not None:
            because = Text(
                f"本版本尚无“{question}”的办理程序,需要人工处理",
                f"this release has no procedure for {question}; a person must handle it",
            )
            case.findings.park(question, because)


def _question(fact: Fact) -> str | None:
    if isinstance(fact, _SUPPORTED):
        return None
    if isinstance(fact, Registered | Paid):
        if fact.scheme == "employee":
            return "scheme.employee"
        if isinstance(fact, Registered):
            return "supplementary" if fact.supplementary else None
        if fact.kind in ("repair", "lump_sum"):
            return f"paid.{fact.kind}"
        return "paid.part_or_many_years" if fact.months or fact.years else None
    return fact.type
