"""Hearing: what a signal says, or that it cannot be read.

The SDK drops a signal whose content does not convert. That is right for what was never sealed or was changed; but what
only waits for a key must not be lost, nor be heard the second time that the history is read: then the task is tried
again until the key is back.
"""

from __future__ import annotations

from typing import TypeVar

from temporalio import workflow
from temporalio.common import RawValue

from domain.unreadable import ENCODING, HEALING, KIND

T = TypeVar("T")


def heard(message: RawValue, kind: type[T]) -> T | None:
    """What a signal says; None for what nobody will ever be able to read."""
    metadata = message.payload.metadata
    if metadata.get("encoding", b"").decode() == ENCODING:
        if metadata.get(KIND, b"").decode() in HEALING:
            raise RuntimeError("a signal cannot be read until its key is back")
        return None
    try:
        said: T = workflow.payload_converter().from_payload(message.payload, kind)
    except ValueError:
        return None
    return said
