"""The personal columns of the registry: numbers of identity documents, and names; each is sealed for its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlmodel import Session, select

from adapters.keys.ciphers import Tampered, seal, unseal
from adapters.keys.data_keys import DataKey, DataKeys
from adapters.registry.people_tables import Document, PersonName
from domain.errors import ConfigurationError, KeyMissing, Unavailable
from domain.identity_documents import IdentityDocument, Kind

OWNER = "registry"
"""Whose data key seals these columns."""
_DOCUMENT, _NAME = b"canbao document", b"canbao name"
_FIRST_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class SealedHolder:
    """Who a person is, as the registry keeps it."""

    documents: Sequence[Document]
    name: PersonName | None


def sealed_holder(session: Session, person: str) -> SealedHolder:
    rows = session.exec(select(Document).where(Document.person == person).order_by(Document.hash))
    return SealedHolder(list(rows), session.get(PersonName, person))


async def in_words(keys: DataKeys, holder: SealedHolder) -> str | None:
    """Name and documents for an operator's eyes; None where they cannot be opened now, which must hold nobody up."""
    words = []
    try:
        if holder.name is not None:
            words.append(await shown_name(keys, holder.name))
        for row in holder.documents:
            if row.ciphertext is not None and row.sealed_by:
                item = await shown_document(keys, row)
                words.append(f"{item.kind} {item.number}")
    except (Unavailable, ConfigurationError):
        return None
    return " · ".join(words)


def hidden_document(key: DataKey, digest: str, item: IdentityDocument) -> bytes:
    return seal(key.cipher, key.secret, item.number.encode(), _DOCUMENT, key.id.encode(), digest.encode())


async def shown_document(keys: DataKeys, row: Document, first_secret: bytes = b"") -> IdentityDocument:
    """The document of a row. `first_secret` opens what the first releases sealed, who had no key ring.

    Raises KeyMissing, and ConfigurationError where the secret is not the one that it was sealed with.
    """
    assert row.ciphertext is not None
    if not row.sealed_by:
        return IdentityDocument(cast("Kind", row.kind), _first_sealed(row, first_secret))
    key = await keys.reading(row.sealed_by)
    try:
        number = unseal(key.cipher, key.secret, row.ciphertext, _DOCUMENT, key.id.encode(), row.hash.encode())
    except Tampered:
        raise KeyMissing(row.sealed_by) from None
    return IdentityDocument(cast("Kind", row.kind), number.decode())


def hidden_name(key: DataKey, person: str, name: str) -> bytes:
    return seal(key.cipher, key.secret, name.encode(), _NAME, key.id.encode(), person.encode())


async def shown_name(keys: DataKeys, row: PersonName) -> str:
    """The name of a row. Raises KeyMissing."""
    key = await keys.reading(row.sealed_by)
    try:
        name = unseal(key.cipher, key.secret, row.ciphertext, _NAME, key.id.encode(), row.person.encode())
    except Tampered:
        raise KeyMissing(row.sealed_by) from None
    return name.decode()


def _first_sealed(row: Document, secret: bytes) -> str:
    """A number that the first releases sealed, by a key derived from the secret of the person keys."""
    assert row.ciphertext is not None
    key = HKDF(SHA256(), length=32, salt=None, info=b"canbao identity documents").derive(secret)
    nonce, rest = row.ciphertext[:_FIRST_NONCE_BYTES], row.ciphertext[_FIRST_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, rest, row.hash.encode()).decode()
    except InvalidTag:
        raise ConfigurationError(
            "an identity document cannot be decrypted; the key secret is not the one of this registry",
            "证件无法解密;密钥文件与本登记库不符",
        ) from None
