"""The opaque key of a person: the one call that an intake system needs which starts lives with its own SDK."""

from __future__ import annotations

from fastapi import APIRouter, Request

from domain.errors import Forbidden
from domain.senders import Reading
from intake.api.messages import KeyOut, PersonSpoken
from intake.api.problems import responses
from intake.api.service import Service
from workflows.names import LIVES_QUEUE, person_workflow_id


def routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["keys"])

    @router.post("/keys", summary="证件换取登记号 · documents in, opaque key out", responses=responses(404, 409))
    async def key(request: Request, person: PersonSpoken) -> KeyOut:
        sender = await service.sender(request)
        service.limits.take(sender)
        try:
            sender.may_read(Reading.KEYS)
        except Forbidden as error:
            await service.audit.write(sender.id, "read keys", refused=str(error))
            raise
        found = await service.reporting.person(person.key, person.read(service.today()), person.name or "")
        await service.audit.write(sender.id, "read keys", person=found)
        return KeyOut(key=found, workflow_id=person_workflow_id(found), task_queue=LIVES_QUEUE)

    return router
