"""Whose document this is: from a document's keyed hash to the opaque person key.

The key is made once, from the first document that is seen of a person, and never again; every later document is
mapped to it. Two documents are the same only where kind and number are: names and birthdays are never compared, and
what is missing equals nothing. The document itself is kept encrypted, for whoever may see it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import insert, select, update
from sqlmodel import Session
from sqlmodel import select as select_rows

from adapters.registry.database import Contradiction, Database
from adapters.registry.key_merges import canonical_of, group
from adapters.registry.tables import Document
from adapters.registry.together import table_of
from domain.errors import ConfigurationError, ContractError, Refused
from domain.identity_documents import ONE_IN_A_LIFETIME, IdentityDocument, Kind

_NONCE_BYTES = 12
_LOOKED_UP = 500
# Of several who write the same documents for the first time at once, each that loses finds more of them the next time.
_TRIES = 5


class Identities:
    """The registry's index of identity documents."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self._secret = secret
        key = HKDF(SHA256(), length=32, salt=None, info=b"canbao identity documents").derive(secret)
        self._cipher = AESGCM(key)

    async def person(self, documents: Sequence[IdentityDocument]) -> str:
        """The key of the person who holds these documents; a first document makes one.

        Raises ContractError without any document, Refused where they are known to belong to different people or one
        of them cannot be this person's, Unavailable without the registry.
        """
        (found,) = await self.people([documents])
        if isinstance(found, Refused | ContractError):
            raise found
        return found

    async def people(self, holders: Sequence[Sequence[IdentityDocument]]) -> list[str | Refused | ContractError]:
        """The keys of many people, in one transaction; an error in the place of those who have none."""
        for _ in range(_TRIES - 1):
            try:
                return await self._database.transaction(lambda session: self._find_all(session, holders))
            except Contradiction:
                continue  # somebody else wrote one of them meanwhile
        return await self._database.transaction(lambda session: self._find_all(session, holders))

    async def documents(self, person: str) -> list[IdentityDocument]:
        """The documents of a person, decrypted: personal data.

        Raises ConfigurationError where the secret is not the one that they were encrypted with.
        """
        rows = await self._database.transaction(
            lambda session: list(
                session.exec(select_rows(Document).where(Document.person == person).order_by(Document.hash))
            )
        )
        return [self._shown(row) for row in rows if row.ciphertext is not None]

    def digest(self, content: bytes) -> str:
        """A keyed digest, by which a content is known again that is not kept."""
        return hmac.new(self._secret, b"content:" + content, hashlib.sha256).hexdigest()

    def _find_all(
        self, session: Session, holders: Sequence[Sequence[IdentityDocument]]
    ) -> list[str | Refused | ContractError]:
        hashes = [{self._hash("document", item): item for item in documents} for documents in holders]
        known = _Known(session, sorted({digest for row in hashes for digest in row}))
        found: list[str | Refused | ContractError] = []
        for documents, digests in zip(holders, hashes, strict=True):
            try:
                found.append(self._find_or_add(known, documents, digests))
            except (Refused, ContractError) as error:
                found.append(error)
        if known.added:
            rows = [
                {"hash": digest, "kind": item.kind, "person": person, "ciphertext": self._hidden(digest, item)}
                # In one order, so that two who write the same documents never wait for each other.
                for digest, (item, person) in sorted(known.added.items(), key=lambda entry: entry[0])
            ]
            session.connection().execute(insert(table_of(Document)), rows)
        for digest, item in known.unshown.items():
            session.connection().execute(
                update(table_of(Document))
                .where(table_of(Document).c.hash == digest)
                .values(ciphertext=self._hidden(digest, item))
            )
        return found

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

    def _hidden(self, digest: str, item: IdentityDocument) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, item.number.encode(), digest.encode())

    def _shown(self, row: Document) -> IdentityDocument:
        assert row.ciphertext is not None
        nonce, rest = row.ciphertext[:_NONCE_BYTES], row.ciphertext[_NONCE_BYTES:]
        try:
            number = self._cipher.decrypt(nonce, rest, row.hash.encode()).decode()
        except InvalidTag:
            raise ConfigurationError(
                "an identity document cannot be decrypted; the key secret is not the one of this registry",
                "证件无法解密;密钥文件与本登记库不符",
            ) from None
        return IdentityDocument(cast("Kind", row.kind), number)

    def _hash(self, purpose: str, item: IdentityDocument) -> str:
        text = f"{purpose}:{item.kind}:{item.number}".encode()
        return hmac.digest(self._secret, text, "sha256").hex()

    def _key(self, item: IdentityDocument) -> str:
        digest = bytes.fromhex(self._hash("person", item))[:15]
        return base64.b32encode(digest).decode().lower()


class _Known:
    """What is known of some documents, and what was added to it in this transaction."""

    def __init__(self, session: Session, hashes: Sequence[str]) -> None:
        self._session = session
        self.people: dict[str, str] = {}
        """By hash, whose it was said to be when it was first seen."""
        self.without_ciphertext: set[str] = set()
        self.unshown: dict[str, IdentityDocument] = {}
        self.added: dict[str, tuple[IdentityDocument, str]] = {}
        self._kinds: dict[str, list[str]] = {}
        table = table_of(Document)
        for start in range(0, len(hashes), _LOOKED_UP):
            part = table.c.hash.in_(hashes[start : start + _LOOKED_UP])
            rows = session.connection().execute(select(table.c.hash, table.c.person, table.c.ciphertext).where(part))
            for digest, person, ciphertext in rows:
                self.people[digest] = person
                if ciphertext is None:
                    self.without_ciphertext.add(digest)
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
