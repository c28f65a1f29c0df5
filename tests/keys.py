"""A key ring for tests, in memory."""

from __future__ import annotations

from adapters.keys.ciphers import Cipher, new_key
from adapters.keys.ring import HeldKeys


class RingInMemory(HeldKeys):
    """A ring whose keys can be added and taken away."""

    def __init__(self, cipher: Cipher = Cipher.AES) -> None:
        self.cipher = cipher
        self.held: dict[str, tuple[Cipher, bytes]] = {"ring-1": (cipher, new_key(cipher))}

    async def begin(self) -> None:
        """It has begun."""

    async def rotate(self) -> str:
        name = f"ring-{len(self.held) + 1}"
        self.held[name] = (self.cipher, new_key(self.cipher))
        return name

    def keys(self) -> dict[str, tuple[Cipher, bytes]]:
        return self.held


RING = RingInMemory()
"""Of all registries of a test process."""
