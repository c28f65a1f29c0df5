"""How a process reaches Temporal: TLS, mutual TLS and API keys by standard profile settings, and nothing of ours."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hpack
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.keys.data_keys import DataKeys
from adapters.settings import Settings
from domain.errors import Unavailable
from tests.keys import RingInMemory, StoreInMemory
from worker import connect

_PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
_HEADERS, _PADDED, _PRIORITY = 1, 0x8, 0x20


@dataclass
class Authority:
    """An authority made for a test, and what it signs."""

    folder: Path
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {id(self)}")])
        own = self._begin(self._name, self._key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        self.file = self.folder / f"authority-{id(self)}.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def sign(self, name: str) -> tuple[Path, Path]:
        """The files of a certificate for this machine, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("temporal.test")]
        )
        signed = self._begin(subject, key).add_extension(names, False).sign(self._key, hashes.SHA256())
        certificate, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, secret

    def _begin(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
        )


@dataclass
class Front:
    """A front that speaks TLS, before the development server, which does not; it reads who comes, and with what."""

    port: int
    peers: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@asynccontextmanager
async def _front(behind: str, context: ssl.SSLContext) -> AsyncIterator[Front]:
    host, _, port = behind.rpartition(":")
    front = Front(0)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: _Frames | None) -> None:
        try:
            while data := await reader.read(1 << 16):
                if told is not None:
                    front.headers.extend(told.read(data))
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # the other side has gone
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peercert")
        front.peers.append(dict(part[0] for part in peer["subject"])["commonName"] if peer else "")
        inner, outer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, outer, _Frames()), pump(inner, writer, None))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()


class _Frames:
    """Reads the headers out of what a client sends by HTTP/2."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._decoder = hpack.Decoder()

    def read(self, data: bytes) -> list[dict[str, str]]:
        self._rest += data
        if not self._begun and len(self._rest) >= _PREFACE:
            self._rest, self._begun = self._rest[_PREFACE:], True
        found = []
        while self._begun and len(self._rest) >= 9:
            length, kind, flags = int.from_bytes(self._rest[:3], "big"), self._rest[3], self._rest[4]
            if len(self._rest) < 9 + length:
                break
            content, self._rest = self._rest[9 : 9 + length], self._rest[9 + length :]
            if kind == _HEADERS:
                if flags & _PADDED:
                    content = content[1 : len(content) - content[0]]
                if flags & _PRIORITY:
                    content = content[5:]
                found.append({str(name): str(value) for name, value in self._decoder.decode(content)})
        return found


def _context(authority: Authority, *, mutual: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("server"))
    context.set_alpn_protocols(["h2"])
    if mutual:
        context.load_verify_locations(authority.file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def _system(tmp_path: Path) -> None:
    """Reach the server as every process does."""
    client = await connect(DataKeys(RingInMemory(), StoreInMemory()), Settings(data=tmp_path))
    await client.count_workflows("WorkflowType = 'PersonLifecycle'")


async def test_tls_with_an_authority_of_the_bureau(
    tmp_path: Path, temporal_address: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _front(temporal_address, _context(authority, mutual=False)) as front:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{front.port}")
        monkeypatch.setenv("TEMPORAL_TLS", "true")
        with pytest.raises(Unavailable, match="no Temporal server answers"):
            await _system(tmp_path)  # nobody vouches for the server
        monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(Authority(tmp_path).file))
        with pytest.raises(Unavailable):
            await _system(tmp_path)  # the wrong one does
        monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(authority.file))
        await _system(tmp_path)
        assert front.peers[-1] == ""


async def test_mutual_tls_by_a_profile_file(
    tmp_path: Path, temporal_address: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.sign("worker-7")
    profile = tmp_path / "temporal.toml"
    async with _front(temporal_address, _context(authority, mutual=True)) as front:
        lines = [
            "[profile.bureau]",
            f'address = "127.0.0.1:{front.port}"',
            "[profile.bureau.tls]",
            f'server_ca_cert_path = "{authority.file}"',
            'server_name = "temporal.test"',
        ]
        profile.write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(profile))
        monkeypatch.setenv("TEMPORAL_PROFILE", "bureau")
        with pytest.raises(Unavailable):
            await _system(tmp_path)  # the server does not know who comes
        lines += [f'client_cert_path = "{certificate}"', f'client_key_path = "{key}"']
        profile.write_text("\n".join(lines), encoding="utf-8")
        await _system(tmp_path)
        assert front.peers == ["worker-7"]


async def test_an_api_key_goes_with_every_call(
    tmp_path: Path, temporal_address: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _front(temporal_address, _context(authority, mutual=False)) as front:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{front.port}")
        monkeypatch.setenv("TEMPORAL_API_KEY", "key-of-the-bureau")
        monkeypatch.setenv("TEMPORAL_NAMESPACE", "default")
        monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(authority.file))
        await _system(tmp_path)
        asked = [headers for headers in front.headers if headers[":path"].endswith("CountWorkflowExecutions")]
        assert asked
        assert {headers["authorization"] for headers in front.headers} == {"Bearer key-of-the-bureau"}
