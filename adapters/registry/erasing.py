"""Erasing who a person is from the registry: documents, name, and what files stated of them.

The ledger itself (cover, money, decisions) is the bureau's record and stays, under an opaque key that leads to nobody.
"""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlmodel import Session

from adapters.registry.database import Database
from adapters.registry.tables import Document, ImportLine, PersonName
from adapters.registry.together import table_of


async def erase_identity(database: Database, person: str) -> int:
    """Delete a person's documents and name, and the facts of lines that files brought; how many rows there were.

    Raises Unavailable.
    """

    def write(session: Session) -> int:
        connection = session.connection()
        documents, names, lines = table_of(Document), table_of(PersonName), table_of(ImportLine)
        gone = connection.execute(delete(documents).where(documents.c.person == person)).rowcount
        gone += connection.execute(delete(names).where(names.c.person == person)).rowcount
        gone += connection.execute(update(lines).where(lines.c.person == person).values(fact="")).rowcount
        return int(gone)

    count = await database.transaction(write)
    await database.scrub()
    return count
