"""Reporting a fact to a life: the first fact starts it, and the answer says what follows."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import cast

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from domain.bilingual import Text
from domain.errors import Refused, Unavailable
from domain.facts import Fact, ReportedFact, wire
from domain.life import Life, Receipt
from workflows.names import LIVES_QUEUE, person_workflow_id
from workflows.person import PersonLifecycle

# How long a sender waits for an answer before it is told to ask again; the same fact again gets the same answer.
ANSWER_LIMIT = timedelta(seconds=60)
# The SDK's types lose an update's result where its decorator has arguments.
_REPORT = cast("UpdateMethodMultiParam[[PersonLifecycle, ReportedFact, str], Receipt]", PersonLifecycle.report)
SUMMARY = Text("一个人的基本医疗保险参保", "one person's enrolment in basic medical insurance")


async def report(client: Client, person: str, fact: Fact, sender: str, clock_shift_days: int = 0) -> Receipt:
    """Report a fact of a person; `sender` is who says so, for the journal. Sending it again is safe.

    Raises Refused, with a sentence, for what the life does not admit, and Unavailable when nobody answered in time.
    """
    start = WithStartWorkflowOperation(
        PersonLifecycle.run,
        Life(key=person, clock_shift_days=clock_shift_days),
        id=person_workflow_id(person),
        task_queue=LIVES_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=SUMMARY.both(),
    )
    try:
        return await client.execute_update_with_start_workflow(
            _REPORT,
            args=[ReportedFact(json.loads(wire(fact))), sender],
            start_workflow_operation=start,
            id=_update_id(fact),
            rpc_timeout=ANSWER_LIMIT,
        )
    except WorkflowUpdateFailedError as error:
        raise Refused(str(error.cause)) from None
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise Unavailable(
            "no worker answered in time; report the fact again when one runs",
            "没有工作进程及时答复;待其运行后请再次报送",
        ) from None
    except RPCError as error:
        if error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
            raise Unavailable(
                "Temporal does not answer; report the fact again later", "Temporal 没有答复,请稍后再次报送"
            ) from None
        raise


def _update_id(fact: Fact) -> str:
    """Two sends of one fact share the update; another content with the same id must reach the life to be refused."""
    return hashlib.sha256(f"{fact.fact_id}\0{wire(fact)}".encode()).hexdigest()[:32]
