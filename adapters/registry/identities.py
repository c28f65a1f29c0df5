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
from collections.abc import Sequence
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlmodel import Session, col, select

from adapters.registry.database import Contradiction, Database
from adapters.registry.key_merges import canonical
from adapters.registry.tables import Document
from domain.errors import ConfigurationError, ContractError, Refused
from domain.identity_documents import ONE_IN_A_LIFETIME, IdentityDocument, Kind

_NONCE_BYTES = 12
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
                session.exec(select(Document).where(Document.person == person).order_by(Document.hash))
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
        wanted = sorted({digest for row in hashes for digest in row})
        known: dict[str, Document] = {}
        for start in range(0, len(wanted), 500):
            rows = session.exec(select(Document).where(col(Document.hash).in_(wanted[start : start + 500])))
            known |= {row.hash: row for row in rows}
        added: list[Document] = []
        found: list[str | Refused | ContractError] = []
        for place, documents in enumerate(holders):
            try:
                found.append(self._find_or_add(session, documents, hashes[place], known, added))
            except (Refused, ContractError) as error:
                found.append(error)
        # In one order, so that two who write the same documents never wait for each other.
        in_order: list[Document] = sorted(added, key=lambda row: row.hash)
        session.add_all(in_order)
        return found

    def _find_or_add(
        self,
        session: Session,
        documents: Sequence[IdentityDocument],
        hashes: dict[str, IdentityDocument],
        known: dict[str, Document],
        added: list[Document],
    ) -> str:
        if not documents:
            raise ContractError("an identity document is expected", "应提供身份证件")
        rows = [known[digest] for digest in hashes if digest in known]
        owners = {canonical(session, row.person) for row in rows}
        if len(owners) > 1:
            raise Refused(
                "these documents belong to two people; whether they are one, a person must decide",
                "这些证件分属两人;是否同一人,须由人决定",
            )
        key = owners.pop() if owners else self._key(documents[0])
        for row in rows:
            row.ciphertext = row.ciphertext or self._hidden(row.hash, hashes[row.hash])
        new = [
            Document(hash=digest, kind=item.kind, person=key, ciphertext=self._hidden(digest, item))
            for digest, item in hashes.items()
            if digest not in known
        ]
        if new:
            _only_one(session, key, new, [*rows, *added])
        added += new
        known.update({row.hash: row for row in new})
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


def _only_one(session: Session, person: str, new: Sequence[Document], beside: Sequence[Document]) -> None:
    """Twins whom somebody gave one and the same number of birth hold two certificates: they are not one person."""
    of_a_kind = [row.kind for row in new if row.kind in ONE_IN_A_LIFETIME]
    if not of_a_kind:
        return
    held: list[Document] = list(session.exec(select(Document).where(Document.person == person)))
    there = {row.hash: row.kind for row in (*held, *new, *beside) if row.person == person}
    kinds = list(there.values())
    for kind in of_a_kind:
        if kinds.count(kind) > 1:
            raise Refused(
                f"the person whom these documents name holds another {kind} already; whether they are two people, or a "
                "number was corrected, a person must decide",
                f"这些证件所指的人已有另一份同类证件({kind});是两人还是号码更正,须由人决定",
            )
