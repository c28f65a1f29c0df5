"""Death: nothing is covered, owed or due after the day of death.

Sources: 医保办函〔2021〕11号 art. 16 for money paid for a period that has not begun (a refund, which a person decides
until the refund procedure exists).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TypeVar

from domain.assessment import Coverage, Undetermined, Wait
from domain.bilingual import Text
from domain.facts import Died, Paid
from policy.case import Case, Reasoning

Span = TypeVar("Span", Coverage, Undetermined, Wait)


def settle(case: Case, died: Died) -> None:
    """Cut everything that was found at the day of death."""
    findings = case.findings
    paid_years = {payment.plan_year for payment in case.of(Paid) if payment.scheme == "resident"}
    if any(span.start > died.on for span in findings.coverage):
        findings.park(
            "refund.before_start",
            Text(
                "待遇享受期开始前死亡,已缴保费待退",
                "died before a paid benefit period began; the premium is to be refunded",
            ),
        )
    findings.coverage = _until(findings.coverage, died.on)
    findings.waits = _until(findings.waits, died.on)
    findings.undetermined = _until(findings.undetermined, died.on)
    findings.levies = [levy for levy in findings.levies if levy.plan_year in paid_years]
    findings.deadlines = []
    findings.notices = [notice for notice in findings.notices if notice.on <= died.on]
    reasoning = Reasoning(case, "death", case.area_of(died))
    reasoning.decide(Text(f"{died.on}死亡,参保关系终止", f"died on {died.on}; the relation ends"), died.on)


def _until(spans: list[Span], day: date) -> list[Span]:
    return [
        replace(span, end=day) if span.end is None or span.end > day else span for span in spans if span.start <= day
    ]
