"""What an operator reads of a life in the Web UI, where the assessment's own words end: effects and their trouble."""

from __future__ import annotations

from collections.abc import Mapping

from domain.bilingual import Text
from domain.life import Slot, SlotState

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


def open_matters(matters: list[str], questions: list[str], slots: Mapping[str, Slot]) -> list[str]:
    """The values of the OpenMatters attribute, in a fixed order and without repetition."""
    effects = [f"effect:{slot.kind}" for slot in slots.values() if slot.trouble and slot.state in PENDING]
    return sorted({*matters, *(f"question:{question}" for question in questions), *effects})
