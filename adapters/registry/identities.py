"""Whose document this is: from a document's keyed hash to the opaque person key.

The key is made once, from the first document that is seen of a person, and never again; every later document is
mapped to it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from sqlmodel import Session, col, select

from adapters.registry.database import Database
from adapters.registry.tables import Document
from domain.errors import Refused
from domain.identity_documents import IdentityDocument


class Identities:
    """The registry's index of identity documents."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self._secret = secret

    async def person(self, documents: Sequence[IdentityDocument]) -> str:
        """The key of the person who holds these documents; a first document makes one.

        Raises Refused where the documents are known to belong to different people, Unavailable without the registry.
        """
        return await self._database.transaction(lambda session: self._find_or_add(session, documents))

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
        there = {row.hash for row in known}
        session.add_all(
            Document(hash=digest, kind=item.kind, person=key) for digest, item in hashes.items() if digest not in there
        )
        return key

    def _hash(self, purpose: str, item: IdentityDocument) -> str:
        text = f"{purpose}:{item.kind}:{item.number}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()

    def _key(self, item: IdentityDocument) -> str:
        digest = bytes.fromhex(self._hash("person", item))[:15]
        return base64.b32encode(digest).decode().lower()
