"""The bureau as a web application: its contract, and the switches by which it misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from sandbox.tax_bureau import levies, payments, pushes, refunds, statements
from sandbox.tax_bureau.books import Books
from sandbox.tax_bureau.faults import Faults

_RETRY_AFTER_SECONDS = 30
Next = Callable[[Request], Awaitable[Response]]


def create_app(file: Path) -> FastAPI:
    """The bureau, on a database file of its own."""
    books = Books(file)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        books.open()
        pushing = asyncio.create_task(pushes.push_for_ever(books))
        yield
        pushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pushing
        books.close()

    app = FastAPI(
        title="税务征缴接口 · Collection of premiums by the tax bureau",
        version="1",
        description="Every changing call takes an Idempotency-Key: the same key again gets the same answer. What may "
        "pass is answered with 408, 425, 429 or 5xx and perhaps Retry-After; every other error is the last word, as "
        "application/problem+json.",
        lifespan=lifespan,
    )
    # Routes that take the rest of a path would swallow what follows a reference, so payments come before levies.
    for part in (payments, refunds, levies, statements, pushes):
        part.add(app, books)
    _switches(app, books)
    _problems(app)
    _idempotency(app, books)
    _misbehaving(app, books)
    return app


def contract() -> dict[str, Any]:
    """The bureau's contract as an OpenAPI document, without what only the sandbox offers."""
    document = create_app(Path("unused.db")).openapi()
    paths = {
        path: {method: call for method, call in calls.items() if "sandbox" not in call.get("tags", ())}
        for path, calls in document["paths"].items()
    }
    return {**document, "paths": {path: calls for path, calls in paths.items() if calls}}


def _switches(app: FastAPI, books: Books) -> None:
    @app.get("/health", tags=["sandbox"])
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.put("/sandbox/faults", status_code=204, tags=["sandbox"])
    def set_faults(faults: Faults) -> Response:
        books.set_faults(faults)
        return Response(status_code=204)

    @app.get("/sandbox/faults", tags=["sandbox"])
    def faults() -> Faults:
        return books.faults()


def _problems(app: FastAPI) -> None:
    def problem(status: int, detail: object) -> JSONResponse:
        content = {"type": "about:blank", "status": status, "detail": detail}
        return JSONResponse(content, status, media_type="application/problem+json")

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, error.detail)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return problem(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _idempotency(app: FastAPI, books: Books) -> None:
    @app.middleware("http")
    async def once(request: Request, go_on: Next) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method == "GET":
            return await go_on(request)
        content = f"{request.method} {request.url.path} {request.url.query}".encode() + await request.body()
        digest = hashlib.sha256(content).hexdigest()
        known = books.answered(key)
        if known is not None:
            before, status, body = known
            if before != digest:
                detail = {"detail": "this Idempotency-Key was used for another request"}
                return JSONResponse(detail, 422, media_type="application/problem+json")
            return Response(status_code=status) if body is None else JSONResponse(body, status)
        answer = await go_on(request)
        text = b"".join([part async for part in answer.body_iterator])  # type: ignore[attr-defined]
        if answer.status_code < 300:
            books.keep_answer(key, digest, answer.status_code, json.loads(text) if text else None)
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return Response(text, answer.status_code, headers=headers)


def _misbehaving(app: FastAPI, books: Books) -> None:
    asked: Counter[str] = Counter()

    @app.middleware("http")
    async def misbehave(request: Request, go_on: Next) -> Response:
        faults = books.faults()
        if not request.url.path.startswith("/v1/"):
            return await go_on(request)
        what = f"{request.method} {request.url.path}"
        asked[what] += 1
        what += f" {asked[what]}"
        if faults.latency_seconds:
            await asyncio.sleep(faults.latency_seconds)
        if faults.away:
            return Response("away", 503, headers={"Retry-After": str(_RETRY_AFTER_SECONDS)})
        if faults.strikes("errors", what):
            return Response("broken", 500)
        answer = await go_on(request)
        return Response("lost", 504) if faults.strikes("lost_answers", what) else answer
