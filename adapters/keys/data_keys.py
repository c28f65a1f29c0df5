"""Data keys: one per person, and a few for what belongs to nobody, each wrapped by the key ring.

A data key is drawn at random and stored wrapped, in the registry's table `data_key`; deleting its row makes all that it
sealed unreadable for ever (crypto-shredding). When the ring's current key changes, an owner gets a new data key with
the next thing that is sealed; the old one goes on opening what it sealed.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.keys.ciphers import Cipher, new_key
from adapters.keys.ring import KeyProvider, NoRing, Wrapped
from domain.errors import ConfigurationError, KeyMissing, Unavailable

HELD = 10_000
"""Data keys that a process holds at most."""
HELD_SECONDS = 600
"""How long it holds one: an erased key may go on opening things in another process for this long."""
SEALING_SECONDS = 20
"""How long it seals with one without asking whether it is still kept: then nothing is sealed with an erased key."""
_FAILED_SECONDS = 2
# A key's id ends with these many hexadecimal digits of chance: a key that is made again is never taken for the first.
_CHANCE_BYTES = 4


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
    made_under: str
    """The ring's key that was current when it was made, and its cipher. An owner has one key under each."""
    chance: str
    """By chance, so that ids are never used twice."""
    wrapped: Wrapped
    closed: bool = False
    """Whether its owner is being erased, so that it may open and no longer seal."""

    @property
    def id(self) -> str:
        return f"{self.owner}/{self.made_under}.{self.chance}"


class KeyStore(Protocol):
    """Where wrapped data keys are kept."""

    async def find(self, owner: str, made_under: str) -> StoredKey | None: ...

    async def first(self, owner: str) -> StoredKey | None:
        """The first key of an owner that was kept."""
        ...

    async def keep(self, key: StoredKey) -> StoredKey:
        """Keep a key; the one that is kept, where another process was first.

        Raises Unavailable while the owner is being erased.
        """
        ...

    async def still_kept(self, owner: str, made_under: str, chance: str) -> bool:
        """Whether a key is still kept, and may seal. Raises Unavailable while the owner is being erased."""
        ...

    async def any(self) -> bool:
        """Whether any key is kept."""
        ...

    async def close(self, owner: str) -> None:
        """From now on, keep no key of an owner and let none of them seal: the owner is being erased."""
        ...

    async def erase(self, owner: str) -> int:
        """Delete all keys of an owner, who may be begun anew; how many there were."""
        ...

    async def wrapped(self) -> dict[str, int]:
        """How many keys each key of the ring wraps."""
        ...

    async def not_wrapped_by(self, ring_key: str, after: tuple[str, str], limit: int) -> list[StoredKey]:
        """Some keys that another key of the ring wraps, in order, those after an owner's."""
        ...

    async def rewrap(self, keys: Sequence[tuple[StoredKey, Wrapped]]) -> None:
        """Keep the same keys in another wrapping, those that are still kept in this one."""
        ...


