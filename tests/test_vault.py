"""The key ring in Vault's transit engine, against a small imitation of its HTTP interface."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from adapters.keys.ciphers import Cipher, Tampered, new_key, seal, unseal
from adapters.keys.data_keys import DataKeys
from adapters.keys.providers import provider_of
from adapters.keys.ring import NoRing, Wrapped
from adapters.keys.vault import VaultRing
from adapters.settings import Settings
from domain.errors import ConfigurationError, KeyMissing, Unavailable
from tests.keys import StoreInMemory

TOKEN = "s.of-the-tests"


class Vault(ThreadingHTTPServer):
    """Answers what the transit engine answers, for one mount and one key."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.versions: list[bytes] = []
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: Vault

    def do_GET(self) -> None:
        self._answer({})

    def do_PUT(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._answer(json.loads(self.rfile.read(length) or b"{}"))

    def do_POST(self) -> None:
        self.do_PUT()

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def _answer(self, body: dict[str, Any]) -> None:
        self.server.asked.append(self.path)
        if self.headers.get("X-Vault-Token") != TOKEN:
            return self._say(403, {"errors": ["permission denied"]})
        versions = self.server.versions
        match self.path.removeprefix("/v1/bureau/transit/").split("/"):
            case ["keys", "canbao"] if versions:
                known = {str(number + 1): 1 for number in range(len(versions))}
                return self._say(200, {"data": {"latest_version": len(versions), "keys": known}})
            case ["keys", "canbao", "rotate"]:
                versions.append(new_key(Cipher.AES))
                return self._say(204, None)
            case ["encrypt", "canbao"] if versions:
                sealed = seal(Cipher.AES, versions[-1], base64.b64decode(body["plaintext"]), _bound(body))
                text = f"vault:v{len(versions)}:{base64.b64encode(sealed).decode()}"
                return self._say(200, {"data": {"ciphertext": text}})
            case ["decrypt", "canbao"] if versions:
                return self._decrypt(body)
            case _:
                return self._say(404, {"errors": []})

    def _decrypt(self, body: dict[str, Any]) -> None:
        _, version, text = body["ciphertext"].split(":")
        try:
            plain = unseal(Cipher.AES, self.server.versions[int(version[1:]) - 1], base64.b64decode(text), _bound(body))
        except (Tampered, IndexError):
            return self._say(400, {"errors": ["cipher: message authentication failed"]})
        return self._say(200, {"data": {"plaintext": base64.b64encode(plain).decode()}})

    def _say(self, status: int, content: object) -> None:
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _bound(body: dict[str, Any]) -> bytes:
    return base64.b64decode(body.get("associated_data", ""))


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    server = Vault()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("VAULT_ADDR", server.address)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    yield server
    server.shutdown()
    server.server_close()


def _ring() -> VaultRing:
    ring = provider_of(Settings(data=Path(), key_ring="vault:bureau/transit/canbao"))
    assert isinstance(ring, VaultRing)
    return ring


async def test_data_keys_are_wrapped_by_vault_and_rotate_with_it(vault: Vault) -> None:
    vault.versions.append(new_key(Cipher.AES))
    ring, store = _ring(), StoreInMemory()
    keys = DataKeys(ring, store)
    before = await keys.writing("person-a")
    assert before.id.startswith("person-a/vault-canbao-v1.AES-256-GCM.")
    stored = store.held["person-a", "vault-canbao-v1.AES-256-GCM"]
    assert before.secret not in stored.wrapped.content
    assert await ring.rotate() == "vault-canbao-v2"
    assert await ring.ids() == ["vault-canbao-v1", "vault-canbao-v2"]
    after = await keys.writing("person-a")
    assert after.id.startswith("person-a/vault-canbao-v2.AES-256-GCM.")
    assert await DataKeys(_ring(), store).reading(before.id) == before


async def test_vault_is_asked_once_for_a_key_that_is_used_often(vault: Vault) -> None:
    vault.versions.append(new_key(Cipher.AES))
    keys = DataKeys(_ring(), StoreInMemory())
    for _ in range(50):
        await keys.writing("person-a")
    assert len(vault.asked) == 3, vault.asked  # which version is current, to wrap, to unwrap


async def test_a_wrapped_key_is_its_owners_and_a_lost_version_is_named(vault: Vault) -> None:
    vault.versions.append(new_key(Cipher.AES))
    ring = _ring()
    wrapped = await ring.wrap(b"k" * 32, "person-a")
    assert await ring.unwrap(wrapped, "person-a") == b"k" * 32
    with pytest.raises(KeyMissing, match="vault-canbao-v1"):
        await ring.unwrap(wrapped, "person-b")
    lost = Wrapped("vault-canbao-v7", wrapped.content.replace(b"v1", b"v7"))
    with pytest.raises(KeyMissing, match="the key vault-canbao-v7 is missing"):
        await ring.unwrap(lost, "person-a")


async def test_a_vault_without_the_key_says_how_to_make_it(vault: Vault) -> None:
    with pytest.raises(NoRing, match="Vault has no key canbao in bureau/transit"):
        await _ring().current()
    with pytest.raises(ConfigurationError, match="vault write -f bureau/transit/keys/canbao"):
        await DataKeys(_ring(), StoreInMemory()).writing("person-a")


async def test_a_vault_that_refuses_us_or_is_away(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.versions.append(new_key(Cipher.AES))
    monkeypatch.setenv("VAULT_TOKEN", "another")
    with pytest.raises(ConfigurationError, match="check VAULT_TOKEN"):
        await _ring().current()
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="Vault does not answer"):
        await _ring().current()
