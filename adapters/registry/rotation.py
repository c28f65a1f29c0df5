"""Rotation of keys: a new key for the ring, then documents, names and data keys under it, page by page.

It may be cut off and run again. What cannot be opened is left as it is and named; it holds up nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.registry.database import Database
from adapters.registry.identities import Identities


@dataclass(frozen=True, slots=True)
class Rotated:
    current: str
    """The id of the ring's key that wraps now."""
    lost: list[str]
    """What could not be opened: ids of data keys, hashes of documents, keys of people."""


async def rotate_keys(
    database: Database, identities: Identities, *, new_key: bool, page: int, advance: Callable[[], None]
) -> Rotated:
    """Add a key to the ring, and have it wrap every data key and seal every document and name.

    Raises ConfigurationError where the ring takes no key, Unavailable where it or the registry is away.
    """
    keys, lost = database.keys, list[str]()
    current = await keys.provider.rotate() if new_key else await keys.provider.current()
    place = "document:"
    while place:
        place, unread = await identities.seal_again(place, page)
        lost += unread
        advance()
    after: tuple[str, str] | None = ("", "")
    while after is not None:
        after, unread = await keys.rewrap(after, page)
        lost += unread
        advance()
    return Rotated(current, lost)
