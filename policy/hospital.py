"""A hospital stay across the end of a wait (跨等待期住院): where the day of admission decides, the stay is not paid.

Source: the area's pack (Jiangxi: the day of admission). Out-patient benefits begin with the end of the wait.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from domain.assessment import Coverage, Undetermined, Wait
from domain.bilingual import Text
from domain.facts import Admitted
from policy.case import Case, Reasoning
from policy.counting import DAY
from policy.pack_library import NotStated
from policy.parameters import WAIT_STRADDLE


def settle(case: Case) -> None:
    """Find the stays that began in a wait and reached beyond it."""
    for stay in case.of(Admitted):
        for wait in case.findings.waits:
            if wait.end is None or not wait.start <= stay.on <= wait.end:
                continue
            last = stay.discharged_on or case.as_of
            if last > wait.end:
                _judge(case, wait, stay, last)


def _judge(case: Case, wait: Wait, stay: Admitted, last: date) -> None:
    assert wait.end is not None
    first = wait.end + DAY
    reasoning = Reasoning(case, "waiting.inpatient", wait.area, first.year)
    rule = reasoning.look_up(WAIT_STRADDLE, stay.on)
    if isinstance(rule, NotStated):
        reasoning.park(rule)
        because = Text("跨等待期住院的待遇没有规定", "what a stay across the end of the wait gets is not stated")
        _outpatient_only(case, wait, first, last, because)
        case.findings.undetermined.append(Undetermined(wait.scheme, wait.area, first, last, rule.key, because))
        return
    if rule.value == "day_by_day":
        return
    because = Text(
        f"{stay.on}等待期内入院,该次住院不予支付", f"admitted on {stay.on}, in the wait: this stay is not paid"
    )
    _outpatient_only(case, wait, first, last, because)
    reasoning.decide(because, stay.on)


def _outpatient_only(case: Case, wait: Wait, first: date, last: date, because: Text) -> None:
    """During the rest of the stay only out-patient benefits are certain."""
    left: list[Coverage] = []
    for span in case.findings.coverage:
        end = span.end or date.max
        same = (span.scheme, span.area, span.service) == (wait.scheme, wait.area, None)
        if not same or end < first or span.start > last:
            left.append(span)
            continue
        if span.start < first:
            left.append(replace(span, end=first - DAY))
        middle = replace(span, start=max(span.start, first), end=min(end, last), service="outpatient", because=because)
        left.append(middle)
        if end > last:
            left.append(replace(span, start=last + DAY))
    case.findings.coverage = left
