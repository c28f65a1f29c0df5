"""Policy packs that came into force while the program runs. Every worker reads them from here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from adapters.registry.database import Database
from adapters.registry.tables import PublishedPack


@dataclass(frozen=True, slots=True)
class PackText:
    """A pack as it was published; `name` is area and file, as 130925/2026."""

    name: str
    content: str


class PublishedPacks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def digest(self) -> str:
        """Names the set of packs that are published; empty where none is."""
        return digest_of(await self.texts())

    async def texts(self) -> list[PackText]:
        """The latest text of every published pack, by name."""

        def read(session: Session) -> list[PackText]:
            rows = session.exec(select(PublishedPack).order_by(col(PublishedPack.number)))
            latest = {row.pack: PackText(row.pack, row.content) for row in rows}
            return [latest[name] for name in sorted(latest)]

        return await self._database.transaction(read)

    async def version(self, names: Sequence[str]) -> int:
        """The number of the latest publication of any of these packs; 0 before the first."""

        def read(session: Session) -> int:
            rows = select(PublishedPack.number).where(col(PublishedPack.pack).in_(names))
            return max((number or 0 for number in session.exec(rows)), default=0)

        return await self._database.transaction(read)

    async def publish(self, packs: Sequence[PackText], by: str, reason: str) -> str:
        """Publish packs, in one transaction; the same text again is no new version. The digest of the set."""

        def write(session: Session) -> None:
            rows = session.exec(select(PublishedPack).order_by(col(PublishedPack.number)))
            latest = {row.pack: row.digest for row in rows}
            for pack in packs:
                digest = _digest(pack.content)
                if latest.get(pack.name) != digest:
                    session.add(
                        PublishedPack(
                            pack=pack.name,
                            content=pack.content,
                            digest=digest,
                            published_by=by,
                            reason=reason,
                            published_at=datetime.now(UTC).isoformat(timespec="seconds"),
                        )
                    )

        await self._database.transaction(write)
        return await self.digest()


def digest_of(texts: Sequence[PackText]) -> str:
    """Names a set of published packs; empty for none."""
    if not texts:
        return ""
    return _digest("\0".join(f"{text.name}\0{text.content}" for text in texts))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
