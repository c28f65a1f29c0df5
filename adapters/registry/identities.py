"""Whose document this is: from a document's keyed hash to the opaque person key.

The key is made once, from the first document that is seen of a person, and never again; every later document is
mapped to it. Two documents are the same only where kind and number are: names and birthdays are never compared, and
what is missing equals nothing. The document itself is kept encrypted, for whoever may see it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import insert, select, update
from sqlmodel import Session
from sqlmodel import select as select_rows

from adapters.keys.ciphers import KeyedHash, keyed_hash
from adapters.keys.data_keys import DataKey
from adapters.registry.database import Contradiction, Database
from adapters.registry.key_merges import canonical_of, group
from adapters.registry.people_tables import Document, PersonName
from adapters.registry.sealed_people import (
    OWNER,
    hidden_document,
    hidden_name,
    sealed_holder,
    shown_document,
    shown_name,
)
from adapters.registry.together import table_of
from adapters.registry.writing import insert_of
from domain.civil_time import current_day
from domain.errors import ConfigurationError, ContractError, KeyMissing, Refused
from domain.identity_documents import ONE_IN_A_LIFETIME, IdentityDocument

# Before a hash by SM3; one by SHA-256 has nothing before it.
_SM3 = "sm3:"
_LOOKED_UP = 500
# Of several who write the same documents for the first time at once, each that loses finds more of them the next time.
_TRIES = 5


class Identities:
    """The registry's index of identity documents, and of names."""

    def __init__(self, database: Database, secret: bytes, hashed: KeyedHash = KeyedHash.SHA256) -> None:
        self._database = database
        self._secret = secret
        self._hashed = hashed

    async def person(self, documents: Sequence[IdentityDocument], name: str = "") -> str:
        """The key of the person who holds these documents; a first document makes one. A name is kept with it.

        Raises ContractError without any document, Refused where they are known to belong to different people or one
        of them cannot be this person's, Unavailable without the registry.
        """
        (found,) = await self.people([documents], [name])
        if isinstance(found, Refused | ContractError):
            raise found
        return found

    async def people(
        self, holders: Sequence[Sequence[IdentityDocument]], names: Sequence[str] = ()
    ) -> list[str | Refused | ContractError]:
        """The keys of many people, in one transaction; an error in the place of those who have none.

        `names` are theirs in the same order, empty where none is known; nobody is found by a name.
        """
        key = await self._database.keys.writing(OWNER)

        def find(session: Session) -> list[str | Refused | ContractError]:
            found = self._find_all(session, holders, key)
            self._keep_names(session, found, names, key)
            return found

        for _ in range(_TRIES - 1):
            try:
                return await self._database.transaction(find)
            except Contradiction:
                continue  # somebody else wrote one of them meanwhile
        return await self._database.transaction(find)

    async def documents(self, person: str) -> list[IdentityDocument]:
        """The documents of a person, decrypted: personal data.

        Raises KeyMissing, ConfigurationError where the secret is not the one that they were encrypted with.
        """
        held = await self._database.transaction(lambda session: sealed_holder(session, person))
        rows = [row for row in held.documents if row.ciphertext is not None]
        return [await shown_document(self._database.keys, row, self._secret) for row in rows]

    async def name(self, person: str) -> str:
        """The name of a person, decrypted: personal data. Empty where none is known. Raises KeyMissing."""
        held = await self._database.transaction(lambda session: session.get(PersonName, person))
        return "" if held is None else await shown_name(self._database.keys, held)

    def digest(self, content: bytes) -> str:
        """A keyed digest, by which a content is known again that is not kept."""
        return keyed_hash(KeyedHash.SHA256, self._secret, b"content:" + content).hex()

    async def seal_again(self, after: str, limit: int) -> tuple[str, list[str]]:
        """Seal a page of documents and names with the current key, and find documents by the present hash.

        The place after which the next page begins, empty when all are done; and what cannot be opened, which stays as
        it is: hashes of documents, keys of people.
        """
        key = await self._database.keys.writing(OWNER)
        kind, _, place = after.partition(":")
        return await (self._seal_documents if kind == "document" else self._seal_names)(key, place, limit)

    async def _seal_documents(self, key: DataKey, after: str, limit: int) -> tuple[str, list[str]]:
        rows = await self._database.transaction(lambda session: _documents(session, after, limit))
        changed, lost = [], []
        for row in rows:
            if row.ciphertext is None or self._is_current(row, key):
                continue
            try:
                changed.append((row, await shown_document(self._database.keys, row, self._secret)))
            except (KeyMissing, ConfigurationError):
                lost.append(row.hash)
        await self._database.transaction(lambda session: self._reseal(session, changed, key))
        return (f"document:{rows[-1].hash}" if rows else "name:"), lost

    async def _seal_names(self, key: DataKey, after: str, limit: int) -> tuple[str, list[str]]:
        rows = await self._database.transaction(lambda session: _names(session, after, limit))
        changed, lost = [], []
        for row in rows:
            try:
                if row.sealed_by != key.id:
                    changed.append((row, await shown_name(self._database.keys, row)))
            except KeyMissing:
                lost.append(row.person)
        await self._database.transaction(lambda session: _rename(session, changed, key))
        return (f"name:{rows[-1].person}" if rows else ""), lost

    def _is_current(self, row: Document, key: DataKey) -> bool:
        return row.sealed_by == key.id and row.hash.startswith(_SM3) is (self._hashed is KeyedHash.SM3)

    def _reseal(self, session: Session, changed: Sequence[tuple[Document, IdentityDocument]], key: DataKey) -> None:
        table = table_of(Document)
        for row, item in changed:
            digest = self._hash("document", item, self._hashed)
            # A row that was erased or changed meanwhile is left.
            of = (table.c.hash == row.hash) & (table.c.ciphertext == row.ciphertext)
            values = {"hash": digest, "ciphertext": hidden_document(key, digest, item), "sealed_by": key.id}
            session.connection().execute(update(table).where(of).values(values))

    def _keep_names(
        self, session: Session, found: Sequence[str | Refused | ContractError], names: Sequence[str], key: DataKey
    ) -> None:
        today = current_day()
        rows = {
            person: {
                "person": person,
                "ciphertext": hidden_name(key, person, name),
                "sealed_by": key.id,
                "recorded_on": today,
            }
            for person, name in zip(found, names, strict=False)
            if isinstance(person, str) and name
        }
        if rows:
            statement = insert_of(self._database.dialect, table_of(PersonName))
            columns = ("ciphertext", "sealed_by", "recorded_on")
            again = statement.on_conflict_do_update(
                index_elements=["person"], set_={column: statement.excluded[column] for column in columns}
            )
            # In one order, so that two who write the same names never wait for each other.
            session.connection().execute(again, [rows[person] for person in sorted(rows)])

    def _find_all(
        self, session: Session, holders: Sequence[Sequence[IdentityDocument]], key: DataKey
    ) -> list[str | Refused | ContractError]:
        hashes = [{self._hash("document", item, self._hashed): item for item in documents} for documents in holders]
        known = _Known(session, self._digests(hashes))
        found: list[str | Refused | ContractError] = []
        for documents, digests in zip(holders, hashes, strict=True):
            try:
                found.append(self._find_or_add(known, documents, digests))
            except (Refused, ContractError) as error:
                found.append(error)
        if known.added:
            rows = [
                {
                    "hash": digest,
                    "kind": item.kind,
                    "person": person,
                    "ciphertext": hidden_document(key, digest, item),
                    "sealed_by": key.id,
                }
                # In one order, so that two who write the same documents never wait for each other.
                for digest, (item, person) in sorted(known.added.items(), key=lambda entry: entry[0])
            ]
            session.connection().execute(insert(table_of(Document)), rows)
        for digest, item in known.unshown.items():
            row_hash = known.without_ciphertext[digest]
            session.connection().execute(
                update(table_of(Document))
                .where(table_of(Document).c.hash == row_hash)
                .values(ciphertext=hidden_document(key, row_hash, item), sealed_by=key.id)
            )
        return found

    def _digests(self, hashes: Sequence[dict[str, IdentityDocument]]) -> dict[str, str]:
        """By every hash under which a document may be known, its hash of today."""
        other = KeyedHash.SM3 if self._hashed is KeyedHash.SHA256 else KeyedHash.SHA256
        items = {digest: item for row in hashes for digest, item in row.items()}
        before = {self._hash("document", item, other): digest for digest, item in items.items()}
        return {**{digest: digest for digest in items}, **before}

    def _find_or_add(
        self, known: _Known, documents: Sequence[IdentityDocument], hashes: dict[str, IdentityDocument]
    ) -> str:
        if not documents:
            raise ContractError("an identity document is expected", "应提供身份证件")
        owners = {known.owner(digest) for digest in hashes if digest in known.people}
        if len(owners) > 1:
            raise Refused(
                "these documents belong to two people; whether they are one, a person must decide",
                "这些证件分属两人;是否同一人,须由人决定",
            )
        new = {digest: item for digest, item in hashes.items() if digest not in known.people}
        key = owners.pop() if owners else known.begin(self._key(documents[0]))
        known.only_one(key, new.values())
        # Beside the document that it was shown with, so that keys which are parted again keep their own.
        beside = next((known.people[digest] for digest in hashes if digest in known.people), key)
        known.add(key, beside, new)
        known.unshown.update({digest: item for digest, item in hashes.items() if digest in known.without_ciphertext})
        return key

    def _hash(self, purpose: str, item: IdentityDocument, hashed: KeyedHash) -> str:
        digest = keyed_hash(hashed, self._secret, f"{purpose}:{item.kind}:{item.number}".encode()).hex()
        return f"{_SM3}{digest}" if hashed is KeyedHash.SM3 else digest

    def _key(self, item: IdentityDocument) -> str:
        digest = bytes.fromhex(self._hash("person", item, self._hashed).removeprefix(_SM3))[:15]
        return base64.b32encode(digest).decode().lower()


