"""The rules in force: those that came with the program, and those that were published since."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from domain.errors import Unavailable
from policy.pack_files import parse_pack
from policy.pack_library import PackLibrary

# A worker looks so often whether packs were published.
LOOK_SECONDS = 10.0


class PackText(Protocol):
    """A published pack: its name (area and file, as 130925/2026) and its text."""

    @property
    def name(self) -> str: ...

    @property
    def content(self) -> str: ...


class PublishedPacks(Protocol):
    """Where published packs are kept."""

    async def digest(self) -> str:
        """Names the set of published packs. Raises Unavailable."""

    async def texts(self) -> Sequence[PackText]:
        """The packs. Raises Unavailable."""


def with_published(own: PackLibrary, texts: Sequence[PackText]) -> PackLibrary:
    """The program's packs with published ones. Raises PackError where one is malformed or two clash."""
    return own.with_packs([parse_pack(text.content, Path(f"{text.name}.yaml")) for text in texts])


@dataclass
class PacksInForce:
    """The packs in force, read again when others were published."""

    own: PackLibrary
    published: PublishedPacks
    _digest: str = ""
    _library: PackLibrary | None = None
    _looked: float = field(default=float("-inf"))

    async def current(self, at_least: str) -> tuple[str, PackLibrary]:
        """The digest and the packs; looked up again after ten seconds, or where others than those at hand are named."""
        at_hand = self._library if at_least in ("", self._digest) else None
        if at_hand is not None and not self._stale():
            return self._digest, at_hand
        try:
            digest = await self.published.digest()
        except Unavailable:
            if at_hand is None:
                raise
            # Whether there are newer ones cannot be told while the registry is away; these are in force until then.
            return self._digest, at_hand
        library = self._library
        if library is None or digest != self._digest:
            library = with_published(self.own, await self.published.texts()) if digest else self.own
        self._library, self._digest, self._looked = library, digest, time.monotonic()
        return digest, library

    def _stale(self) -> bool:
        return time.monotonic() - self._looked > LOOK_SECONDS


@dataclass(frozen=True)
class FixedPacks:
    """Packs that never change, for tests and measurements."""

    library: PackLibrary

    async def current(self, at_least: str) -> tuple[str, PackLibrary]:
        return at_least, self.library
