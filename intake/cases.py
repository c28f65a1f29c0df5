"""The way to cases and to running lives: opening a case, taking it back, reporting to a life without starting one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from domain.bilingual import Text
from domain.cases import Case, CaseReport
from domain.errors import Refused, Unavailable
from domain.facts import ReportedFact
from domain.life import EffectKind, PolicyNotice, Receipt, Reconsidered
from workflows.duplicates import Duplicates
from workflows.names import LIVES_QUEUE, case_workflow_id, person_workflow_id
from workflows.person import PersonLifecycle
from workflows.refund import Refund
from workflows.search_attributes import PERSON_KEY
from workflows.transfer import Transfer

# How long a life may take to answer; a worker that is there answers in milliseconds.
ANSWER_SECONDS = 20
CASE_SENDER = "case"
_REPORT = cast("UpdateMethodMultiParam[[PersonLifecycle, ReportedFact, str], Receipt]", PersonLifecycle.report)
_RECONSIDER = cast("UpdateMethodMultiParam[[PersonLifecycle, PolicyNotice], Reconsidered]", PersonLifecycle.reconsider)
_KINDS: dict[EffectKind, tuple[Callable[..., Awaitable[str]], Text]] = {
    EffectKind.REFUND: (Refund.run, Text("退费", "refund")),
    EffectKind.TRANSFER: (Transfer.run, Text("转移接续", "transfer between pooling areas")),
    EffectKind.DUPLICATE: (Duplicates.run, Text("重复参保", "duplicate enrolment")),
}


class CaseDesk:
    """Opens cases and speaks with lives."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def open(self, case: Case) -> None:
        """Open a case, or tell the running one what it is about now; one that was closed with this content stays so."""
        workflow_id = case_workflow_id(case.person, case.slot)
        if await self._closed_generation(workflow_id) >= case.generation:
            return
        procedure, summary = _KINDS[case.kind]
        try:
            await self._client.start_workflow(
                procedure,
                case,
                id=workflow_id,
                task_queue=LIVES_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                memo={"generation": case.generation},
                search_attributes=TypedSearchAttributes([SearchAttributePair(PERSON_KEY, case.person)]),
                static_summary=summary.both(),
                start_signal="revise",
                start_signal_args=[case],
            )
        except RPCError as error:
            raise Unavailable(f"Temporal does not answer: {error.status.name}") from None

    async def _closed_generation(self, workflow_id: str) -> int:
        """The generation with which a closed case was last opened; 0 for one that runs or never was."""
        try:
            description = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return 0
            raise Unavailable(f"Temporal does not answer: {error.status.name}") from None
        if description.status is WorkflowExecutionStatus.RUNNING:
            return 0
        return int((await description.memo()).get("generation", 0))

    async def withdraw(self, person: str, slot: str, generation: int) -> None:
        """Tell a case that it no longer follows; one that is closed, or never was, needs nothing."""
        handle = self._client.get_workflow_handle(case_workflow_id(person, slot))
        try:
            await handle.signal("withdraw", generation)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise Unavailable(f"Temporal does not answer: {error.status.name}") from None

    async def report(self, told: CaseReport) -> None:
        """Report a fact to a running life. Raises Unavailable, or Refused where there is none or it says no."""
        handle = self._client.get_workflow_handle(person_workflow_id(told.person))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await handle.execute_update(_REPORT, args=[ReportedFact(told.fact), CASE_SENDER])
        except WorkflowUpdateFailedError as error:
            raise Refused(str(error.cause)) from None
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            raise Unavailable("the life does not answer in time") from None
        except RPCError as error:
            raise _translated(error) from None

    async def reconsider(self, person: str, notice: PolicyNotice) -> Reconsidered | None:
        """Have a running life judge again by new rules; None where none runs any more."""
        handle = self._client.get_workflow_handle(person_workflow_id(person))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await handle.execute_update(_RECONSIDER, notice, id=notice.notice)
        except WorkflowUpdateFailedError as error:
            raise Unavailable(str(error.cause)) from None
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            raise Unavailable("the life does not answer in time") from None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise _translated(error) from None


def _translated(error: RPCError) -> Unavailable | Refused:
    if error.status is RPCStatusCode.NOT_FOUND:
        return Refused("no life of this person runs", "此人没有运行中的流程")
    return Unavailable(f"the life does not answer: {error.status.name}")
