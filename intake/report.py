"""Reporting a fact to a life: the first fact starts it, and the answer says what follows."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import cast

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.common import Priority, WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from adapters.payload_converter import UnreadablePayload
from domain.areas import NATION
from domain.bilingual import Text
from domain.errors import Conflict, Missing, NotAdmitted, Refused, Unavailable
from domain.facts import Fact, ReportedFact, wire
from domain.life import Life, Receipt, ReportStanding
from workflows.names import LIVES_QUEUE, person_workflow_id
from workflows.person import PersonLifecycle

# How long a sender waits for an answer before it is told to ask again; the same fact again gets the same answer.
ANSWER_LIMIT = timedelta(seconds=60)
# How long a life may take to accept a fact, which a worker that is there does in milliseconds.
TAKING_LIMIT = timedelta(seconds=10)
QUERY_LIMIT = timedelta(seconds=5)
# The SDK's types lose an update's result where its decorator has arguments.
_REPORT = cast("UpdateMethodMultiParam[[PersonLifecycle, ReportedFact, str], Receipt]", PersonLifecycle.report)
# What a worker says that cannot open a message: the name of its error, which is never sealed.
_UNREADABLE = UnreadablePayload.__name__
SUMMARY = Text("一个人的基本医疗保险参保", "one person's enrolment in basic medical insurance")


async def report(client: Client, person: str, fact: Fact, sender: str, clock_shift_days: int = 0) -> Receipt:
    """Report a fact of a person; `sender` is who says so, for the journal. Sending it again is safe.

    Raises NotAdmitted or Conflict, with a sentence, for what the life does not admit, and Unavailable when nobody
    answered in time.
    """
    receipt = await report_within(client, person, fact, sender, ANSWER_LIMIT, clock_shift_days, ANSWER_LIMIT)
    if receipt is None:
        raise _nobody_answered()
    return receipt


async def report_within(
    client: Client,
    person: str,
    fact: Fact,
    sender: str,
    patience: timedelta,
    clock_shift_days: int = 0,
    taking: timedelta = TAKING_LIMIT,
) -> Receipt | None:
    """Like `report`; None where the life took the fact and has not judged it before `patience` ended.

    Raises Unavailable where it is not certain, when `taking` ended, that the life took it.
    """
    start = WithStartWorkflowOperation(
        PersonLifecycle.run,
        Life(key=person, clock_shift_days=clock_shift_days),
        id=person_workflow_id(person),
        task_queue=LIVES_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=SUMMARY.both(),
        # A city's million rows start as many lives; its neighbour's newborn is served in turn.
        priority=Priority(fairness_key=fact.area or NATION),
    )
    with _in_a_sentence():
        try:
            update = await client.start_update_with_start_workflow(
                _REPORT,
                args=[ReportedFact(json.loads(wire(fact))), sender],
                start_workflow_operation=start,
                wait_for_stage=WorkflowUpdateStage.ACCEPTED,
                id=update_id(fact),
                rpc_timeout=taking,
            )
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
            # The SDK says it a second time through the operation; unheard, it would be logged as a fault of ours.
            with suppress(RPCError, WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
                async with asyncio.timeout(0):
                    await start.workflow_handle()
            raise
        try:
            return await update.result(rpc_timeout=patience)
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return None


async def report_standing(client: Client, person: str, fact_id: str) -> ReportStanding:
    """What became of a fact that was reported. Raises Missing where no life is, Unavailable when nobody answers."""
    try:
        standing: ReportStanding = await client.get_workflow_handle(person_workflow_id(person)).query(
            "report_standing", fact_id, result_type=ReportStanding, rpc_timeout=QUERY_LIMIT
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Missing("there is no such report", "没有这份报送") from None
        raise _nobody_answered() from None
    except (WorkflowQueryFailedError, UnreadablePayload):
        raise _nobody_answered() from None
    return standing


async def facts_of(client: Client, person: str) -> list[str]:
    """JSON of every fact that a running life holds; none where no life is. Raises Unavailable when nobody answers."""
    try:
        facts: list[str] = await client.get_workflow_handle(person_workflow_id(person)).query(
            "facts", result_type=list[str], rpc_timeout=QUERY_LIMIT
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []
        raise _nobody_answered() from None
    except (WorkflowQueryFailedError, UnreadablePayload):
        raise _nobody_answered() from None
    return facts


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """What the engine raises, as errors of ours."""
    try:
        yield
    except WorkflowUpdateFailedError as error:
        raise _translated(error) from None
    except UnreadablePayload:
        raise Unavailable(
            "the answer cannot be read here; report the fact again, which is safe, when the keys are in order",
            "答复在此无法解密;待密钥恢复后请再次报送,不会重复",
        ) from None
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise _nobody_answered() from None
    except RPCError as error:
        if error.status in _OURS:
            raise
        raise Unavailable(
            "Temporal does not answer; report the fact again later", "Temporal 没有答复,请稍后再次报送"
        ) from None


# What says that the request itself is wrong, which no repetition mends: a fault of ours or of the set-up.
_OURS = (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED)


def _translated(failed: WorkflowUpdateFailedError) -> Exception:
    if _UNREADABLE in _types(failed.cause):
        return Unavailable(
            "nobody could read the report; send it again when the keys are in order",
            "报送内容无法解密;待密钥恢复后请再次报送",
        )
    kind = failed.cause.type if isinstance(failed.cause, ApplicationError) else None
    said = str(failed.cause.message if isinstance(failed.cause, ApplicationError) else failed.cause)
    if kind == "ContractError":
        return NotAdmitted(said)
    return Conflict(said) if kind == "FactConflict" else Refused(said)


def _types(error: BaseException | None) -> Iterator[str | None]:
    while error is not None:
        yield error.type if isinstance(error, ApplicationError) else None
        error = error.__cause__


def _nobody_answered() -> Unavailable:
    return Unavailable(
        "no worker answered in time; report the fact again when one runs",
        "没有工作进程及时答复;待其运行后请再次报送",
    )


def update_id(fact: Fact) -> str:
    """Two sends of one fact share the update; another content with the same id must reach the life to be refused."""
    return hashlib.sha256(f"{fact.fact_id}\0{wire(fact)}".encode()).hexdigest()[:32]
