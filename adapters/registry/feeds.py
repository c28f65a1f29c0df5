"""How far the feeds of other systems were read."""

from __future__ import annotations

from sqlmodel import Session

from adapters.registry.database import Database
from adapters.registry.tables import Feed


class Feeds:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self, name: str) -> int:
        """The last position that was read to the end; 0 for a feed that was never read."""

        def read(session: Session) -> int:
            row = session.get(Feed, name)
            return int(row.cursor) if row else 0

        return await self._database.transaction(read)

    async def advance(self, name: str, position: int) -> None:
        """Remember how far a feed was read. It never goes back."""

        def write(session: Session) -> None:
            row = session.get(Feed, name, with_for_update=True) or Feed(name=name, cursor="0")
            row.cursor = str(max(int(row.cursor), position))
            session.add(row)

        await self._database.transaction(write)
