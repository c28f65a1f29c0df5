"""How far the feeds of other systems were read."""

from __future__ import annotations

from adapters.registry.database import Database
from adapters.registry.tables import Feed


class Feeds:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self, name: str) -> int:
        """The last position that was read to the end; 0 for a feed that was never read."""
        async with self._database.transaction() as session:
            row = await session.get(Feed, name)
            return int(row.cursor) if row else 0

    async def advance(self, name: str, position: int) -> None:
        """Remember how far a feed was read. It never goes back."""
        async with self._database.transaction() as session:
            row = await session.get(Feed, name) or Feed(name=name, cursor="0")
            row.cursor = str(max(int(row.cursor), position))
            session.add(row)
