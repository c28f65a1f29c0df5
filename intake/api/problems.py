"""Errors as RFC 9457 problems: a stable type, one sentence, no trace, nothing of what was sent."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from adapters.logs import logger
from domain.bilingual import Text
from domain.errors import (
    ConfigurationError,
    Conflict,
    ContractError,
    Forbidden,
    Missing,
    NotAdmitted,
    Refused,
    Unavailable,
)
from domain.facts import field_name
from intake.limits import TooMany
from intake.tokens import BadToken

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:canbao:problem:"
_RETRY_SECONDS = 10
log = logger("canbao.api")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="stable; a program may switch over it", examples=[f"{_PREFIX}contract"])
    title: str = Field(description="the type in words")
    status: int
    detail: str = Field(description="one sentence that says what to do, in the language of Accept-Language")


# By status: the type, and its words.
_KINDS: dict[int, tuple[str, Text]] = {
    400: ("malformed", Text("请求无法解析", "the request cannot be read")),
    401: ("unauthorized", Text("未通过身份验证", "who asks is not known")),
    403: ("forbidden", Text("无权办理", "the sender may not do this")),
    404: ("not-found", Text("没有这一资源", "there is no such thing")),
    405: ("method-not-allowed", Text("不支持此方法", "the method is not allowed here")),
    409: ("conflict", Text("与已有内容冲突", "it contradicts what is known")),
    413: ("too-large", Text("内容过大", "the content is too large")),
    415: ("media-type", Text("不支持此内容类型", "the content type is not supported")),
    422: ("contract", Text("不符合约定", "it does not keep the contract")),
    429: ("too-many", Text("请求过多", "too many requests")),
    500: ("fault", Text("内部错误", "a fault of this service")),
    503: ("unavailable", Text("暂时不可用", "temporarily away")),
}
Ours = ContractError | Refused | Unavailable | ConfigurationError
_STATUS: tuple[tuple[type[Ours], int], ...] = (
    (BadToken, 401),
    (TooMany, 429),
    (Forbidden, 403),
    (Missing, 404),
    (NotAdmitted, 422),
    (Conflict, 409),
    (ContractError, 422),
    (Unavailable, 503),
    (Refused, 409),
    (ConfigurationError, 503),
)


def problem(status: int, detail: Text, request: Request | None = None) -> dict[str, Any]:
    """A problem of a status, in the language that was asked for; in both where none was."""
    kind, title = _KINDS.get(status, _KINDS[400])
    asked = "" if request is None else request.headers.get("accept-language", "")[:2].lower()
    words = detail.zh if asked == "zh" else detail.en if asked == "en" else detail.both()
    return {"type": f"{_PREFIX}{kind}", "title": title.both(), "status": status, "detail": words}


def problem_of(error: Ours) -> tuple[int, Text]:
    """The status of an error of ours, and its sentence."""
    return next(number for kind, number in _STATUS if isinstance(error, kind)), error.text


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of a route, for the document that describes it."""
    return {
        status: {"description": _KINDS[status][1].both(), "content": {MEDIA_TYPE: {"schema": _REFERENCE}}}
        for status in sorted({400, 401, 403, 413, 422, 429, 503, *statuses})
    }


_REFERENCE = {"$ref": "#/components/schemas/Problem"}


def install(app: FastAPI) -> None:
    """Answer every error as a problem."""

    def ours(request: Request, error: Ours) -> JSONResponse:
        status, text = problem_of(error)
        return _answer(status, text, request, _headers(error, status))

    for kind, _ in _STATUS:
        app.exception_handler(kind)(ours)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        return _answer(422, described(error.errors()), request)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        title = _KINDS.get(error.status_code, _KINDS[400])[1]
        return _answer(error.status_code, title, request, dict(error.headers or {}))


class Faults:
    """Answers what nobody foresaw. Left to the framework, it would be logged with all that was sent."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        started = False

        async def sent(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            if scope["type"] != "http":
                raise
            route = getattr(scope.get("route"), "path", "-")
            log.exception("a route failed", route=route)
            if not started:
                sentence = Text("服务内部错误,已记录;请稍后再试", "a fault of this service, logged; try again later")
                await _answer(500, sentence, Request(scope))(scope, receive, send)


def described(errors: Any) -> Text:
    """What is wrong with a request, field by field, without repeating any value."""
    sentences = []
    for item in list(errors)[:10]:
        place = ".".join(field_name(part) for part in item["loc"] if part != "body") or "body"
        message = str(item["msg"]).removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "not a field here"
        if item["type"] in ("json_invalid", "union_tag_invalid", "union_tag_not_found"):
            message = {"json_invalid": "is no JSON"}.get(item["type"], "this fact type is not part of the contract")
        sentences.append(f"field {place}: {message}")
    text = "; ".join(sentences) or "the request does not keep the contract"
    return Text(text.replace("field ", "字段 "), text)


def _answer(status: int, detail: Text, request: Request, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(problem(status, detail, request), status, headers=headers, media_type=MEDIA_TYPE)


def _headers(error: Exception, status: int) -> dict[str, str] | None:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.seconds)}
    return {"Retry-After": str(_RETRY_SECONDS)} if status == 503 else None
