"""A key ring and a store of data keys for tests, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.keys.ciphers import Cipher, new_key
from adapters.keys.data_keys import StoredKey
from adapters.keys.ring import HeldKeys, Wrapped
from domain.errors import Unavailable


class RingInMemory(HeldKeys):
    """A ring whose keys can be added and taken away."""

    def __init__(self, cipher: Cipher = Cipher.AES) -> None:
        self.cipher = cipher
        self._made = 1
        self.held: dict[str, tuple[Cipher, bytes]] = {"ring-1": (cipher, new_key(cipher))}

    async def begin(self) -> None:
        """It has begun."""

    async def rotate(self) -> str:
        self._made += 1
        name = f"ring-{self._made}"
        self.held[name] = (self.cipher, new_key(self.cipher))
        return name

    def keys(self) -> dict[str, tuple[Cipher, bytes]]:
        return self.held


RING = RingInMemory()
"""Of all registries of a test process."""


class StoreInMemory:
    """Wrapped keys in memory; it can be away."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], StoredKey] = {}
        self.closed: set[str] = set()
        self.away = False

    async def find(self, owner: str, made_under: str) -> StoredKey | None:
        self._answer()
        return self.held.get((owner, made_under))

    async def first(self, owner: str) -> StoredKey | None:
        return next((key for (name, _), key in self.held.items() if name == owner), None)

    async def keep(self, key: StoredKey) -> StoredKey:
        self._answer(key.owner)
        return self.held.setdefault((key.owner, key.made_under), key)

    async def still_kept(self, owner: str, made_under: str, chance: str) -> bool:
        self._answer(owner)
        held = self.held.get((owner, made_under))
        return held is not None and held.chance == chance

    async def any(self) -> bool:
        return bool(self.held)

    async def close(self, owner: str) -> None:
        self.closed.add(owner)

    async def erase(self, owner: str) -> int:
        gone = [place for place in self.held if place[0] == owner]
        for place in gone:
            del self.held[place]
        self.closed.discard(owner)
        return len(gone)

    async def wrapped(self) -> dict[str, int]:
        return {}

    async def not_wrapped_by(self, ring_key: str, after: tuple[str, str], limit: int) -> list[StoredKey]:
        return []

    async def rewrap(self, keys: Sequence[tuple[StoredKey, Wrapped]]) -> None:
        """Nothing is wrapped anew here."""

    def _answer(self, owner: str = "") -> None:
        if self.away or owner in self.closed:
            raise Unavailable("the registry does not answer")
