"""Where the tax bureau pushes payments to: signed, checked, taken once, and answered when they are taken."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from adapters.registry.money import MoneyBooks
from adapters.tax.client import Payment
from adapters.tax.signatures import check
from domain.errors import Refused, Unavailable
from intake.tax_payments import PaymentDesk

_RETRY_AFTER = {"Retry-After": "30"}


class Pushed(BaseModel):
    payments: list[Payment]


def create_app(desk: PaymentDesk, books: MoneyBooks, secret: str, now: Callable[[], float] = time.time) -> FastAPI:
    """The address that the bureau posts to; 204 says that everything was taken, anything else that it comes again."""
    app = FastAPI(title="Canbao: payments of the tax bureau", version="1", openapi_url=None)

    @app.post("/v1/tax/payments")
    async def pushed(
        request: Request,
        x_timestamp: Annotated[str | None, Header()] = None,
        x_signature: Annotated[str | None, Header()] = None,
    ) -> Response:
        body = await request.body()
        try:
            check(secret, x_timestamp, x_signature, body, now())
        except Refused as error:
            because = str(error)
            await _try(lambda: books.reject_push(body, because))
            return _problem(401, error.text.both())
        try:
            push = Pushed.model_validate_json(body)
        except ValidationError:
            return _problem(422, "推送内容不合约定 · the push does not keep the contract")
        try:
            await desk.take_all(push.payments)
        except Unavailable as error:
            return _problem(503, error.text.both())
        return Response(status_code=204)

    return app


async def _try(write: Callable[[], Awaitable[None]]) -> None:
    try:
        await write()
    except Unavailable:
        return  # whoever is not the bureau gets the same answer


def _problem(status: int, detail: str) -> JSONResponse:
    content = {"type": "about:blank", "status": status, "detail": detail}
    headers = _RETRY_AFTER if status == 503 else None
    return JSONResponse(content, status, headers=headers, media_type="application/problem+json")