class _Known:
    """What is known of some documents, and what was added to it in this transaction."""

    def __init__(self, session: Session, digests: Mapping[str, str]) -> None:
        """`digests` are the hashes under which documents may be known, with their hashes of today."""
        self._session = session
        self.people: dict[str, str] = {}
        """By hash, whose it was said to be when it was first seen."""
        self.without_ciphertext: dict[str, str] = {}
        """By hash, that of the row which has no ciphertext."""
        self.unshown: dict[str, IdentityDocument] = {}
        self.added: dict[str, tuple[IdentityDocument, str]] = {}
        self._kinds: dict[str, list[str]] = {}
        table, hashes = table_of(Document), sorted(digests)
        for start in range(0, len(hashes), _LOOKED_UP):
            part = table.c.hash.in_(hashes[start : start + _LOOKED_UP])
            rows = session.connection().execute(select(table.c.hash, table.c.person, table.c.ciphertext).where(part))
            for row_hash, person, ciphertext in rows:
                self.people[digests[row_hash]] = person
                if ciphertext is None:
                    self.without_ciphertext[digests[row_hash]] = row_hash
        self._into = canonical_of(session, set(self.people.values()))

    def owner(self, digest: str) -> str:
        """The key under which the life of a document's holder runs."""
        person = self.people[digest]
        return self._into.get(person, person)

    def begin(self, person: str) -> str:
        """Somebody who is named for the first time, and holds nothing yet."""
        self._kinds.setdefault(person, [])
        return person

    def only_one(self, person: str, new: Iterable[IdentityDocument]) -> None:
        """Twins whom somebody gave one order of birth hold two certificates: they are not one person.

        Raises Refused.
        """
        for item in new:
            if item.kind in ONE_IN_A_LIFETIME and item.kind in self._held(person):
                raise Refused(
                    f"the person whom these documents name holds another {item.kind} already; whether they are two "
                    "people, or a number was corrected, a person must decide",
                    f"这些证件所指的人已有另一份同类证件({item.kind});是两人还是号码更正,须由人决定",
                )

    def add(self, person: str, beside: str, new: Mapping[str, IdentityDocument]) -> None:
        """Documents of a person, kept under the key that they were shown beside."""
        kinds = self._held(person)
        for digest, item in new.items():
            self.people[digest] = beside
            self.added[digest] = (item, beside)
            kinds.append(item.kind)

    def _held(self, person: str) -> list[str]:
        """The kinds of a person's documents, with those of the keys that were merged into it."""
        if person not in self._kinds:
            table = table_of(Document)
            people = group(self._session, person)
            rows = self._session.connection().execute(select(table.c.kind).where(table.c.person.in_(people)))
            self._kinds[person] = list(rows.scalars())
        return self._kinds[person]


def _documents(session: Session, after: str, limit: int) -> list[Document]:
    rows = select_rows(Document).where(Document.hash > after).order_by(Document.hash)
    return list(session.exec(rows.limit(limit)))


def _names(session: Session, after: str, limit: int) -> list[PersonName]:
    rows = select_rows(PersonName).where(PersonName.person > after).order_by(PersonName.person)
    return list(session.exec(rows.limit(limit)))


def _rename(session: Session, names: Sequence[tuple[PersonName, str]], key: DataKey) -> None:
    table = table_of(PersonName)
    for row, name in names:
        values = {"ciphertext": hidden_name(key, row.person, name), "sealed_by": key.id}
        of = (table.c.person == row.person) & (table.c.ciphertext == row.ciphertext)
        session.connection().execute(update(table).where(of).values(values))
