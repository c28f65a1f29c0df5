"""How much a sender may send: so many reports a minute in one process, no body larger than this."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException

from domain.errors import Refused
from domain.senders import Sender

MAXIMUM_BODY = 1 << 20
MAXIMUM_FILE = 20 << 20


class TooMany(Refused):
    """More than the sender's share; after `seconds` there is room again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"more reports than the sender's limit; go on in {seconds} s, or hand over a file",
            f"超出该单位的报送限额;请在{seconds}秒后继续,或改用文件报送",
        )
        self.seconds = seconds


class Limits:
    """A bucket for each sender, which fills up again within a minute."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, sender: Sender, reports: int = 1) -> None:
        """Take the room for some reports. Raises TooMany."""
        rate = sender.reports_per_minute / 60
        level, at = self._buckets.get(sender.id, (float(sender.reports_per_minute), self._now()))
        level = min(sender.reports_per_minute, level + (self._now() - at) * rate)
        if level < min(reports, sender.reports_per_minute):
            self._buckets[sender.id] = (level, self._now())
            raise TooMany(max(1, math.ceil((reports - level) / rate)))
        self._buckets[sender.id] = (level - reports, self._now())


class BodyLimit:
    """Refuses bodies that are too large, by what they say of themselves or as soon as they turn out to be."""

    def __init__(self, app: Any, large: tuple[str, ...] = ()) -> None:
        self._app, self._large = app, large

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = MAXIMUM_FILE if scope["path"].rstrip("/").endswith(self._large) else MAXIMUM_BODY
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        seen = 0

        async def counted() -> Any:
            nonlocal seen
            if stated.isdigit() and int(stated) > limit:
                raise HTTPException(413)
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
