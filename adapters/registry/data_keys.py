"""The registry's table of wrapped data keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, delete, exists, func, literal, tuple_, update
from sqlalchemy import select as sql_select
from sqlmodel import Session

from adapters.keys.data_keys import StoredKey
from adapters.keys.ring import Wrapped
from adapters.registry.people_tables import ClosedOwner, StoredDataKey
from adapters.registry.together import table_of
from adapters.registry.writing import insert_of
from domain.errors import Unavailable

if TYPE_CHECKING:
    from adapters.registry.database import Database


_TABLE, _CLOSED = table_of(StoredDataKey), table_of(ClosedOwner)
# Without the mapper: these are asked for the first message of everybody.
_OF = (_TABLE.c.owner == bindparam("of")) & (_TABLE.c.made_under == bindparam("which"))
_BEING_ERASED = exists().where(_CLOSED.c.owner == _TABLE.c.owner)
_FOUND = sql_select(_TABLE, _BEING_ERASED.label("closed")).where(_OF)
_IS_CLOSED = sql_select(_CLOSED.c.owner).where(_CLOSED.c.owner == bindparam("of"))


class DataKeyTable:
    """Wrapped data keys in the registry; deleting a row shreds what its key sealed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = insert_of(database.dialect, _TABLE).on_conflict_do_nothing()
        self._close = insert_of(database.dialect, _CLOSED).on_conflict_do_nothing()

    async def find(self, owner: str, made_under: str) -> StoredKey | None:
        def read(session: Session) -> StoredKey | None:
            row = session.connection().execute(_FOUND, {"of": owner, "which": made_under}).first()
            return None if row is None else replace(_stored(row), closed=bool(row.closed))

        return await self._database.transaction(read)

    async def first(self, owner: str) -> StoredKey | None:
        def read(session: Session) -> StoredKey | None:
            rows = sql_select(_TABLE).where(_TABLE.c.owner == owner).order_by(_TABLE.c.made_at, _TABLE.c.made_under)
            row = session.connection().execute(rows).first()
            return None if row is None else _stored(row)

        return await self._database.transaction(read)

    async def keep(self, key: StoredKey) -> StoredKey:
        row = {
            "owner": key.owner,
            "made_under": key.made_under,
            "chance": key.chance,
            "wrapped_by": key.wrapped.by,
            "wrapped": key.wrapped.content,
            "made_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        }

        def write(session: Session) -> StoredKey:
            connection = session.connection()
            _refuse_closed(connection, key.owner)
            if connection.execute(self._add, row).rowcount == 1:
                return key
            return _stored(connection.execute(_FOUND, {"of": key.owner, "which": key.made_under}).one())

        return await self._database.transaction(write)

    async def still_kept(self, owner: str, made_under: str, chance: str) -> bool:
        def read(session: Session) -> bool:
            _refuse_closed(session.connection(), owner)
            row = session.connection().execute(_FOUND, {"of": owner, "which": made_under}).first()
            return row is not None and row.chance == chance

        return await self._database.transaction(read)

    async def any(self) -> bool:
        def read(session: Session) -> bool:
            return session.connection().execute(sql_select(_TABLE.c.owner).limit(1)).first() is not None

        return await self._database.transaction(read)

    async def close(self, owner: str) -> None:
        row = {"owner": owner, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        await self._database.transaction(lambda session: session.connection().execute(self._close, row) and None)

    async def erase(self, owner: str) -> int:
        def write(session: Session) -> int:
            connection = session.connection()
            count = connection.execute(delete(_TABLE).where(_TABLE.c.owner == owner)).rowcount
            connection.execute(delete(_CLOSED).where(_CLOSED.c.owner == owner))
            return int(count)

        return await self._database.transaction(write)

    async def wrapped(self) -> dict[str, int]:
        def read(session: Session) -> dict[str, int]:
            rows = sql_select(_TABLE.c.wrapped_by, func.count()).group_by(_TABLE.c.wrapped_by)
            return {name: int(count) for name, count in session.connection().execute(rows)}

        return await self._database.transaction(read)

    async def not_wrapped_by(self, ring_key: str, after: tuple[str, str], limit: int) -> list[StoredKey]:
        place = tuple_(_TABLE.c.owner, _TABLE.c.made_under)
        rows = sql_select(_TABLE).where(_TABLE.c.wrapped_by != ring_key, place > tuple_(*map(literal, after)))

        def read(session: Session) -> list[StoredKey]:
            found = session.connection().execute(rows.order_by(_TABLE.c.owner, _TABLE.c.made_under).limit(limit))
            return [_stored(row) for row in found]

        return await self._database.transaction(read)

    async def rewrap(self, keys: Sequence[tuple[StoredKey, Wrapped]]) -> None:
        def write(session: Session) -> None:
            for key, now in keys:
                # One that was erased, or made again, meanwhile stays as it is.
                same = (_TABLE.c.chance == key.chance) & (_TABLE.c.wrapped == key.wrapped.content)
                of = (_TABLE.c.owner == key.owner) & (_TABLE.c.made_under == key.made_under) & same
                change = update(_TABLE).where(of).values(wrapped_by=now.by, wrapped=now.content)
                session.connection().execute(change)

        await self._database.transaction(write)


def _refuse_closed(connection: Connection, owner: str) -> None:
    if connection.execute(_IS_CLOSED, {"of": owner}).first() is not None:
        raise Unavailable("this person is being erased; try again later", "正在删除此人的信息,请稍后再试")


def _stored(row: Any) -> StoredKey:
    return StoredKey(row.owner, row.made_under, row.chance, Wrapped(row.wrapped_by, row.wrapped))
