"""The key ring in HashiCorp Vault's transit engine: its keys never leave Vault, which wraps and unwraps data keys.

An optional extra: `pip install canbao[vault]`. How Vault is reached is told by its own variables: VAULT_ADDR,
VAULT_TOKEN and VAULT_NAMESPACE; VAULT_CACERT names the certificate that signed Vault's.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from adapters.keys.ring import NoRing, Wrapped
from domain.errors import ConfigurationError, KeyMissing, Unavailable

T = TypeVar("T")
_TIMEOUT_SECONDS = 5
# A key that was rotated in Vault is taken up after this long.
_CURRENT_SECONDS = 60


class _Rejected(ConfigurationError):
    """Vault refuses what was asked of a key."""


class VaultRing:
    """A named key of a transit engine; its versions are the keys of the ring."""

    def __init__(self, where: str, now: Callable[[], float] = time.monotonic) -> None:
        mount, _, key = where.rpartition("/")
        self._mount, self._key, self._now = mount or "transit", key, now
        self._client: Any = None
        self._known: tuple[str, float] = ("", 0.0)

    async def current(self) -> str:
        name, until = self._known
        if until <= self._now():
            name = self._name((await self._data())["latest_version"])
            self._known = (name, self._now() + _CURRENT_SECONDS)
        return name

    async def begin(self) -> None:
        raise ConfigurationError(
            f"Vault has no key {self._key} in {self._mount}; make it: vault write -f {self._mount}/keys/{self._key}",
            f"Vault 的{self._mount}中没有密钥{self._key};请建立:vault write -f {self._mount}/keys/{self._key}",
        )

    async def wrap(self, key: bytes, owner: str) -> Wrapped:
        answer = await self._ask(
            lambda transit: transit.encrypt_data(
                self._key, _base64(key), associated_data=_base64(owner.encode()), mount_point=self._mount
            )
        )
        sealed = str(answer["data"]["ciphertext"])
        return Wrapped(self._name(sealed.split(":")[1].removeprefix("v")), sealed.encode())

    async def unwrap(self, wrapped: Wrapped, owner: str) -> bytes:
        try:
            answer = await self._ask(
                lambda transit: transit.decrypt_data(
                    self._key,
                    wrapped.content.decode("ascii", "replace"),
                    associated_data=_base64(owner.encode()),
                    mount_point=self._mount,
                )
            )
        except (_Rejected, NoRing):
            raise KeyMissing(wrapped.by) from None
        return base64.b64decode(answer["data"]["plaintext"])

    async def rotate(self) -> str:
        await self._ask(lambda transit: transit.rotate_key(self._key, mount_point=self._mount))
        self._known = ("", 0.0)
        return await self.current()

    async def ids(self) -> list[str]:
        return [self._name(version) for version in sorted((await self._data())["keys"], key=int)]

    async def _data(self) -> dict[str, Any]:
        answer = await self._ask(lambda transit: transit.read_key(self._key, mount_point=self._mount))
        found: dict[str, Any] = answer["data"]
        return found

    def _name(self, version: object) -> str:
        return f"vault-{self._key}-v{version}"

    async def _ask(self, question: Callable[[Any], T]) -> T:
        """Ask Vault, beside the event loop. Raises NoRing, ConfigurationError where it refuses us, Unavailable."""
        client = self._connected()
        import hvac.exceptions

        try:
            return await asyncio.to_thread(question, client.secrets.transit)
        except hvac.exceptions.InvalidRequest:
            raise _Rejected(
                f"Vault does not do this with {self._mount}/{self._key}; it must be a key that takes associated data, "
                "such as aes256-gcm96",
                f"Vault 不能以{self._mount}/{self._key}办理;应为支持关联数据的密钥,如 aes256-gcm96",
            ) from None
        except hvac.exceptions.InvalidPath:
            raise NoRing(
                f"Vault has no key {self._key} in {self._mount}", f"Vault 的{self._mount}中没有密钥{self._key}"
            ) from None
        except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized):
            raise ConfigurationError(
                f"Vault does not let us use {self._mount}/{self._key}; check VAULT_TOKEN and its policy",
                f"Vault 不允许使用{self._mount}/{self._key};请检查 VAULT_TOKEN 及其策略",
            ) from None
        except (hvac.exceptions.VaultError, OSError) as error:
            raise Unavailable(
                f"Vault does not answer: {type(error).__name__}; see VAULT_ADDR", "Vault 没有答复;请检查 VAULT_ADDR"
            ) from None

    def _connected(self) -> Any:
        if self._client is None:
            try:
                import hvac
            except ImportError:
                raise ConfigurationError(
                    "CANBAO_KEY_RING names Vault, whose client is not installed; run: pip install 'canbao[vault]'",
                    "CANBAO_KEY_RING 指向 Vault,但未安装其客户端;请运行:pip install 'canbao[vault]'",
                ) from None
            self._client = hvac.Client(
                url=os.environ.get("VAULT_ADDR"),
                token=os.environ.get("VAULT_TOKEN"),
                namespace=os.environ.get("VAULT_NAMESPACE"),
                verify=os.environ.get("VAULT_CACERT") or True,
                timeout=_TIMEOUT_SECONDS,
            )
        return self._client


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
