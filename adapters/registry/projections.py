"""What a record says, as rows of the tables that other systems read: relations, payments, levies, refunds, notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlmodel import SQLModel

from adapters.registry.tables import Duplicate, Levy, NoticeSent, Payment, Refund, RefundPaid, Relation, Transfer
from domain.facts import Fact, Paid, RefundConfirmed, Registered, parse_fact
from domain.life import EffectKind, Hold, Record, Slot, SlotState
from domain.money import fen

Row = dict[str, Any]
Projected = type[SQLModel]

STATED: tuple[Projected, ...] = (Relation, Payment, RefundPaid)
"""Tables whose rows state facts; a fact that is corrected or taken back closes its row."""
CARRIED: dict[EffectKind, Projected] = {
    EffectKind.LEVY: Levy,
    EffectKind.REFUND: Refund,
    EffectKind.TRANSFER: Transfer,
    EffectKind.DUPLICATE: Duplicate,
    EffectKind.NOTICE: NoticeSent,
}


class Facts(NamedTuple):
    """The rows that a record's facts state, by table, and the ids of the facts that they replace."""

    rows: dict[Projected, list[Row]]
    replaced: list[str]


def of_facts(record: Record) -> Facts:
    """What the facts of a record state."""
    rows: dict[Projected, list[Row]] = {}
    replaced = []
    for fact_id, content in record.facts.items():
        fact = parse_fact(content)
        if fact.corrects is not None:
            replaced.append(fact.corrects)
        if fact.withdrawn:
            continue
        for table, row in _stated(fact, fact.area or record.area):
            whole = {
                "person": record.person,
                "fact_id": fact_id,
                **row,
                "recorded_sequence": record.sequence,
                "recorded_on": record.recorded_on,
            }
            rows.setdefault(table, []).append(whole)
    return Facts(rows, replaced)


def _stated(fact: Fact, area: str) -> Iterator[tuple[Projected, Row]]:
    match fact:
        case Registered():
            relation = {"scheme": fact.scheme, "area": area, "capacity": fact.capacity, "plan_year": fact.plan_year}
            yield Relation, {**relation, "starts": fact.on}
        case Paid():
            days = {"paid_on": fact.on, "arrived_on": fact.arrival}
            what = {"kind": fact.kind, "payer": fact.payer, "amount": fact.amount}
            yield Payment, {"scheme": fact.scheme, "area": area, "plan_year": fact.plan_year, **what, **days}
        case RefundConfirmed():
            year = {"scheme": fact.scheme, "area": area, "plan_year": fact.plan_year}
            yield RefundPaid, {**year, "amount": fact.amount, "paid_on": fact.on}


def of_slot(record: Record, name: str, slot: Slot) -> Row | None:
    """The row of an effect, in the table of its kind; None once the life has forgotten what it said."""
    if not slot.payload:
        return None
    content = json.loads(slot.payload)
    return {
        "person": record.person,
        "slot": name,
        "generation": slot.generation,
        "state": state_of(slot),
        "recorded_sequence": record.sequence,
        "recorded_on": record.recorded_on,
        "changed_on": record.recorded_on,
        **_content(slot.kind, content),
    }


def state_of(slot: Slot) -> str:
    """How a clerk says where an effect stands."""
    if slot.held is not Hold.NONE:
        return slot.held
    return "taken_back" if slot.state in (SlotState.WITHDRAWING, SlotState.WITHDRAWN) else "asked"


def _content(kind: EffectKind, content: Row) -> Row:
    match kind:
        case EffectKind.LEVY:
            named = ("scheme", "area", "plan_year", "part")
            return {**_some(content, named), "amount": fen(content["amount"]), "due": _day(content["due"])}
        case EffectKind.REFUND:
            row = _some(content, ("scheme", "area", "plan_year"))
            return {**row, "recipient": content["to"], "amount": fen(content["amount"])}
        case EffectKind.TRANSFER:
            row = _some(content, ("scheme", "from_area", "to_area"))
            return {**row, "requested_on": _day(content["requested_on"])}
        case EffectKind.DUPLICATE:
            row = _some(content, ("scheme", "area"))
            return {**row, "reported_on": _day(content["reported_on"]), "action": content["action"] or ""}
        case EffectKind.NOTICE:
            return {"recipient": content["to"], "matter": content["matter"], "on": _day(content["on"])}


def _some(content: Row, names: tuple[str, ...]) -> Row:
    return {name: content[name] for name in names}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
