"""Pushes of the tax bureau: signed, doubled and reordered, refused where they are not the bureau's, never lost."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from sqlmodel import Session

from adapters.registry.database import Database
from adapters.registry.feeds import Feeds
from adapters.registry.money import MoneyBooks
from adapters.registry.tables import Person
from adapters.tax.client import SandboxClient
from domain.errors import Unavailable
from domain.facts import Fact
from domain.life import Receipt
from domain.status import Status
from intake.tax_payments import PaymentDesk
from intake.tax_pushes import create_app
from sandbox.processes import free_port
from tests.bureau import BureauProcess
from tests.test_tax_bureau import ORDER

SECRET = "a secret of both sides, long enough"
PAYMENT = {
    "id": "m1",
    "reference": "p1/levy/resident/130925/2017/basic",
    "scheme": "resident",
    "area": "130925",
    "plan_year": 2017,
    "amount": "150",
    "paid_on": "2017-03-01",
    "arrived_on": "2017-03-01",
    "cursor": 1,
}


class Lives:
    """Lives that count what they are told; they can be away."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self.away = False

    async def report(self, person: str, fact: Fact) -> Receipt:
        if self.away:
            raise Unavailable("no worker answered")
        self.told[fact.fact_id] += 1
        return Receipt(fact=fact.fact_id, person=person, recorded_on=fact.on, status=Status.ENROLLED)


async def _app(database: Database, lives: Lives, bureau: SandboxClient | None = None) -> tuple[FastAPI, MoneyBooks]:
    def know(session: Session) -> None:
        session.add_all(Person(key=f"p{number}") for number in range(30))

    await database.transaction(know)
    books = MoneyBooks(database)
    client = bureau or SandboxClient("http://127.0.0.1:1")
    return create_app(PaymentDesk(client, Feeds(database), books, lives.report), books, SECRET), books


def _signed(body: bytes, *, secret: str = SECRET, moment: int | None = None) -> dict[str, str]:
    at = str(int(time.time()) if moment is None else moment)
    signature = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Timestamp": at, "X-Signature": signature, "Content-Type": "application/json"}


async def _post(app: FastAPI, body: bytes, headers: dict[str, str]) -> int:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://canbao") as http:
        return (await http.post("/v1/tax/payments", content=body, headers=headers)).status_code


async def test_what_the_bureau_signed_is_taken_however_often_it_comes(database: Database) -> None:
    lives = Lives()
    app, books = await _app(database, lives)
    body = json.dumps({"payments": [PAYMENT, {**PAYMENT, "id": "m2", "reference": "stranger/levy/x"}]}).encode()
    assert [await _post(app, body, _signed(body)) for _ in range(2)] == [204, 204]
    assert set(lives.told) == {"tax:m1"}
    assert [(row.payment, row.cause) for row in await books.suspense("000000")] == [("m2", "unknown_payer")]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Timestamp": "now", "X-Signature": "0"},
        {"X-Timestamp": "9" * 5000, "X-Signature": "0"},
        _signed(b"other"),
        _signed(json.dumps({"payments": [PAYMENT]}).encode(), secret="another secret"),
        _signed(json.dumps({"payments": [PAYMENT]}).encode(), moment=1_500_000_000),
    ],
    ids=["none", "malformed", "endless", "another body", "another secret", "long ago"],
)
async def test_a_push_that_is_not_the_bureaus_is_refused_and_noted(database: Database, headers: dict[str, str]) -> None:
    lives = Lives()
    app, books = await _app(database, lives)
    body = json.dumps({"payments": [PAYMENT]}).encode()
    assert await _post(app, body, headers) == 401
    assert not lives.told
    assert await books.rejected_pushes() == 1


async def test_what_cannot_be_taken_now_is_asked_for_again(database: Database) -> None:
    lives = Lives()
    app, _ = await _app(database, lives)
    body = json.dumps({"payments": [PAYMENT]}).encode()
    lives.away = True
    assert await _post(app, body, _signed(body)) == 503
    lives.away = False
    assert await _post(app, body, _signed(body)) == 204
    nonsense = b'{"payments": [{}]}'
    assert await _post(app, nonsense, _signed(nonsense)) == 422


@asynccontextmanager
async def _listening(app: FastAPI, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield
    server.should_exit = True
    await serving


async def test_the_real_bureau_pushes_everything_at_least_once(database: Database, tmp_path: Path) -> None:
    process, lives, port = BureauProcess(tmp_path), Lives(), free_port()
    process.start()
    try:
        async with SandboxClient(process.address) as bureau:
            app, _ = await _app(database, lives, bureau)
            await bureau.misbehave(seed=1, duplicated_pushes=0.5, reordered_pushes=0.5)
            await bureau.ask_for_pushes(f"http://127.0.0.1:{port}/v1/tax/payments", SECRET)
            for number in range(20):  # nobody listens yet
                reference = f"p{number}/levy/resident/130925/2017/basic"
                await bureau.issue_levy(reference, 1, ORDER)
                await bureau.pay(reference, f"m{number}", "150", date(2017, 3, 1))
            process.kill()
            process.start()
            async with _listening(app, port), asyncio.timeout(20):
                while len(lives.told) < 20:
                    await asyncio.sleep(0.05)
            assert set(lives.told) == {f"tax:m{number}" for number in range(20)}
    finally:
        process.stop()
