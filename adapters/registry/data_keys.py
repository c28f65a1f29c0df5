"""The registry's table of wrapped data keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from adapters.keys.data_keys import StoredKey
from adapters.keys.ring import Wrapped
from adapters.registry.tables import StoredDataKey
from adapters.registry.together import table_of
from adapters.registry.writing import insert_of

if TYPE_CHECKING:
    from adapters.registry.database import Database


_TABLE = table_of(StoredDataKey)
_FOUND = sql_select(_TABLE.c.wrapped_by, _TABLE.c.wrapped).where(
    _TABLE.c.owner == bindparam("of"), _TABLE.c.generation == bindparam("which")
)


class DataKeyTable:
    """Wrapped data keys in the registry; deleting a row shreds what its key sealed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = insert_of(database.dialect, _TABLE).on_conflict_do_nothing()

    async def find(self, owner: str, generation: str) -> StoredKey | None:
        def read(session: Session) -> StoredKey | None:
            # Without the mapper: this is asked for the first message of everybody.
            row = session.connection().execute(_FOUND, {"of": owner, "which": generation}).first()
            return None if row is None else StoredKey(owner, generation, Wrapped(row.wrapped_by, row.wrapped))

        return await self._database.transaction(read)

    async def first(self, owner: str) -> StoredKey | None:
        def read(session: Session) -> StoredKey | None:
            rows = select(StoredDataKey).where(StoredDataKey.owner == owner)
            row = session.exec(rows.order_by(col(StoredDataKey.made_at), col(StoredDataKey.generation))).first()
            return None if row is None else _stored(row)

        return await self._database.transaction(read)

    async def keep(self, key: StoredKey) -> StoredKey:
        row = {
            "owner": key.owner,
            "generation": key.generation,
            "wrapped_by": key.wrapped.by,
            "wrapped": key.wrapped.content,
            "made_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        }

        def write(session: Session) -> StoredKey:
            if session.connection().execute(self._add, row).rowcount == 1:
                return key
            held = session.get(StoredDataKey, (key.owner, key.generation))
            assert held is not None
            return _stored(held)

        return await self._database.transaction(write)

    async def any(self) -> bool:
        def read(session: Session) -> bool:
            return session.exec(select(StoredDataKey.owner).limit(1)).first() is not None

        return await self._database.transaction(read)

    async def erase(self, owner: str) -> int:
        def write(session: Session) -> int:
            return int(session.connection().execute(delete(_TABLE).where(_TABLE.c.owner == owner)).rowcount)

        return await self._database.transaction(write)

    async def wrapped(self) -> dict[str, int]:
        def read(session: Session) -> dict[str, int]:
            rows = select(StoredDataKey.wrapped_by, func.count()).group_by(col(StoredDataKey.wrapped_by))
            return {name: int(count) for name, count in session.exec(rows)}

        return await self._database.transaction(read)

    async def not_wrapped_by(self, ring_key: str, limit: int) -> list[StoredKey]:
        def read(session: Session) -> list[StoredKey]:
            rows = select(StoredDataKey).where(StoredDataKey.wrapped_by != ring_key)
            ordered = rows.order_by(col(StoredDataKey.owner), col(StoredDataKey.generation))
            return [_stored(row) for row in session.exec(ordered.limit(limit))]

        return await self._database.transaction(read)

    async def rewrap(self, keys: Iterable[StoredKey]) -> None:
        pairs = list(keys)

        def write(session: Session) -> None:
            for key in pairs:
                # One that was erased meanwhile stays erased.
                session.connection().execute(
                    update(_TABLE)
                    .where(_TABLE.c.owner == key.owner, _TABLE.c.generation == key.generation)
                    .values(wrapped_by=key.wrapped.by, wrapped=key.wrapped.content)
                )

        await self._database.transaction(write)


def _stored(row: StoredDataKey) -> StoredKey:
    return StoredKey(row.owner, row.generation, Wrapped(row.wrapped_by, row.wrapped))
