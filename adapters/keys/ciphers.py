"""The ciphers and keyed hashes that Canbao may use: international (AES, SHA-256) or Chinese (国密: SM4, SM3).

Both ciphers are GCM: who changes, cuts or moves a ciphertext to another place is found out. A nonce is drawn at random
for each sealing; a data key belongs to one person or one month, which seals far less than the 2^32 messages for which
that is safe (NIST SP 800-38D, 8.3). SM4-GCM is RFC 8998, SM4 GB/T 32907, SM3 GB/T 32905.
"""

from __future__ import annotations

import os
import struct
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher as _Cipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC

_NONCE_BYTES, _TAG_BYTES = 12, 16
_NONCES_AT_ONCE = 512


class Cipher(StrEnum):
    """How something is sealed; the value is what stands beside the ciphertext."""

    AES = "AES-256-GCM"
    SM4 = "SM4-GCM"

    @property
    def key_bytes(self) -> int:
        return 32 if self is Cipher.AES else 16


class KeyedHash(StrEnum):
    """How a number is made known again without being kept."""

    SHA256 = "HMAC-SHA-256"
    SM3 = "HMAC-SM3"


class Tampered(Exception):
    """A ciphertext that was changed or cut, that belongs elsewhere, or that another key has sealed."""


class _Nonces:
    """Nonces from the system's randomness, drawn many at a time: a call for each costs more than the sealing."""

    def __init__(self) -> None:
        self._drawn: list[bytes] = []
        # A child of this process must not go on with the same ones.
        os.register_at_fork(after_in_child=self._drawn.clear)

    def next(self) -> bytes:
        try:
            return self._drawn.pop()
        except IndexError:
            drawn = os.urandom(_NONCE_BYTES * _NONCES_AT_ONCE)
            places = range(0, len(drawn), _NONCE_BYTES)
            self._drawn.extend(drawn[place : place + _NONCE_BYTES] for place in places)
            return self._drawn.pop()


_NONCES = _Nonces()


def new_key(cipher: Cipher) -> bytes:
    """A key for a cipher, from the system's randomness."""
    return os.urandom(cipher.key_bytes)


def seal(cipher: Cipher, key: bytes, plain: bytes, *bound: bytes) -> bytes:
    """Seal bytes; what is bound must be said again to open them. The result is nonce, ciphertext and tag."""
    nonce = _NONCES.next()
    return nonce + seal_with(cipher, key, nonce, plain, associated(bound))


def unseal(cipher: Cipher, key: bytes, sealed: bytes, *bound: bytes) -> bytes:
    """What was sealed. Raises Tampered."""
    if len(sealed) < _NONCE_BYTES + _TAG_BYTES or len(key) != cipher.key_bytes:
        raise Tampered
    return unseal_with(cipher, key, sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated(bound))


def seal_with(cipher: Cipher, key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    """Ciphertext and tag under a nonce that was never used with this key."""
    if cipher is Cipher.AES:
        return AESGCM(key).encrypt(nonce, plain, bound)
    sealing = _Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    sealing.authenticate_additional_data(bound)
    return sealing.update(plain) + sealing.finalize() + sealing.tag


def unseal_with(cipher: Cipher, key: bytes, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    """What was sealed under a nonce. Raises Tampered."""
    try:
        if cipher is Cipher.AES:
            return AESGCM(key).decrypt(nonce, sealed, bound)
        opening = _Cipher(algorithms.SM4(key), modes.GCM(nonce, sealed[-_TAG_BYTES:])).decryptor()
        opening.authenticate_additional_data(bound)
        return opening.update(sealed[:-_TAG_BYTES]) + opening.finalize()
    except InvalidTag:
        raise Tampered from None


def associated(bound: tuple[bytes, ...]) -> bytes:
    """Several things bound as one, each with its length before it, so that no two lists of them read alike."""
    return b"".join(struct.pack(">I", len(part)) + part for part in bound)


def keyed_hash(kind: KeyedHash, secret: bytes, content: bytes) -> bytes:
    """The hash of a content under a secret: 32 bytes."""
    algorithm: HashAlgorithm = SHA256() if kind is KeyedHash.SHA256 else SM3()
    hashing = HMAC(secret, algorithm)
    hashing.update(content)
    return hashing.finalize()
