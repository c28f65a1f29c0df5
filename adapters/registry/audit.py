"""The audit journal (审计): who read or changed whose data, when, by which way, and why where a reason was demanded.

Append-only, and chained: each line carries a keyed hash of itself and of the line before it, so that a line which was
changed, taken out or put in is found. Who holds the database without the key cannot mend the chain. That the last lines
are missing is found by the chain's end, which is kept apart; noted elsewhere from time to time (`canbao audit verify`
prints it), it also shows that a whole older state was put back.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from adapters.registry.database import Database
from adapters.registry.people_tables import AuditEntry, AuditHead

_HEAD = "audit"
_OWNER = "audit"
_PAGE = 1000
_LONGEST_NAME, _LONGEST_TEXT = 100, 500
BREAK_THE_GLASS = "break the glass"
_Entry = dict[str, str]


class Way(StrEnum):
    """By which way somebody came."""

    API = "api"
    CONSOLE = "console"
    CODEC = "codec"


@dataclass(frozen=True, slots=True)
class Audited:
    """A line of the audit journal."""

    at: str
    sender: str
    act: str
    person: str
    outcome: str
    because: str
    way: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChainFound:
    """What the chain of the journal says."""

    lines: int
    """How many lines were looked at, those of earlier releases among them."""
    end: str
    """The digest of the last line: what to note elsewhere."""
    broken: str = ""
    """What is wrong, with the number of the line; empty where everything agrees."""


class AuditJournal:
    """Writes the journal, reads it and looks for what was changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[_Entry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(
        self,
        sender: str,
        act: str,
        *,
        person: str = "",
        refused: str = "",
        way: Way = Way.API,
        reason: str = "",
    ) -> None:
        """Add a line. Raises Unavailable: what cannot be written down is not done."""
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "sender": _clean(sender, _LONGEST_NAME),
            "act": _clean(act, _LONGEST_NAME * 2),
            "person": _clean(person, _LONGEST_NAME),
            "outcome": "refused" if refused else "done",
            "because": _clean(refused, _LONGEST_TEXT),
            "way": way.value,
            "reason": _clean(reason, _LONGEST_TEXT),
        }
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        await written

    async def _write_waiting(self) -> None:
        """Write what waits in one transaction: of many who look at once, each waits for one write and not for all."""
        try:
            while self._waiting:
                lines, self._waiting = self._waiting, []
                try:
                    await self._append([entry for entry, _ in lines])
                except Exception as error:
                    _tell(lines, error)
                else:
                    _tell(lines, None)
        finally:
            self._writing = None

    async def _append(self, entries: Sequence[_Entry]) -> None:
        secret = (await self._database.keys.lasting(_OWNER)).secret

        def add(session: Session) -> None:
            head = session.get(AuditHead, _HEAD, with_for_update=True) or _first_head(session, secret)
            for entry in entries:
                head.number += 1
                head.digest = _digest(secret, head.digest, [str(head.number), *entry.values()])
                session.add(AuditEntry.model_validate({**entry, "digest": head.digest}))
                session.flush()  # one after the other, so that their ids are in the order of the chain
            head.sealed = _sealed(secret, head)
            session.add(head)

        await self._database.transaction(add)

    async def of(self, sender: str, limit: int = 100) -> list[Audited]:
        """What somebody asked for, the latest first."""
        return await self.lines(sender=sender, limit=limit)

    async def lines(self, *, sender: str = "", person: str = "", limit: int = 100) -> list[Audited]:
        """Lines of the journal, the latest first; of one who asked, or about one person."""

        def read(session: Session) -> list[Audited]:
            rows = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
            if sender:
                rows = rows.where(AuditEntry.sender == sender)
            if person:
                rows = rows.where(AuditEntry.person == person)
            return [_audited(row) for row in session.exec(rows)]

        return await self._database.transaction(read)

    async def glass_broken(self, sender: str, person: str, within: timedelta) -> bool:
        """Whether somebody gave a reason lately to see a person whom they have no right to see."""
        since = (datetime.now(UTC) - within).isoformat(timespec="milliseconds")

        def read(session: Session) -> bool:
            rows = select(AuditEntry.id).where(AuditEntry.sender == sender, AuditEntry.person == person)
            rows = rows.where(AuditEntry.act == BREAK_THE_GLASS, AuditEntry.outcome == "done", AuditEntry.at >= since)
            return session.exec(rows.limit(1)).first() is not None

        return await self._database.transaction(read)

    async def verify(self, noted: str = "") -> ChainFound:
        """Compute the whole chain again; `noted` is an end of it that was noted earlier, which it must contain.

        Raises KeyMissing without the key of the journal.
        """
        secret = (await self._database.keys.lasting(_OWNER)).secret
        begun = await self._head()
        earlier = _Earlier(secret)
        digests: list[str] = []  # of the lines that were there when this began, and of those that came meanwhile
        digest, after = "" if begun is None else begun.earlier_digest, 0
        while page := await self._page(after):
            after = page[-1].id or 0
            for row in page:
                if not row.digest:
                    earlier.add(row)
                    continue
                digest = _digest(secret, digest, [str(len(digests) + 1), *_content(row)])
                digests.append(digest)
                if begun is not None and digest != row.digest:
                    broken = f"line {row.id} of {row.at} was changed, or one before it was taken out"
                    return ChainFound(len(digests) + earlier.count, "", broken)
        broken = _wrong(secret, begun, await self._head(), earlier, digests)
        if not broken and noted and noted not in digests:
            broken = "the end that was noted is not in it: an older state was put back, or all of it made anew"
        return ChainFound(len(digests) + earlier.count, digests[-1] if digests else "", broken)

    async def _head(self) -> AuditHead | None:
        return await self._database.transaction(lambda session: session.get(AuditHead, _HEAD))

    async def _page(self, after: int) -> list[AuditEntry]:
        def read(session: Session) -> list[AuditEntry]:
            rows = select(AuditEntry).where(col(AuditEntry.id) > after).order_by(col(AuditEntry.id)).limit(_PAGE)
            return list(session.exec(rows))

        return await self._database.transaction(read)


