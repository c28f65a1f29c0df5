"""From which day a payment covers, by the rules that packs choose from; and the waiting period, where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.assessment import Wait
from domain.bilingual import Text
from policy.case import Reasoning
from policy.counting import DAY, Duration, first_of_month, last_day
from policy.pack_library import NotStated
from policy.parameters import WAIT_ANCHOR, WAIT_COUNTS_START, WAIT_FIXED, CoverStart
from policy.relations import Relation


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first day of cover, and the wait before it. `day` is None where a question had to be parked."""

    day: date | None
    wait: Wait | None = None
    question: str | None = None


def beginning(reasoning: Reasoning, rule: CoverStart, relation: Relation, first_day: date) -> Beginning:
    """From when a paid relation covers by `rule`, never before `first_day` of its benefit period."""
    paid, arrived = relation.paid_on, relation.arrived_on
    assert paid is not None, "only a paid relation begins"
    assert arrived is not None
    match rule:
        case "plan_year_start":
            day = first_day
        case "payment_day":
            day = paid
        case "day_after_payment":
            day = paid + DAY
        case "arrival_day":
            day = arrived
        case "day_after_arrival":
            day = arrived + DAY
        case "first_of_payment_month":
            day = first_of_month(paid)
        case "first_of_next_month":
            day = first_of_month(paid, 1)
        case "after_wait":
            return _after_wait(reasoning, relation, first_day, paid, arrived)
    return Beginning(max(day, first_day))


def _after_wait(reasoning: Reasoning, relation: Relation, first_day: date, paid: date, arrived: date) -> Beginning:
    length = reasoning.look_up(WAIT_FIXED, first_day)
    if isinstance(length, NotStated):
        return _unknown(reasoning, relation, length, paid)
    if length.value.unit == "natural_month":
        start = first_of_month(paid)
        end = first_of_month(paid, length.value.length) - DAY
    else:
        anchor_rule = reasoning.look_up(WAIT_ANCHOR, first_day)
        if isinstance(anchor_rule, NotStated) and paid != arrived:
            return _unknown(reasoning, relation, anchor_rule, paid)
        by_payment = not isinstance(anchor_rule, NotStated) and anchor_rule.value == "payment_day"
        anchor = paid if by_payment else arrived
        counts = reasoning.look_up(WAIT_COUNTS_START, first_day)
        if isinstance(counts, NotStated):
            return _unknown(reasoning, relation, counts, paid)
        start = anchor if counts.value else anchor + DAY
        end = last_day(
            anchor,
            Duration(length=length.value.length, unit=length.value.unit),
            start_day_counts=counts.value,
        )
    wait = Wait(
        scheme="resident",
        area=relation.area,
        start=start,
        end=end,
        unit="day" if length.value.unit == "day" else "month",
        fixed=length.value.length,
        because=Text(
            f"集中参保期后缴费,等待期自{start}至{end}",
            f"paid after the collection window; the wait runs from {start} to {end}",
        ),
    )
    return Beginning(max(end + DAY, first_day), wait)


def _unknown(reasoning: Reasoning, relation: Relation, missing: NotStated, paid: date) -> Beginning:
    """A wait of unknown length is listed without an end, and the question is parked."""
    reasoning.park(missing)
    because = Text("等待期长度未规定", "the length of the wait is not stated")
    wait = Wait("resident", relation.area, paid, None, "day", None, because)
    return Beginning(None, wait, missing.key)
