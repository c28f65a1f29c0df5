"""Ciphers and hashes: the published vectors, and that whatever was changed, cut or moved does not open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.keys.ciphers import (
    Cipher,
    KeyedHash,
    Tampered,
    associated,
    keyed_hash,
    new_key,
    seal,
    seal_with,
    unseal,
    unseal_with,
)

CIPHERS = list(Cipher)


def _hex(text: str) -> bytes:
    return bytes.fromhex("".join(text.split()))


# NIST's GCM test vectors (CAVP, after McGrew and Viega, test cases 13 to 16: 256-bit keys), and RFC 8998, appendix A.1.
_KEY = "feffe9928665731c6d6a8f9467308308 feffe9928665731c6d6a8f9467308308"
_PLAIN = (
    "d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b391aafd255"
)
_SEALED = (
    "522dc1f099567d07f47f37a32a84427d 643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838 c5f61e6393ba7a0abcc9f662898015ad"
)
VECTORS = [
    (Cipher.AES, "00" * 32, "00" * 12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    (
        Cipher.AES,
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ),
    (Cipher.AES, _KEY, "cafebabefacedbaddecaf888", _PLAIN, "", _SEALED, "b094dac5d93471bdec1a502270e3cc6c"),
    (
        Cipher.AES,
        _KEY,
        "cafebabefacedbaddecaf888",
        "".join(_PLAIN.split())[:120],
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "".join(_SEALED.split())[:120],
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
    (
        Cipher.SM4,
        "0123456789ABCDEFFEDCBA9876543210",
        "00001234567800000000ABCD",
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD"
        "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA",
        "FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2",
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D",
        "83DE3541E4C2B58177E065A9BF7B62EC",
    ),
]


@pytest.mark.parametrize(("cipher", "key", "nonce", "plain", "bound", "sealed", "tag"), VECTORS)
def test_the_published_vectors(
    cipher: Cipher, key: str, nonce: str, plain: str, bound: str, sealed: str, tag: str
) -> None:
    made = seal_with(cipher, _hex(key), _hex(nonce), _hex(plain), _hex(bound))
    assert made == _hex(sealed) + _hex(tag)
    assert unseal_with(cipher, _hex(key), _hex(nonce), made, _hex(bound)) == _hex(plain)


def test_keyed_hashes_by_their_published_vectors() -> None:
    """RFC 4231, test case 2; GM/T 0042-2015, appendix D.3, first."""
    assert (
        keyed_hash(KeyedHash.SHA256, b"Jefe", b"what do ya want for nothing?").hex()
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    key = bytes(range(1, 33))
    assert (
        keyed_hash(KeyedHash.SM3, key, b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2).hex()
        == "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"
    )


@pytest.mark.parametrize("cipher", CIPHERS)
@given(plain=st.binary(max_size=300), place=st.integers(min_value=0), flip=st.integers(1, 255))
def test_one_changed_byte_does_not_open(cipher: Cipher, plain: bytes, place: int, flip: int) -> None:
    key = new_key(cipher)
    sealed = seal(cipher, key, plain, b"place")
    assert unseal(cipher, key, sealed, b"place") == plain
    changed = bytearray(sealed)
    changed[place % len(changed)] ^= flip
    with pytest.raises(Tampered):
        unseal(cipher, key, bytes(changed), b"place")


@pytest.mark.parametrize("cipher", CIPHERS)
@given(plain=st.binary(max_size=100), kept=st.integers(min_value=0))
def test_what_is_cut_does_not_open(cipher: Cipher, plain: bytes, kept: int) -> None:
    key = new_key(cipher)
    sealed = seal(cipher, key, plain, b"place")
    with pytest.raises(Tampered):
        unseal(cipher, key, sealed[: kept % len(sealed)], b"place")


@pytest.mark.parametrize("cipher", CIPHERS)
def test_what_is_moved_or_sealed_by_another_key_does_not_open(cipher: Cipher) -> None:
    key = new_key(cipher)
    sealed = seal(cipher, key, b"plain", b"here", b"x")
    for other_key, bound in ((key, (b"there", b"x")), (key, (b"herex", b"")), (new_key(cipher), (b"here", b"x"))):
        with pytest.raises(Tampered):
            unseal(cipher, other_key, sealed, *bound)
    with pytest.raises(Tampered):
        unseal(cipher, key[:-1], sealed, b"here", b"x")


def test_the_same_is_never_sealed_alike() -> None:
    key = new_key(Cipher.AES)
    assert len({seal(Cipher.AES, key, b"plain") for _ in range(100)}) == 100


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_no_two_lists_of_what_is_bound_read_alike(one: list[bytes], other: list[bytes]) -> None:
    assert (associated(tuple(one)) == associated(tuple(other))) is (one == other)
