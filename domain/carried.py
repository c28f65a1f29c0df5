"""What a life hands to its next run: everything it knows, compressed, so that ninety years fit into one message."""

from __future__ import annotations

import base64
import zlib

from domain.life import Life, Slot, SlotState


def at_rest(slot: Slot) -> bool:
    """Whether a slot wants nothing more by itself."""
    return slot.state in (SlotState.DONE, SlotState.WITHDRAWN) and not slot.held


def pack(life: Life) -> Life:
    """The life as it is sent to its next run. Slots at rest become text, which a cached life holds more cheaply."""
    resting = {name: slot for name, slot in life.slots.items() if at_rest(slot)}
    whole = life.model_copy(
        update={
            "slots": {name: slot for name, slot in life.slots.items() if name not in resting},
            "settled_slots": {
                **life.settled_slots,
                **{name: as_text(slot) for name, slot in resting.items()},
            },
        }
    )
    text = whole.model_dump_json(exclude_defaults=True)
    return Life(
        key=life.key,
        schema_version=life.schema_version,
        clock_shift_days=life.clock_shift_days,
        runs=life.runs,
        packed=base64.b85encode(zlib.compress(text.encode(), 9)).decode(),
    )


def unpack(life: Life) -> Life:
    """The life as it was packed; one that was not packed is itself."""
    if not life.packed:
        return life
    return Life.model_validate_json(zlib.decompress(base64.b85decode(life.packed)))


def as_text(slot: Slot) -> str:
    """A slot at rest, as a life holds it."""
    return slot.model_dump_json(exclude_defaults=True)


def settled_slot(life: Life, name: str) -> Slot | None:
    """A slot of an earlier run that wanted nothing more."""
    text = life.settled_slots.get(name)
    return None if text is None else Slot.model_validate_json(text)
