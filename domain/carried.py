"""What a life hands to its next run: everything it knows, compressed, so that ninety years fit into one message."""

from __future__ import annotations

import base64
import zlib

from domain.life import Life, Slot, SlotState

_AT_REST = (SlotState.DONE, SlotState.WITHDRAWN)


def pack(life: Life) -> Life:
    """The life as it is sent to its next run. Slots at rest become text, which a cached life holds more cheaply."""
    at_rest = {name: slot for name, slot in life.slots.items() if slot.state in _AT_REST and not slot.held}
    whole = life.model_copy(
        update={
            "slots": {name: slot for name, slot in life.slots.items() if name not in at_rest},
            "settled_slots": {
                **life.settled_slots,
                **{name: slot.model_dump_json(exclude_defaults=True) for name, slot in at_rest.items()},
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


def settled_slot(life: Life, name: str) -> Slot | None:
    """A slot of an earlier run that wanted nothing more."""
    text = life.settled_slots.get(name)
    return None if text is None else Slot.model_validate_json(text)
