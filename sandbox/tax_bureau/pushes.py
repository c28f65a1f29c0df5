"""Pushes: booked money is posted to whoever asked for it, signed, at least once, and again until it is taken."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import time
from typing import Any

import httpx2
from fastapi import FastAPI, Response

from sandbox.tax_bureau.books import Books, bookings_after
from sandbox.tax_bureau.orders import Push, Registration
from sandbox.tax_bureau.payments import notice_of

_PAUSE_SECONDS = 0.2
_BATCH = 50
_REGISTRATION, _POSITION = "push", "push-position"


def add(app: FastAPI, books: Books) -> None:
    @app.put("/v1/pushes", status_code=204, summary="推送地址 · Where payments are to be pushed")
    def register(registration: Registration) -> Response:
        books.keep(_REGISTRATION, registration.model_dump_json())
        return Response(status_code=204)


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 over the time, a dot and the body, in hexadecimal."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


async def push_for_ever(books: Books) -> None:
    """Push what was booked since the last push that was taken."""
    async with httpx2.AsyncClient(timeout=10) as http:
        while True:
            with contextlib.suppress(httpx2.TransportError):
                while await _push_once(books, http):
                    pass
            await asyncio.sleep(_PAUSE_SECONDS)


async def _push_once(books: Books, http: httpx2.AsyncClient) -> bool:
    kept = books.kept(_REGISTRATION)
    if kept is None:
        return False
    registration = Registration.model_validate_json(kept)
    position = int(books.kept(_POSITION) or 0)
    with books.session() as session:
        notices = [notice_of(booking) for booking in bookings_after(session, position, _BATCH)]
    if not notices:
        return False
    faults = books.faults()
    if faults.away:
        return False
    last = notices[-1].cursor
    if faults.strikes("reordered_pushes", str(last)):
        notices.reverse()
    body = Push(payments=notices).model_dump_json().encode()
    for _ in range(2 if faults.strikes("duplicated_pushes", str(last)) else 1):
        if not await _post(http, registration, body):
            return False
    books.keep(_POSITION, str(last))
    return True


async def _post(http: httpx2.AsyncClient, registration: Registration, body: bytes) -> bool:
    moment = str(int(time.time()))
    headers: dict[str, Any] = {
        "Content-Type": "application/json",
        "X-Timestamp": moment,
        "X-Signature": signature(registration.secret, moment, body),
    }
    return (await http.post(registration.url, content=body, headers=headers)).is_success
