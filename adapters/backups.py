"""Backups of the embedded stores: the registry, Temporal's development server, the sandbox bureau, notices.

Secrets go to a folder of their own, if at all: whoever finds a backup without them reads nobody's data in it.

Each database is copied by SQLite's own backup, so it may be in use. Registry and Temporal are copied one after the
other; a life that finds the ledger ahead of itself reads it again, so the two need not be of the same instant.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from domain.errors import ConfigurationError

MANIFEST = "backup.json"
# The registry first: a ledger that is older than its lives is written to again; the other way round it is read.
_DATABASES = ("registry.db", "temporal.db", "tax-bureau.db")
_FILES = ("notices.jsonl",)
_SECRETS = ("key-ring.json", "person-key.secret", "tax-push.secret")


def back_up(data: Path, target: Path, secrets: Path | None = None) -> list[str]:
    """Copy the stores of a data folder to an empty one, and its secrets to another; the names of what was copied.

    Raises ConfigurationError where there is nothing to copy, or something is there already.
    """
    there = [name for name in (*_DATABASES, *_FILES) if (data / name).exists()]
    if secrets is not None and _one_in_the_other(secrets.resolve(), target.resolve()):
        raise ConfigurationError(
            "the secrets belong in another folder than the backup that they open",
            "密钥不应与其所能解密的备份放在同一目录",
        )
    if not there:
        raise ConfigurationError(
            f"there is nothing to back up in {data}; choose the data folder with CANBAO_DATA",
            f"{data}中没有可备份的内容;请用 CANBAO_DATA 指定数据目录",
        )
    _empty(target)
    digests = {}
    for name in there:
        try:
            _copy(data / name, target / name)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"{name} cannot be copied: {error}; the backup is not complete", f"{name}无法复制:{error};备份不完整"
            ) from None
        digests[name] = _digest(target / name)
    (target / MANIFEST).write_text(json.dumps(digests, indent=1), encoding="utf-8")
    return there if secrets is None else [*there, *_copy_secrets(data, secrets)]


def secrets_of(data: Path) -> list[str]:
    """The secrets of a data folder, without which its backup cannot be used."""
    return [name for name in _SECRETS if (data / name).exists()]


def restore(source: Path, data: Path, secrets: Path | None = None) -> list[str]:
    """Copy a backup, and the secrets from where they were kept, to an empty data folder; the names of what was copied.

    Raises ConfigurationError where the backup is none, or is damaged, or the folder is not empty.
    """
    try:
        digests: dict[str, str] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigurationError(
            f"{source} is no backup: it has no {MANIFEST}", f"{source}不是备份,缺少{MANIFEST}"
        ) from None
    damaged = [
        name
        for name, digest in digests.items()
        if name not in (*_DATABASES, *_FILES) or not (source / name).exists() or _digest(source / name) != digest
    ]
    if damaged:
        raise ConfigurationError(
            f"the backup {source} is damaged: {', '.join(damaged)}; use another one",
            f"备份{source}已损坏:{'、'.join(damaged)};请用另一份",
        )
    if secrets is not None and not secrets_of(secrets):
        raise ConfigurationError(f"there are no secrets in {secrets}", f"{secrets}中没有密钥")
    _empty(data)
    for name in digests:
        shutil.copy2(source / name, data / name)
    return list(digests) if secrets is None else [*digests, *_give_back(secrets, data)]


def _one_in_the_other(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _copy_secrets(data: Path, target: Path) -> list[str]:
    _empty(target)
    for name in secrets_of(data):
        _copy(data / name, target / name)
    return secrets_of(data)


def _give_back(source: Path, data: Path) -> list[str]:
    for name in secrets_of(source):
        _copy(source / name, data / name)
    return secrets_of(source)


def _copy(source: Path, target: Path) -> None:
    if source.name in _DATABASES:
        with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(target)) as copy:
            held.backup(copy)
    else:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(source.read_bytes())
    target.chmod(0o600)


def _empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be used: {error.strerror}", f"{folder}无法使用:{error.strerror}"
        ) from None
    if content:
        raise ConfigurationError(f"{folder} is not empty; choose an empty folder", f"{folder}不是空目录;请另选空目录")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
