"""What an operator sees of a life in the Web UI beyond the assessment's own words: effects, trouble, attributes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from temporalio.common import SearchAttributeKey

from domain.bilingual import Text
from domain.civil_time import first_instant
from domain.life import Slot, SlotState, Step
from workflows.search_attributes import (
    ENROLLMENT_STATUS,
    NEXT_DEADLINE,
    OPEN_MATTERS,
    PARKED,
    PERSON_KEY,
    POOLING_AREA,
)

_STATE_NAMES = {
    SlotState.WANTED: Text("待发送", "to be sent"),
    SlotState.SENT: Text("已发送,待确认", "sent, not confirmed"),
    SlotState.DONE: Text("完成", "done"),
    SlotState.WITHDRAWING: Text("撤回中", "being taken back"),
    SlotState.WITHDRAWN: Text("已撤回", "taken back"),
}
PENDING = (SlotState.WANTED, SlotState.SENT, SlotState.WITHDRAWING)


def details(assessed: str, slots: Mapping[str, Slot], record_trouble: str) -> str:
    """Markdown: the assessment's words, then every effect that is not settled and why."""
    lines = [assessed]
    open_slots = [(name, slot) for name, slot in slots.items() if slot.state in PENDING]
    if open_slots or record_trouble:
        lines.append("\n**办理中 · Under way**\n")
    for name, slot in open_slots:
        trouble = f" — {slot.trouble}" if slot.trouble else ""
        lines.append(f"- {slot.summary or name}: {_STATE_NAMES[slot.state].both()}{trouble}")
    if record_trouble:
        lines.append(f"- 登记入库未成功 · the registry has not taken the record: {record_trouble}")
    return "\n".join(lines)


def attributes(key: str, step: Step, slots: Mapping[str, Slot], today: date) -> dict[SearchAttributeKey[Any], Any]:
    """What the search attributes must say; None for one that says nothing."""
    ahead = [deadline.on for deadline in step.deadlines if deadline.wake_on > today]
    troubled = [slot for slot in slots.values() if slot.trouble and slot.state in PENDING]
    matters = {deadline.matter for deadline in step.deadlines}
    matters |= {f"question:{item.question}" for item in step.parked}
    matters |= {f"effect:{slot.kind}" for slot in troubled}
    return {
        POOLING_AREA: step.area,
        ENROLLMENT_STATUS: str(step.status),
        OPEN_MATTERS: sorted(matters) or None,
        NEXT_DEADLINE: first_instant(min(ahead)) if ahead else None,
        PARKED: bool(step.parked or troubled),
        PERSON_KEY: key,
    }
