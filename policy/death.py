"""Death: nothing is covered, owed or due after the day of death.

Source: 社会保险经办条例 art. 25 (who dies no longer has benefits); money for a period that had not begun goes to the
heirs by `refunds`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TypeVar

from domain.assessment import Coverage, Suspension, Undetermined, Wait
from domain.bilingual import Text
from domain.facts import Died, Paid
from policy.case import Case, Reasoning
from policy.parameters import DEATH_ENDS

Span = TypeVar("Span", Coverage, Undetermined, Wait, Suspension)


def settle(case: Case, died: Died) -> None:
    """Cut everything that was found at the day of death."""
    findings = case.findings
    paid_years = {payment.plan_year for payment in case.of(Paid) if payment.scheme == "resident"}
    if any(payment.on > died.on for payment in case.of(Paid)):
        case.park(
            "paid_after_death",
            Text(f"死亡({died.on})后仍有缴费", f"money was paid after the death on {died.on}"),
        )
    findings.coverage = _until(findings.coverage, died.on)
    findings.waits = _until(findings.waits, died.on)
    findings.undetermined = _until(findings.undetermined, died.on)
    findings.suspensions = _until(findings.suspensions, died.on)
    findings.levies = [levy for levy in findings.levies if levy.plan_year in paid_years]
    findings.deadlines = []
    findings.notices = [notice for notice in findings.notices if notice.on <= died.on]
    reasoning = Reasoning(case, "death", case.area_of(died))
    reasoning.value(DEATH_ENDS, died.on)
    reasoning.decide(Text(f"{died.on}死亡,参保关系终止", f"died on {died.on}; the relation ends"), died.on)


def _until(spans: list[Span], day: date) -> list[Span]:
    return [
        replace(span, end=day) if span.end is None or span.end > day else span for span in spans if span.start <= day
    ]
