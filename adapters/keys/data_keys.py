"""Data keys: one per person, and a few for what belongs to nobody, each wrapped by the key ring.

A data key is drawn at random and stored wrapped, in the registry's table `data_key`; deleting its row makes all that it
sealed unreadable for ever (crypto-shredding). When the ring's current key changes, an owner gets a new data key with
the next thing that is sealed; the old one goes on opening what it sealed.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from adapters.keys.ciphers import Cipher, new_key
from adapters.keys.ring import KeyProvider, NoRing, Wrapped
from domain.errors import KeyMissing

HELD = 10_000
"""Data keys that a process holds at most."""
HELD_SECONDS = 600
"""How long it holds one: an erased key may go on opening things in another process for this long."""
_MISSED_SECONDS = 2


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key, in the clear. It is never stored, logged or shown."""

    id: str
    """Owner and generation: what stands beside a ciphertext."""
    cipher: Cipher
    secret: bytes

    def __repr__(self) -> str:
        return f"DataKey({self.id})"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A data key as it is stored."""

    owner: str
    generation: str
    """The ring's key that was current when it was made, and its cipher."""
    wrapped: Wrapped


class KeyStore(Protocol):
    """Where wrapped data keys are kept."""

    async def find(self, owner: str, generation: str) -> StoredKey | None: ...

    async def first(self, owner: str) -> StoredKey | None:
        """The first key of an owner that was kept."""
        ...

    async def keep(self, key: StoredKey) -> StoredKey:
        """Keep a key; the one that is kept, where another process was first."""
        ...

    async def any(self) -> bool:
        """Whether any key is kept."""
        ...

    async def erase(self, owner: str) -> int:
        """Delete all keys of an owner; how many there were."""
        ...

    async def wrapped(self) -> dict[str, int]:
        """How many keys each key of the ring wraps."""
        ...

    async def not_wrapped_by(self, ring_key: str, limit: int) -> list[StoredKey]:
        """Some keys that another key of the ring wraps."""
        ...

    async def rewrap(self, keys: Iterable[StoredKey]) -> None:
        """Keep the same keys in another wrapping."""
        ...


class DataKeys:
    """Finds and makes data keys, and holds those that were used lately."""

    def __init__(
        self,
        provider: KeyProvider,
        store: KeyStore,
        cipher: Cipher = Cipher.AES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider, self._store, self.cipher, self._now = provider, store, cipher, now
        self._held: OrderedDict[tuple[str, str], tuple[bytes, float]] = OrderedDict()
        self._lasting: dict[str, str] = {}
        self._missed: dict[tuple[str, str], float] = {}

    async def writing(self, owner: str) -> DataKey:
        """The key that seals for an owner now, made where there is none.

        Raises KeyMissing, ConfigurationError for a ring that cannot be used, Unavailable when store or ring are away.
        """
        generation = await self._generation()
        secret = self._remembered(owner, generation)
        if secret is None:
            # One question, for mostly the key is new: what is kept already, by another process, is what comes back.
            wrapped = await self.provider.wrap(new_key(self.cipher), owner)
            secret = await self._opened(await self._store.keep(StoredKey(owner, generation, wrapped)))
        return DataKey(f"{owner}/{generation}", self.cipher, secret)

    async def lasting(self, owner: str) -> DataKey:
        """The key that an owner keeps for ever, whatever becomes current: its first.

        Raises KeyMissing, ConfigurationError or Unavailable.
        """
        if owner not in self._lasting:
            found = await self._store.first(owner)
            self._lasting[owner] = (await self.writing(owner)).id if found is None else f"{owner}/{found.generation}"
        return await self.reading(self._lasting[owner])

    async def reading(self, key_id: str) -> DataKey:
        """The key of an id. Raises KeyMissing where it was erased or cannot be unwrapped, Unavailable."""
        owner, _, generation = key_id.partition("/")
        try:
            cipher = Cipher(generation.partition(".")[2])
        except ValueError:
            raise KeyMissing(_short(key_id)) from None
        secret = self._remembered(owner, generation)
        if secret is None:
            if self._missed.get((owner, generation), 0) > self._now():
                raise KeyMissing(_short(key_id))
            found = await self._store.find(owner, generation)
            if found is None:
                self._miss(owner, generation)
                raise KeyMissing(_short(key_id))
            secret = await self._opened(found)
        return DataKey(key_id, cipher, secret)

    async def erase(self, owner: str) -> int:
        """Destroy an owner's keys: nothing that they sealed can be read again. How many there were."""
        for place in [place for place in self._held if place[0] == owner]:
            del self._held[place]
        return await self._store.erase(owner)

    async def knows(self, owner: str) -> bool:
        """Whether there is any key of an owner."""
        return await self._store.first(owner) is not None

    async def wrapped(self) -> dict[str, int]:
        """How many data keys each key of the ring wraps."""
        return await self._store.wrapped()

    async def rewrap(self, page: int) -> int:
        """Wrap a page of keys by the ring's current key; how many were wrapped by another one."""
        current = await self.provider.current()
        keys = await self._store.not_wrapped_by(current, page)
        await self._store.rewrap(
            [
                StoredKey(
                    key.owner,
                    key.generation,
                    await self.provider.wrap(await self.provider.unwrap(key.wrapped, key.owner), key.owner),
                )
                for key in keys
            ]
        )
        return len(keys)

    async def _generation(self) -> str:
        try:
            current = await self.provider.current()
        except NoRing:
            if await self._store.any():
                raise  # keys were wrapped by a ring that is not here: a new one would open none of them
            await self.provider.begin()
            current = await self.provider.current()
        return f"{current}.{self.cipher.value}"

    async def _opened(self, found: StoredKey) -> bytes:
        try:
            secret = await self.provider.unwrap(found.wrapped, found.owner)
        except NoRing:
            raise KeyMissing(found.wrapped.by) from None
        self._held[found.owner, found.generation] = (secret, self._now() + HELD_SECONDS)
        while len(self._held) > HELD:
            self._held.popitem(last=False)
        return secret

    def _remembered(self, owner: str, generation: str) -> bytes | None:
        held = self._held.get((owner, generation))
        if held is None:
            return None
        if held[1] <= self._now():
            del self._held[owner, generation]
            return None
        self._held.move_to_end((owner, generation))
        return held[0]

    def _miss(self, owner: str, generation: str) -> None:
        """An unknown key is not asked for again at once, however often it is named."""
        if len(self._missed) > HELD:
            self._missed.clear()
        self._missed[owner, generation] = self._now() + _MISSED_SECONDS


def _short(key_id: str) -> str:
    """A key's id as an error may name it: it comes from outside, and may be anything."""
    return "".join(character for character in key_id[:120] if character.isalnum() or character in "/.-_")
