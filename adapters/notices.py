"""Notices written to a log file, one JSON line each. Personal data are not in them: the key says for whom they are."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from domain.errors import ConfigurationError, Unavailable


class NoticeLog:
    """A file that another program reads and delivers. The same key twice is one notice."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = asyncio.Lock()
        self._sent: set[str] | None = None

    def check(self) -> None:
        """Raises ConfigurationError where the file cannot be written."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8"):
                pass
        except OSError as error:
            raise ConfigurationError(
                f"notices cannot be written to {self._file}: {error.strerror}",
                f"通知无法写入{self._file}:{error.strerror}",
            ) from None

    async def send(self, key: str, person: str, payload: str, correction: bool) -> None:
        """Write a notice, or the correction of one."""
        name = f"{key}:correction" if correction else key
        line = {
            "key": name,
            "person": person,
            "correction": correction,
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "notice": json.loads(payload),
        }
        async with self._lock:
            await asyncio.to_thread(self._append, name, json.dumps(line, ensure_ascii=False))

    def _append(self, name: str, line: str) -> None:
        try:
            if self._sent is None:
                self._sent = self._keys()
            if name not in self._sent:
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
                self._sent.add(name)
        except OSError as error:
            raise Unavailable(f"the notice log cannot be written: {error.strerror}") from None

    def _keys(self) -> set[str]:
        if not self._file.exists():
            return set()
        keys = set()
        for line in self._file.read_text(encoding="utf-8").splitlines():
            try:
                keys.add(json.loads(line)["key"])
            except (ValueError, KeyError):
                continue  # the line that a crash cut short; its notice is written again
        return keys
