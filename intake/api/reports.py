"""Reporting facts: one, several, or as CloudEvents."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError

from domain.errors import ConfigurationError, Conflict, ContractError, Missing, Refused, Unavailable
from domain.senders import Sender
from intake.api.messages import (
    PERSON_KEY,
    AnswerOut,
    AnswersOut,
    CloudEvent,
    PendingOut,
    ProblemOut,
    ReceiptOut,
    Report,
    Reports,
)
from intake.api.problems import described, problem, problem_of, responses
from intake.api.service import Service
from intake.report import report_standing
from intake.reporting import Taken

_REPORT: TypeAdapter[Report] = TypeAdapter(Report)
_OURS = (ContractError, Refused, Unavailable, ConfigurationError)
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": PendingOut, "description": "taken, and not judged yet"}}
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="a key of the sender's for this request; used for another one it is refused (409)",
    ),
]


def routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["reports"])

    @router.post(
        "/reports",
        summary="报送一项事实 · report a fact",
        response_model=ReceiptOut,
        responses={**_ACCEPTED, **responses(404, 409)},
    )
    async def report(request: Request, body: Report, idempotency_key: Key = None) -> Response:
        sender = await service.sender(request)
        service.limits.take(sender)
        await _once(service, sender, request, idempotency_key)
        return _answer(await _take(service, sender, body))

    @router.post(
        "/reports/batch",
        summary="报送多项事实,逐项答复 · report several facts; each is answered by itself",
        responses=responses(409),
    )
    async def batch(request: Request, body: Reports, idempotency_key: Key = None) -> AnswersOut:
        sender = await service.sender(request)
        service.limits.take(sender, len(body.reports))
        await _once(service, sender, request, idempotency_key)
        answers: list[AnswerOut] = []
        for item in body.reports:
            # Where nobody answers, the rest would wait as long for as little.
            away = next((answer for answer in answers if answer.status == 503), None)
            answers.append(away or await _answered(service, sender, item, request))
        return AnswersOut(answers=answers)

    @router.post(
        "/events",
        summary="以 CloudEvents 报送 · report a fact as a CloudEvent (structured mode)",
        response_model=ReceiptOut,
        responses={**_ACCEPTED, **responses(404, 409)},
    )
    async def event(request: Request, body: CloudEvent, idempotency_key: Key = None) -> Response:
        sender = await service.sender(request)
        service.limits.take(sender)
        await _once(service, sender, request, idempotency_key)
        return _answer(await _take(service, sender, _parsed(body.report())))

    @router.get(
        "/people/{person}/reports/{fact:path}",
        summary="报送的办理情况 · what became of a report",
        response_model=ReceiptOut,
        responses={**_ACCEPTED, **responses(404, 409)},
    )
    async def status(
        request: Request,
        person: Annotated[str, Path(pattern=PERSON_KEY)],
        fact: Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")],
    ) -> Response:
        sender = await service.sender(request)
        service.limits.take(sender)
        return _answer(await _standing(service, sender, person, fact))

    return router


async def _once(service: Service, sender: Sender, request: Request, key: str | None) -> None:
    """Take note of the request that a key belongs to. Raises Conflict where it belongs to another one.

    The answer is not kept: the facts have ids, so the same request gets the same answer from the lives.
    """
    if key is not None:
        content = f"{request.url.path}\0".encode() + await request.body()
        await service.used_keys.use(sender.id, key, service.identities.digest(content), service.today())


async def _standing(service: Service, sender: Sender, person: str, fact: str) -> Taken:
    """What became of a report of this sender's. Raises Missing or Conflict."""
    held = await report_standing(service.client, person, fact)
    said_by = held.sender or await service.reporting.people.reported_by(person, fact)
    if not (held.known or held.conflict) or said_by not in (sender.id, None, ""):
        raise Missing("there is no such report of yours", "没有贵单位的这份报送")
    if said_by != sender.id and not fact.startswith(f"{sender.id}:"):
        raise Missing("there is no such report of yours", "没有贵单位的这份报送")
    if held.conflict is not None:
        raise Conflict(held.conflict.en, held.conflict.zh)
    if held.receipt is None and not held.sender:
        raise Missing(
            "the receipt of this report is not kept any more; report the fact again to read where it stands",
            "回执已不再保留;再次报送同一事实即可查看现状",
        )
    return Taken(person, fact, held.receipt)


async def _take(service: Service, sender: Sender, body: Report) -> Taken:
    fact = await service.reporting.stated(sender, body.fact)
    person = await service.reporting.person(body.person.key, body.person.read(service.today()), body.person.name or "")
    return await service.reporting.report(sender, person, fact, service.patience)


def _parsed(content: dict[str, Any]) -> Report:
    """A report of several. Raises ContractError, naming the field."""
    try:
        return _REPORT.validate_python(content)
    except ValidationError as error:
        text = described(error.errors(include_url=False, include_input=False))
        raise ContractError(text.en, text.zh) from None


async def _answered(service: Service, sender: Sender, item: dict[str, Any], request: Request) -> AnswerOut:
    try:
        taken = await _take(service, sender, _parsed(item))
    except _OURS as error:
        status, text = problem_of(error)
        return AnswerOut(status=status, problem=ProblemOut(**problem(status, text, request)))
    if taken.receipt is None:
        return AnswerOut(status=202, pending=_pending(taken))
    return AnswerOut(status=200, receipt=ReceiptOut.of(taken.receipt))


def _pending(taken: Taken) -> PendingOut:
    where = f"/v1/people/{taken.person}/reports/{quote(taken.fact, safe=':')}"
    return PendingOut(fact=taken.fact, person=taken.person, status_at=where)


def _answer(taken: Taken) -> Response:
    if taken.receipt is None:
        pending = _pending(taken)
        return JSONResponse(
            json.loads(pending.model_dump_json()), 202, headers={"Location": pending.status_at, "Retry-After": "2"}
        )
    return Response(ReceiptOut.of(taken.receipt).model_dump_json(), media_type="application/json")
