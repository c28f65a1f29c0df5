"""What an operator sees of a life in the Web UI beyond the assessment's own words: effects, trouble, attributes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from temporalio.common import SearchAttributeKey

from domain.bilingual import Text
from domain.civil_time import first_instant
from domain.life import Deadline, Hold, Life, Slot, SlotState, Step
from workflows.search_attributes import (
    COHORT,
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
_HOLD_NAMES = {
    Hold.VOID: Text("已作废", "void"),
    Hold.WRITTEN_OFF: Text("已核销", "written off"),
    Hold.SETTLED: Text("线下办结", "settled by other means"),
}
PENDING = (SlotState.WANTED, SlotState.SENT, SlotState.WITHDRAWING)


def details(assessed: str, life: Life, record_trouble: str) -> str:
    """Markdown: the assessment's words, then what waits for a second person, and every effect that is not settled."""
    lines = [f"**{life.holder}**\n", assessed] if life.holder else [assessed]
    if life.proposals:
        lines.append("\n**待复核 · To be approved**\n")
    lines.extend(
        f"- `{proposal.id}` {proposal.verb} ({proposal.actor}, {proposal.on}) ≤ {proposal.lapses_on}"
        for proposal in life.proposals.values()
    )
    shown = [(name, slot) for name, slot in life.slots.items() if slot.state in PENDING or slot.held or slot.trouble]
    if shown or record_trouble:
        lines.append("\n**办理中 · Under way**\n")
    lines.extend(f"- {_line(name, slot)}" for name, slot in shown)
    if record_trouble:
        lines.append(f"- 登记入库未成功 · the registry has not taken the record: {record_trouble}; `retry registry`")
    return "\n".join(lines)


def _line(name: str, slot: Slot) -> str:
    state = _HOLD_NAMES[slot.held] if slot.held else _STATE_NAMES[slot.state]
    line = f"`{name}` {slot.summary}: {state.both()}"
    if slot.trouble:
        line += f" — {slot.trouble}"
    if slot.failing_since:
        line += f" (自 · since {slot.failing_since}; `retry`)"
    return line


def attributes(
    life: Life, step: Step, deadlines: Sequence[Deadline], today: date
) -> dict[SearchAttributeKey[Any], Any]:
    """What the search attributes must say; None for one that says nothing."""
    ahead = [deadline.on for deadline in deadlines if deadline.wake_on > today]
    troubled = [slot for slot in life.slots.values() if slot.trouble]
    matters = {deadline.matter for deadline in deadlines}
    matters |= {f"question:{item.question}" for item in step.parked}
    matters |= {f"effect:{slot.kind}" for slot in troubled}
    return {
        POOLING_AREA: step.area,
        ENROLLMENT_STATUS: str(step.status),
        OPEN_MATTERS: sorted(matters) or None,
        NEXT_DEADLINE: first_instant(min(ahead)) if ahead else None,
        PARKED: bool(step.parked or troubled or life.proposals),
        COHORT: step.cohort or None,
        PERSON_KEY: life.key,
    }
