"""The secret behind the opaque person keys: made at first start, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from domain.errors import ConfigurationError

_BYTES = 32


def load_or_create(file: Path) -> bytes:
    """The secret in a file, made there when it does not exist yet.

    Raises ConfigurationError where others may read it, where it cannot be read or written, or where it is cut short.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            # O_EXCL: of two processes that start at once, one makes the secret and the other reads it.
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _read(file)
        with os.fdopen(handle, "wb") as opened:
            secret = secrets.token_bytes(_BYTES)
            opened.write(secret)
        return secret
    except OSError as error:
        raise ConfigurationError(
            f"the key secret {file} cannot be used: {error.strerror}", f"密钥文件{file}无法使用:{error.strerror}"
        ) from None


def _read(file: Path) -> bytes:
    if file.stat().st_mode & 0o077:
        raise ConfigurationError(
            f"the key secret {file} can be read by others; run: chmod 600 {file}",
            f"密钥文件{file}可被他人读取,请运行:chmod 600 {file}",
        )
    secret = file.read_bytes()
    if len(secret) != _BYTES:
        raise ConfigurationError(
            f"the key secret {file} is damaged; restore it from a backup, never make a new one",
            f"密钥文件{file}已损坏,请从备份恢复,切勿新建",
        )
    return secret
