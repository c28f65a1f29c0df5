"""The key ring: the few keys that wrap all data keys, and never leave whoever keeps them.

`KeyProvider` is what the rest of Canbao asks for; here is the ring in a file, or in a variable of the environment.
Another one is Vault's (`vault.py`).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from adapters.keys.ciphers import Cipher, Tampered, new_key, seal, unseal
from domain.errors import ConfigurationError, KeyMissing

_PURPOSE = b"canbao data key"
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}")
# A key that was added is taken up after this long. To look at the file for every message would cost more than sealing.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key as it may be stored: sealed by a key of the ring."""

    by: str
    """The id of that key."""
    content: bytes


class KeyProvider(Protocol):
    """Whoever keeps the ring's keys."""

    async def current(self) -> str:
        """The id of the key that wraps now. Raises NoRing where there is none yet, Unavailable."""
        ...

    async def begin(self) -> None:
        """Make the first key, where there is none. Raises ConfigurationError where this provider makes none."""
        ...

    async def wrap(self, key: bytes, owner: str) -> Wrapped:
        """A data key wrapped by the current key, for an owner that must be said again."""
        ...

    async def unwrap(self, wrapped: Wrapped, owner: str) -> bytes:
        """A data key. Raises KeyMissing, which names the ring's key that is not there, Unavailable."""
        ...

    async def rotate(self) -> str:
        """Add a key, which wraps from now on; its id. Raises ConfigurationError where this provider cannot."""
        ...

    async def ids(self) -> list[str]:
        """The ids of all keys, the current one last."""
        ...


class NoRing(ConfigurationError):
    """There is no ring yet."""


class HeldKeys(ABC):
    """A ring whose keys this process holds."""

    @abstractmethod
    def keys(self) -> dict[str, tuple[Cipher, bytes]]:
        """The keys by their ids, the current one last; never empty."""

    async def current(self) -> str:
        return list(self.keys())[-1]

    async def ids(self) -> list[str]:
        return list(self.keys())

    async def wrap(self, key: bytes, owner: str) -> Wrapped:
        by, (cipher, wrapping) = list(self.keys().items())[-1]
        return Wrapped(by, seal(cipher, wrapping, key, _PURPOSE, owner.encode()))

    async def unwrap(self, wrapped: Wrapped, owner: str) -> bytes:
        held = self.keys().get(wrapped.by)
        if held is None:
            raise KeyMissing(wrapped.by)
        try:
            return unseal(*held, wrapped.content, _PURPOSE, owner.encode())
        except Tampered:
            raise KeyMissing(wrapped.by) from None


class LocalRing(HeldKeys):
    """The ring in a file, made at first start and readable by its owner only.

    For development and small bureaus; and a file that a secret store mounts. The file is looked at again when it has
    changed, so that running processes take up a key that was added.
    """

    def __init__(self, file: Path, cipher: Cipher = Cipher.AES, now: Callable[[], float] = time.monotonic) -> None:
        self.file = file
        self._cipher, self._now = cipher, now
        self._read_at: tuple[int, int] = (0, 0)
        self._look_again = 0.0
        self._known: dict[str, tuple[Cipher, bytes]] = {}

    async def begin(self) -> None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._written([_made(self._cipher)])
            try:
                os.link(partial, self.file)  # of two processes that start at once, one makes the ring
                self._sync_folder()
            except FileExistsError:
                pass
            finally:
                partial.unlink()
        except OSError as error:
            raise _unusable(self.file, error) from None

    async def rotate(self) -> str:
        added = _made(self._cipher)
        try:
            with self._alone():
                self._look_again = 0
                self.keys()
                self._written([*json.loads(_text_of(self.file))["keys"], added]).replace(self.file)
                self._sync_folder()
        except OSError as error:
            raise _unusable(self.file, error) from None
        self._look_again = 0
        return str(added["id"])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One rotation at a time: of two that read the same ring, the second would drop the key of the first."""
        lock = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _sync_folder(self) -> None:
        """A key that wraps something must survive the loss of power."""
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _written(self, keys: list[Any]) -> Path:
        """A whole ring in a file of its own, ready to take the ring's place."""
        partial = self.file.with_suffix(f".{secrets.token_hex(4)}.partial")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(json.dumps({"keys": keys}, indent=1) + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        return partial

    def keys(self) -> dict[str, tuple[Cipher, bytes]]:
        if self._known and self._now() < self._look_again:
            return self._known
        try:
            state = self.file.stat()
        except OSError:
            raise NoRing(
                f"there is no key ring {self.file}; restore it from its backup, or set CANBAO_KEY_RING",
                f"没有密钥环{self.file};请从备份恢复,或设置 CANBAO_KEY_RING",
            ) from None
        if (at := (state.st_mtime_ns, state.st_ino)) != self._read_at:
            if state.st_mode & 0o077:
                raise ConfigurationError(
                    f"the key ring {self.file} can be read by others; run: chmod 600 {self.file}",
                    f"密钥环{self.file}可被他人读取,请运行:chmod 600 {self.file}",
                )
            self._known, self._read_at = _parsed(_text_of(self.file), str(self.file)), at
        self._look_again = self._now() + _LOOK_SECONDS
        return self._known


class VariableRing(HeldKeys):
    """The ring in a variable of the environment, as some schedulers hand out secrets. It is read once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[str, tuple[Cipher, bytes]] = {}

    async def begin(self) -> None:
        self.keys()

    async def rotate(self) -> str:
        raise ConfigurationError(
            f"the key ring is in the variable {self._name}; add a key where that is set, start the processes again, "
            "then run canbao keys rotate --no-new-key",
            f"密钥环在环境变量{self._name}中;请在其来源处增加密钥并重启各进程,再运行 canbao keys rotate --no-new-key",
        )

    def keys(self) -> dict[str, tuple[Cipher, bytes]]:
        if not self._known:
            text = os.environ.get(self._name, "")
            if not text:
                raise ConfigurationError(
                    f"the variable {self._name}, in which CANBAO_KEY_RING says that the key ring is, is empty",
                    f"CANBAO_KEY_RING 所指的环境变量{self._name}为空",
                )
            self._known = _parsed(text, self._name)
        return self._known


def _made(cipher: Cipher) -> dict[str, str]:
    return {
        "id": f"ring-{secrets.token_hex(4)}",
        "cipher": cipher.value,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "key": base64.b64encode(new_key(cipher)).decode(),
    }


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise _unusable(file, error) from None


def _parsed(text: str, where: str) -> dict[str, tuple[Cipher, bytes]]:
    try:
        found = {
            str(item["id"]): (Cipher(item["cipher"]), base64.b64decode(item["key"], validate=True))
            for item in json.loads(text)["keys"]
        }
        if len(found) != len(json.loads(text)["keys"]):
            found = {}  # two keys of one name
    except (ValueError, KeyError, TypeError):
        found = {}
    if not found or any(
        len(key) != cipher.key_bytes or not _ID.fullmatch(name) for name, (cipher, key) in found.items()
    ):
        # Nothing of the text is repeated: it is, or was, a secret.
        raise ConfigurationError(
            f"the key ring {where} is damaged; restore it from its backup, never make a new one",
            f"密钥环{where}已损坏,请从备份恢复,切勿新建",
        )
    return found


def _unusable(file: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the key ring {file} cannot be used: {error.strerror}", f"密钥环{file}无法使用:{error.strerror}"
    )
