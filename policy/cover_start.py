"""From which day a payment covers, by the rules that packs choose from."""

from __future__ import annotations

from datetime import date

from domain.bilingual import Text
from policy import person
from policy.case import Reasoning
from policy.conditions import holds
from policy.counting import DAY, first_of_month
from policy.history import History
from policy.pack_library import NotStated, Stated
from policy.parameters import Parameter
from policy.relations import Relation
from policy.values import CoverStart, Start, Starts, WaitRule
from policy.waiting import Beginning, after_wait


def entry_for(
    reasoning: Reasoning, history: History, relation: Relation, parameter: Parameter[Starts], first_day: date
) -> Stated[Start] | NotStated:
    """The entry of a list of starts that holds for a paid relation; the first one decides."""
    found = reasoning.look_up(parameter, first_day)
    if isinstance(found, NotStated):
        return found
    acted = max(relation.registered.on, relation.paid_on or reasoning.case.as_of)
    for entry in found.value:
        if holds(reasoning, history, relation, entry, acted):
            return Stated(entry, found.pack, found.citation)
    because = Text(f"“{parameter.key}”没有规定这种情形", f"{parameter.key} does not speak of this case")
    return NotStated(parameter.key, because, found.pack)


def beginning(
    reasoning: Reasoning,
    history: History,
    rule: CoverStart,
    relation: Relation,
    first_day: date,
    *,
    wait: WaitRule | None = None,
    marks: tuple[str, ...] = (),
) -> Beginning:
    """From when a paid relation covers by `rule`, never before `first_day` of its benefit period."""
    if rule == "after_wait":
        return after_wait(reasoning, history, relation, first_day, wait)
    day = _day(reasoning, history, rule, relation, first_day, marks)
    return Beginning(max(day, first_day))


def _day(
    reasoning: Reasoning,
    history: History,
    rule: CoverStart,
    relation: Relation,
    first_day: date,
    marks: tuple[str, ...],
) -> date:
    paid, arrived = relation.paid_on, relation.arrived_on
    assert paid is not None, "only a paid relation begins"
    assert arrived is not None
    match rule:
        case "payment_day":
            return paid
        case "day_after_payment":
            return paid + DAY
        case "arrival_day":
            return arrived
        case "day_after_arrival":
            return arrived + DAY
        case "registration_day":
            return relation.registered.on
        case "registration_and_mark":
            marked = person.marked_on(reasoning.case, marks, reasoning.case.as_of)
            return max(relation.registered.on, marked or relation.registered.on)
        case "first_of_payment_month":
            return first_of_month(paid)
        case "first_of_next_month":
            return first_of_month(paid, 1)
        case "after_previous_cover":
            last = history.either.last_known_end(paid)
            return last + DAY if last is not None and last < date.max else paid
        case _:
            return first_day
