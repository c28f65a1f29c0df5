"""What the registry keeps of senders: whose people are whose, what they asked for, which keys they used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlmodel import Session, col, select

from adapters.registry.database import Database
from adapters.registry.people_tables import KeyMerge, SenderPerson, UsedKey
from adapters.registry.tables import CoverageInterval, JournalFact, Person
from adapters.registry.together import table_of
from adapters.registry.writing import insert_of
from domain.errors import Conflict


class SenderPeople:
    """The people of whom a sender may speak as its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = insert_of(database.dialect, table_of(SenderPerson)).on_conflict_do_nothing()

    async def owned(self, sender: str, people: Sequence[str]) -> set[str]:
        """Which of these are the sender's own, by this key or by one that was merged into it."""
        asked = set(people)

        def read(session: Session) -> set[str]:
            merged = select(KeyMerge).where(col(KeyMerge.into).in_(asked), col(KeyMerge.parted_on).is_(None))
            into = {row.person: row.into for row in session.exec(merged)}
            rows = select(SenderPerson.person).where(
                SenderPerson.sender == sender, col(SenderPerson.person).in_(asked | into.keys())
            )
            return {into.get(person, person) for person in session.exec(rows)} & asked

        return await self._database.transaction(read)

    async def claim(self, sender: str, people: Sequence[str], on: date) -> None:
        """These are the sender's own from now on."""
        rows = [{"sender": sender, "person": person, "since": on} for person in sorted(set(people))]
        if rows:
            await self._database.transaction(lambda session: session.connection().execute(self._add, rows) and None)

    async def areas(self, person: str) -> set[str]:
        """The areas that a person belongs to: where they stand now, and where they were ever covered."""

        def read(session: Session) -> set[str]:
            held = session.get(Person, person)
            covered = session.exec(select(CoverageInterval.area).where(CoverageInterval.person == person))
            return {*covered, *([held.area] if held is not None and held.area else [])}

        return await self._database.transaction(read)

    async def reported_by(self, person: str, fact_id: str) -> str | None:
        """Who reported a fact; None where nothing is recorded of it."""

        def read(session: Session) -> str | None:
            row = session.get(JournalFact, (person, fact_id))
            return None if row is None else row.sender

        return await self._database.transaction(read)


class UsedKeys:
    """The Idempotency-Keys that senders used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = insert_of(database.dialect, table_of(UsedKey)).on_conflict_do_nothing()

    async def use(self, sender: str, key: str, digest: str, on: date) -> None:
        """Use a key for a request. Raises Conflict where it was used for another one."""

        def write(session: Session) -> None:
            row = {"sender": sender, "key": key, "digest": digest, "used_on": on}
            session.connection().execute(self._add, row)
            held = session.get(UsedKey, (sender, key))
            if held is not None and held.digest != digest:
                raise Conflict(
                    "this Idempotency-Key was used for another request; take a new one",
                    "此 Idempotency-Key 已用于另一请求,请换用新的",
                )

        await self._database.transaction(write)
