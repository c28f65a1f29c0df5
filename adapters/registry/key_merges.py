"""Two keys that are one person: joined by a decision only, and taken apart again by another."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from adapters.registry.database import Database
from adapters.registry.people_tables import Document, KeyMerge
from adapters.registry.tables import Person
from domain.errors import Refused

_LOOKED_UP = 500


@dataclass(frozen=True, slots=True)
class Merging:
    """A decision about two keys."""

    person: str
    into: str
    on: date
    by: str
    reason: str
    parted_on: date | None


def canonical(session: Session, person: str) -> str:
    """The key under which a person's life runs: the key itself, or the one that it was merged into."""
    into = session.exec(
        select(KeyMerge.into).where(KeyMerge.person == person, col(KeyMerge.parted_on).is_(None))
    ).first()
    return into or person


def canonical_of(session: Session, people: Collection[str]) -> dict[str, str]:
    """Of these keys, those that were merged into another one, and which."""
    found: dict[str, str] = {}
    names = sorted(people)
    for start in range(0, len(names), _LOOKED_UP):
        part = col(KeyMerge.person).in_(names[start : start + _LOOKED_UP])
        rows = session.exec(select(KeyMerge).where(part, col(KeyMerge.parted_on).is_(None)))
        found |= {row.person: row.into for row in rows}
    return found


class KeyMerges:
    """The decisions about keys. What is merged into another is never merged into a third, so one look is enough."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def canonical(self, person: str) -> str:
        """The key under which a person's life runs."""
        return await self._database.transaction(lambda session: canonical(session, person))

    async def known(self, person: str) -> bool:
        """Whether there is such a key: somebody's documents were seen, or something was recorded."""
        return await self._database.transaction(lambda session: _known(session, person))

    async def merge(self, person: str, into: str, on: date, by: str, reason: str) -> None:
        """Two keys are one person from now on. Said again, it changes nothing.

        Raises Refused where one of them is not known, is the other, or is merged with a third.
        """

        def write(session: Session) -> None:
            _hold(session, (person, into))
            for key in (person, into):
                if not _known(session, key):
                    raise Refused(f"there is no person {key}", f"没有{key}这个人")
            held = canonical(session, person)
            if held == into and held != person:
                return
            third = session.exec(
                select(KeyMerge).where(KeyMerge.into == person, col(KeyMerge.parted_on).is_(None))
            ).first()
            if person == into or held != person or canonical(session, into) != into or third is not None:
                raise Refused(
                    "one of these keys is the other, or is merged with a third already; part those first",
                    "两个登记号相同,或其一已与第三个合并;请先拆分",
                )
            session.add(KeyMerge(person=person, into=into, merged_on=on, merged_by=by, reason=reason))

        await self._database.transaction(write)

    async def part(self, person: str, on: date, by: str, reason: str) -> str:
        """A key is a person of its own again; the key that it was merged into. Said again, it changes nothing.

        Raises Refused where it was never merged.
        """

        def write(session: Session) -> str:
            rows = select(KeyMerge).where(KeyMerge.person == person).order_by(col(KeyMerge.id).desc())
            row = session.exec(rows.with_for_update()).first()
            if row is None:
                raise Refused(f"{person} is not merged into another key", f"{person}没有合并到其他登记号")
            if row.parted_on is not None:
                return row.into
            row.parted_on, row.parted_by, row.parting_reason = on, by, reason
            session.add(row)
            return row.into

        return await self._database.transaction(write)

    async def history(self, person: str) -> list[Merging]:
        """Every decision about a key, the oldest first."""

        def read(session: Session) -> list[Merging]:
            rows = select(KeyMerge).where((col(KeyMerge.person) == person) | (col(KeyMerge.into) == person))
            return [
                Merging(row.person, row.into, row.merged_on, row.merged_by, row.reason, row.parted_on)
                for row in session.exec(rows.order_by(col(KeyMerge.id)))
            ]

        return await self._database.transaction(read)


def _hold(session: Session, people: Sequence[str]) -> None:
    """Let nobody else decide about these keys until this is written: their documents are what both decisions need."""
    rows = select(Document).where(col(Document.person).in_(people)).order_by(Document.hash)
    session.exec(rows.with_for_update()).all()


def group(session: Session, person: str) -> list[str]:
    """A key, with those that were merged into it."""
    rows = select(KeyMerge.person).where(KeyMerge.into == person, col(KeyMerge.parted_on).is_(None))
    return [person, *session.exec(rows)]


def _known(session: Session, key: str) -> bool:
    held = select(Document.hash).where(Document.person == key).limit(1)
    return session.get(Person, key) is not None or session.exec(held).first() is not None