@dataclass(slots=True)
class _Sealing:
    """The key with which an owner's things are sealed, and until when that is certain."""

    key: DataKey
    chance: str
    until: float


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
        self._sealing: OrderedDict[tuple[str, str], _Sealing] = OrderedDict()
        self._held: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._lasting: dict[str, str] = {}
        self._failed: dict[str, tuple[float, Unavailable | ConfigurationError]] = {}

    async def writing(self, owner: str) -> DataKey:
        """The key that seals for an owner now, made where there is none.

        Raises KeyMissing, ConfigurationError for a ring that cannot be used, Unavailable when store or ring are away,
        or while the owner is being erased.
        """
        made_under = await self._made_under()
        sealing = self._sealing.get((owner, made_under))
        if sealing is not None and sealing.until > self._now():
            return sealing.key
        if sealing is not None and await self._store.still_kept(owner, made_under, sealing.chance):
            sealing.until = self._now() + SEALING_SECONDS
            return sealing.key
        # One question, for mostly the key is new: what is kept already, by another process, is what comes back.
        wrapped = await self.provider.wrap(new_key(self.cipher), owner)
        found = await self._store.keep(StoredKey(owner, made_under, secrets.token_hex(_CHANCE_BYTES), wrapped))
        key = DataKey(found.id, self.cipher, await self._opened(found))
        self._seal_with(key, found)
        return key

    async def lasting(self, owner: str) -> DataKey:
        """The key that an owner keeps for ever, whatever becomes current: its first.

        Raises KeyMissing, ConfigurationError or Unavailable.
        """
        if owner not in self._lasting:
            found = await self._store.first(owner)
            self._lasting[owner] = (await self.writing(owner)).id if found is None else found.id
        return await self.reading(self._lasting[owner])

    async def reading(self, key_id: str) -> DataKey:
        """The key of an id. Raises KeyMissing where it was erased or cannot be unwrapped, Unavailable."""
        owner, made_under, chance, cipher = _parts(key_id)
        held = self._held.get(key_id)
        if held is not None and held[1] > self._now():
            self._held.move_to_end(key_id)
            return DataKey(key_id, cipher, held[0])
        failed = self._failed.get(key_id)
        if failed is not None and failed[0] > self._now():
            raise failed[1]
        try:
            found = await self._store.find(owner, made_under)
            if found is None or found.chance != chance:
                raise KeyMissing(_short(key_id))
            key = DataKey(key_id, cipher, await self._opened(found))
            if not found.closed and made_under == await self._made_under():
                self._seal_with(key, found)  # what was opened is answered: the key need not be asked for again
            return key
        except (Unavailable, ConfigurationError) as error:
            # A history names one key hundreds of times; it is not asked for as often while it cannot be had.
            if len(self._failed) > HELD:
                self._failed.clear()
            self._failed[key_id] = (self._now() + _FAILED_SECONDS, error)
            raise

    async def close(self, owner: str) -> None:
        """Have no process seal anything for an owner any more, from `SEALING_SECONDS` on. `erase` ends it."""
        self._forget(owner)
        await self._store.close(owner)

    async def erase(self, owner: str) -> int:
        """Destroy an owner's keys: nothing that they sealed can be read again. How many there were."""
        self._forget(owner)
        return await self._store.erase(owner)

    async def knows(self, owner: str) -> bool:
        """Whether there is any key of an owner."""
        return await self._store.first(owner) is not None

    async def wrapped(self) -> dict[str, int]:
        """How many data keys each key of the ring wraps."""
        return await self._store.wrapped()

    async def rewrap(self, after: tuple[str, str], page: int) -> tuple[tuple[str, str] | None, list[str]]:
        """Wrap a page of keys by the ring's current key.

        Where the next page begins, None after the last; and the ids of the keys that could not be unwrapped, which
        stay as they are.
        """
        keys = await self._store.not_wrapped_by(await self.provider.current(), after, page)
        done: list[tuple[StoredKey, Wrapped]] = []
        lost = []
        for key in keys:
            try:
                secret = await self.provider.unwrap(key.wrapped, key.owner)
            except KeyMissing:
                lost.append(key.id)
            else:
                done.append((key, await self.provider.wrap(secret, key.owner)))
        await self._store.rewrap(done)
        return ((keys[-1].owner, keys[-1].made_under) if keys else None), lost

    async def _made_under(self) -> str:
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
        self._held[found.id] = (secret, self._now() + HELD_SECONDS)
        while len(self._held) > HELD:
            self._held.popitem(last=False)
        return secret

    def _seal_with(self, key: DataKey, found: StoredKey) -> None:
        place = (found.owner, found.made_under)
        self._sealing[place] = _Sealing(key, found.chance, self._now() + SEALING_SECONDS)
        self._sealing.move_to_end(place)
        while len(self._sealing) > HELD:
            self._sealing.popitem(last=False)

    def _forget(self, owner: str) -> None:
        for place in [place for place in self._sealing if place[0] == owner]:
            del self._sealing[place]
        for key_id in [key_id for key_id in self._held if key_id.startswith(f"{owner}/")]:
            del self._held[key_id]


def _parts(key_id: str) -> tuple[str, str, str, Cipher]:
    """Owner, what it was made under, chance and cipher of a key's id. Raises KeyMissing for what is none."""
    owner, _, rest = key_id.partition("/")
    made_under, _, chance = rest.rpartition(".")
    try:
        return owner, made_under, chance, Cipher(made_under.rpartition(".")[2])
    except ValueError:
        raise KeyMissing(_short(key_id)) from None


def _short(key_id: str) -> str:
    """A key's id as an error may name it: it comes from outside, and may be anything."""
    return "".join(character for character in key_id[:120] if character.isalnum() or character in "/.-_")
