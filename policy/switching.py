"""From the employee scheme to the residents (职工医保转居民医保): the gap, what it costs, from when there is cover.

Sources: 医保发〔2020〕33号 (two years continuous and a gap of at most three months: no wait; longer: up to six months,
as the area says), 医保办发〔2021〕43号 (the gap is covered), and the area.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.bilingual import Text
from domain.facts import EmploymentEnded, StopRequested
from policy.case import Reasoning
from policy.counting import DAY, Duration, first_of_month, last_day
from policy.history import History
from policy.pack_library import NotStated
from policy.parameters import GAP_ANCHOR, GAP_MAX, GAP_YEARS, SWITCH_WAIT


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of scheme: when the employee cover ended, and whether the gap is short enough."""

    ended: date
    kind: Literal["within_gap", "over_gap", "few_years"]
    wait_months: int | None = None


def switch(reasoning: Reasoning, history: History, acted: date) -> Switch | None:
    """What changing from the employee scheme means for somebody who acts on a day; None where nobody changed."""
    last = history.last_scheme(acted)
    if last is None or last[0] != "employee":
        return None
    ended = history.employee.last_known_end(acted)
    assert ended is not None
    if ended >= acted and not _stopped(reasoning, acted):
        return None
    limit = gap_limit(reasoning, ended, acted)
    if limit is None:
        return None
    years = reasoning.value(GAP_YEARS, acted)
    if years is not None and history.continuous_years(min(ended, acted)) < years:
        text = Text(f"连续参保不满{years}年", f"less than {years} years of cover without a break")
        reasoning.tried("gap.min_continuous_years", text)
        return Switch(ended, "few_years")
    if acted <= limit:
        return Switch(ended, "within_gap")
    text = Text(f"中断已超过规定期限({limit})", f"the gap is longer than allowed (until {limit})")
    reasoning.tried("gap.max_months", text)
    wait = reasoning.look_up(SWITCH_WAIT, acted)
    return Switch(ended, "over_gap", None if isinstance(wait, NotStated) else wait.value)


def gap_limit(reasoning: Reasoning, ended: date, on: date) -> date | None:
    """The last day on which joining the other scheme leaves no gap that counts; None where no rule is in force."""
    longest = reasoning.look_up(GAP_MAX, on)
    if isinstance(longest, NotStated):
        return None
    anchor = reasoning.value(GAP_ANCHOR, on)
    if anchor == "month_of_stop":
        stops = [fact.on for fact in reasoning.case.of(EmploymentEnded) if fact.on <= on]
        start = first_of_month(max(stops)) if stops else first_of_month(ended)
    else:
        start = ended + DAY
    return last_day(start, Duration(length=longest.value.length, unit=longest.value.unit), start_day_counts=True)


def _stopped(reasoning: Reasoning, by: date) -> bool:
    return any(fact.on <= by for fact in reasoning.case.of(EmploymentEnded)) or any(
        fact.scheme == "employee" and fact.on <= by for fact in reasoning.case.of(StopRequested)
    )
