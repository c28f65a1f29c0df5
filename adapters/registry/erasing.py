"""Erasing who a person is from the registry: documents, name, and what files stated of them.

The ledger itself (cover, money, decisions) is the bureau's record and stays, under an opaque key that leads to nobody.
"""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlmodel import Session, select

from adapters.registry.database import Database
from adapters.registry.key_merges import canonical_of, group
from adapters.registry.people_tables import Document, PersonName
from adapters.registry.tables import ImportLine
from adapters.registry.together import table_of


async def keys_of_one_person(database: Database, person: str) -> list[str]:
    """Every key that is the same person's by decision, the one under which the life runs first."""

    def read(session: Session) -> list[str]:
        canonical = canonical_of(session, {person}).get(person, person)
        return [canonical, *sorted(set(group(session, canonical)) - {canonical})]

    return await database.transaction(read)


async def is_identified(database: Database, person: str) -> bool:
    """Whether the registry still knows who a key is."""

    def read(session: Session) -> bool:
        document = session.exec(select(Document.hash).where(Document.person == person).limit(1)).first()
        line = session.exec(select(ImportLine.line).where(ImportLine.person == person, ImportLine.fact != "").limit(1))
        return bool(document or session.get(PersonName, person) or line.first())

    return await database.transaction(read)


async def erase_identity(database: Database, person: str) -> int:
    """Delete a person's documents and name, and the facts of lines that files brought; how many rows there were.

    Raises Unavailable.
    """

    def write(session: Session) -> int:
        connection = session.connection()
        documents, names, lines = table_of(Document), table_of(PersonName), table_of(ImportLine)
        gone = connection.execute(delete(documents).where(documents.c.person == person)).rowcount
        gone += connection.execute(delete(names).where(names.c.person == person)).rowcount
        stated = (lines.c.person == person) & (lines.c.fact != "")
        gone += connection.execute(update(lines).where(stated).values(fact="")).rowcount
        return int(gone)

    return await database.transaction(write)