def _tell(lines: Iterable[tuple[_Entry, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, written in lines:
        if written.cancelled():
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)


class _Earlier:
    """Lines of releases that did not chain them, in one digest."""

    def __init__(self, secret: bytes) -> None:
        self._hash = hmac.new(secret, b"earlier", "sha256")
        self.count = 0

    def add(self, row: AuditEntry) -> None:
        self._hash.update(_packed([str(row.id), *_content(row)]))
        self.count += 1

    def digest(self) -> str:
        return self._hash.hexdigest()


def _wrong(
    secret: bytes, begun: AuditHead | None, now: AuditHead | None, earlier: _Earlier, digests: Sequence[str]
) -> str:
    """What is wrong with a chain whose lines follow from one another; empty where nothing is.

    Lines may be added while it is read: `begun` is its end from before, `now` the one from after.
    """
    if begun is None or now is None:
        return "the end of the chain is missing" if digests or earlier.count else ""
    if any(head.sealed != _sealed(secret, head) for head in (begun, now)):
        return "the end of the chain was changed"
    if begun.earlier < 0:
        return "the chain was begun anew although there was one: its end was taken out"
    if (earlier.count, earlier.digest()) != (begun.earlier, begun.earlier_digest):
        return "a line of before the chain was changed, added or taken out"
    if len(digests) < begun.number:
        return f"the last {begun.number - len(digests)} lines are missing"
    whole = [begun.earlier_digest, *digests]
    ends = [head for head in (begun, now) if head.number < len(whole)]
    return "the end of the chain was changed" if any(whole[head.number] != head.digest for head in ends) else ""


def _first_head(session: Session, secret: bytes) -> AuditHead:
    earlier, chained = _Earlier(secret), False
    for row in session.exec(select(AuditEntry).order_by(col(AuditEntry.id))):
        earlier.add(row)
        chained = chained or bool(row.digest)
    digest = earlier.digest()
    # There was a chain already, and somebody took its end out: that is sealed too.
    count = -1 if chained else earlier.count
    return AuditHead(name=_HEAD, number=0, digest=digest, earlier=count, earlier_digest=digest, sealed="")


def _content(row: AuditEntry) -> list[str]:
    return [row.at, row.sender, row.act, row.person, row.outcome, row.because, row.way, row.reason]


def _digest(secret: bytes, before: str, content: Iterable[str]) -> str:
    return hmac.new(secret, _packed([before, *content]), "sha256").hexdigest()


def _sealed(secret: bytes, head: AuditHead) -> str:
    return _digest(secret, "head", [str(head.number), head.digest, str(head.earlier), head.earlier_digest])


def _clean(text: str, longest: int) -> str:
    """Words as they may stand in one line: what is no character, and what moves a cursor, is replaced."""
    shown = text[:longest].encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "?" for character in shown)


def _packed(content: list[str]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def _audited(row: AuditEntry) -> Audited:
    return Audited(row.at, row.sender, row.act, row.person, row.outcome, row.because, row.way, row.reason)
