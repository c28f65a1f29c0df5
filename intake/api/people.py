"""Reading: whether somebody is covered, what was recorded of them, what is open in an area."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from adapters.payload_converter import UnreadablePayload
from domain.bilingual import Text
from domain.errors import Forbidden
from domain.facts import CivilDate
from domain.life import CoverageAnswer
from domain.senders import Reading
from domain.status import STATUS_NAMES, Status
from intake.api.messages import PERSON_KEY, OpenOut
from intake.api.problems import responses
from intake.api.service import Service
from intake.report import QUERY_LIMIT
from workflows.names import person_workflow_id

Person = Annotated[str, Path(pattern=PERSON_KEY, description="the opaque key of a person")]


class CoverOut(BaseModel):
    """Days of cover; both ends included, open without `ends`."""

    scheme: str
    area: str
    starts: date
    ends: date | None
    share: str
    service: str
    because: Text


class CoverageOut(BaseModel):
    """Whether a person is covered on a day. `unknown` where a person must decide, and is never no."""

    person: str
    on: date
    covered: Literal["yes", "no", "unknown"]
    cover: list[CoverOut]


class LineOut(BaseModel):
    """What was learned or concluded on a day."""

    recorded_on: date
    kind: str
    what: Text
    by: str


class TimelineOut(BaseModel):
    person: str
    lines: list[LineOut]


class StandingOut(BaseModel):
    """Where a person stands by the last record."""

    person: str
    area: str
    status: Status
    status_says: Text
    open: list[OpenOut]


class OpenMatterOut(BaseModel):
    person: str
    area: str
    question: str
    because: Text
    since: date


class OpenMattersOut(BaseModel):
    """A page of what is open; `after` is where the next one begins, empty after the last."""

    matters: list[OpenMatterOut]
    after: str


def routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["people"])

    @router.get("/people/{person}/coverage", summary="某日是否享受待遇 · cover on a day", responses=responses(404))
    async def coverage(request: Request, person: Person, on: Annotated[CivilDate, Query()]) -> CoverageOut:
        sender = await service.sender(request)
        service.limits.take(sender)
        key = await service.reporting.may_see(sender, person, Reading.COVERAGE)
        spans = await service.reader.coverage_on(key, on)
        answer = CoverageAnswer(on=on, covered="yes", intervals=spans)
        if not spans:
            answer = await _not_covered(service, key, on)
        return CoverageOut(
            person=key,
            on=on,
            covered=answer.covered,
            cover=[
                CoverOut.model_validate({**span.model_dump(exclude={"id", "because"}), "because": span.because})
                for span in answer.intervals
            ],
        )

    @router.get("/people/{person}/timeline", summary="经过 · what was recorded", responses=responses(404))
    async def timeline(request: Request, person: Person) -> TimelineOut:
        sender = await service.sender(request)
        service.limits.take(sender)
        key = await service.reporting.may_see(sender, person, Reading.TIMELINE)
        lines = await service.reader.history(key)
        return TimelineOut(
            person=key, lines=[LineOut(recorded_on=x.recorded_on, kind=x.kind, what=x.what, by=x.by) for x in lines]
        )

    @router.get("/people/{person}", summary="现状 · where a person stands", responses=responses(404))
    async def standing(request: Request, person: Person) -> StandingOut:
        sender = await service.sender(request)
        service.limits.take(sender)
        key = await service.reporting.may_see(sender, person, Reading.TIMELINE)
        held = await service.reader.standing(key)
        return StandingOut(
            person=key,
            area=held.area,
            status=Status(held.status),
            status_says=STATUS_NAMES[Status(held.status)],
            open=[OpenOut(question=item.question, because=item.because) for item in held.parked],
        )

    @router.get("/open", summary="待人工决定的事项 · what a person must decide, in the area", responses=responses())
    async def open_matters(
        request: Request, after: Annotated[str, Query(pattern=r"^[0-9]{0,18}$")] = ""
    ) -> OpenMattersOut:
        sender = await service.sender(request)
        service.limits.take(sender)
        try:
            sender.may_read(Reading.OPEN)
        except Forbidden as error:
            await service.audit.write(sender.id, "read open", refused=str(error))
            raise
        await service.audit.write(sender.id, "read open")
        found = await service.reader.open_matters(sender.area, after)
        return OpenMattersOut(
            matters=[
                OpenMatterOut(
                    person=item.person, area=item.area, question=item.question, because=item.because, since=item.since
                )
                for item in found
            ],
            after=found[-1].key if found else "",
        )

    return router


async def _not_covered(service: Service, person: str, on: date) -> CoverageAnswer:
    """No, unless something is open about the person: then the life knows of which days nobody can say yet."""
    held = await service.reader.standing(person)
    if not held.parked:
        return CoverageAnswer(on=on, covered="no")
    handle = service.client.get_workflow_handle(person_workflow_id(person))
    try:
        answer: CoverageAnswer = await handle.query("coverage", on, result_type=CoverageAnswer, rpc_timeout=QUERY_LIMIT)
    except (RPCError, WorkflowQueryFailedError, UnreadablePayload):
        return CoverageAnswer(on=on, covered="unknown")
    return answer
