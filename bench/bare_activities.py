"""The empty activities of the bare limit, and the sizes of what they carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from temporalio import activity


@dataclass
class Sizes:
    """Bytes of payload: what a life is told, what the rules answer, what it writes and what comes back."""

    report: int
    receipt: int
    step: int
    record: int
    levy: int


@dataclass
class BareInput:
    sizes: Sizes
    tax_queue: str


class BareActivities:
    """Activities that do nothing, and count how often."""

    def __init__(self, done: Callable[[int], None]) -> None:
        self._done = done

    @activity.defn(name="bare.local")
    async def local(self, size: int) -> str:
        return "x" * size

    @activity.defn(name="bare.read")
    async def read(self, key: str) -> str:
        self._done(1)
        return key

    @activity.defn(name="bare.regular")
    async def regular(self, text: str, covers: int) -> str:
        self._done(covers)
        return text[:40]
