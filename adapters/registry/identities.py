"""Whose document this is: from a document's keyed hash to the opaque person key.

The key is made once, from the first document that is seen of a person, and never again; every later document is
mapped to it. The document itself is kept encrypted, for whoever may see it.
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

from adapters.registry.database import Database
from adapters.registry.tables import Document
from domain.errors import ConfigurationError, Refused
from domain.identity_documents import IdentityDocument, Kind

_NONCE_BYTES = 12


class Identities:
    """The registry's index of identity documents."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self._secret = secret
        key = HKDF(SHA256(), length=32, salt=None, info=b"canbao identity documents").derive(secret)
        self._cipher = AESGCM(key)

    async def person(self, documents: Sequence[IdentityDocument]) -> str:
        """The key of the person who holds these documents; a first document makes one.

        Raises Refused where the documents are known to belong to different people, Unavailable without the registry.
        """
        return await self._database.transaction(lambda session: self._find_or_add(session, documents))

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

    def _find_or_add(self, session: Session, documents: Sequence[IdentityDocument]) -> str:
        hashes = {self._hash("document", item): item for item in documents}
        known = session.exec(select(Document).where(col(Document.hash).in_(hashes))).all()
        owners = {row.person for row in known}
        if len(owners) > 1:
            raise Refused(
                "these documents belong to two people; whether they are one, a person must decide",
                "这些证件分属两人;是否同一人,须由人决定",
            )
        key = owners.pop() if owners else self._key(documents[0])
        for row in known:
            row.ciphertext = row.ciphertext or self._hidden(row.hash, hashes[row.hash])
        there = {row.hash for row in known}
        session.add_all(
            Document(hash=digest, kind=item.kind, person=key, ciphertext=self._hidden(digest, item))
            for digest, item in hashes.items()
            if digest not in there
        )
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
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()

    def _key(self, item: IdentityDocument) -> str:
        digest = bytes.fromhex(self._hash("person", item))[:15]
        return base64.b32encode(digest).decode().lower()
