"""Erasure of a person (删除个人信息): the life is closed, its runs are deleted, and the keys of its payloads destroyed.

In this order, because what was sealed with the intake key for an update, or came in plain, is not shredded with the
person's keys: it goes with the runs. Whether the law allows it, no rule here decides: two people do, and say by which
document and article (个人信息保护法 art. 47 asks for deletion unless a law or regulation has the record kept).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from adapters.registry.audit import AuditJournal, Way
from adapters.registry.database import Database
from adapters.registry.erasing import erase_identity
from domain.errors import Missing, Unavailable
from workflows.names import person_workflow_id

# The server deletes after it has answered, and its list of workflows lags behind.
_LOOKS, _LOOK_SECONDS = 120, 0.5
# So many empty looks in a row, before nothing is taken to be left.
_EMPTY_LOOKS = 3
ACT = "erase"


@dataclass(frozen=True, slots=True)
class Erased:
    runs: int
    keys: int
    rows: int


@dataclass(frozen=True)
class Erasing:
    client: Client
    database: Database
    person_of: Callable[[str], str]

    async def erase(self, person: str, by: str, reason: str) -> Erased:
        """Erase a person; may be repeated where it was cut off. `reason` names the two people and the legal basis.

        Raises Missing where nothing is known of such a person, Unavailable where a part could not be done.
        """
        audit = AuditJournal(self.database)
        runs = await self._runs(person)
        keys_known = await self.database.keys.knows(f"person-{person}")
        if not runs and not keys_known:
            raise Missing("nothing is sealed for this person", "没有为此人加密的内容")
        await audit.write(by, f"{ACT} begins", person=person, way=Way.CONSOLE, reason=reason)
        deleted = await self._delete_runs(person)
        keys = await self.database.keys.erase(f"person-{person}")
        rows = await erase_identity(self.database, person)
        await audit.write(by, ACT, person=person, way=Way.CONSOLE, reason=reason)
        return Erased(deleted, keys, rows)

    async def _delete_runs(self, person: str) -> int:
        """Close and delete every run of a person's workflows; how many there were."""
        deleted: set[str] = set()
        empty = 0
        for _ in range(_LOOKS):
            runs = await self._runs(person)
            for workflow_id, run_id, running in runs:
                if run_id not in deleted:
                    await self._delete(workflow_id, run_id, running)
                    deleted.add(run_id)
            empty = 0 if runs else empty + 1
            if empty == _EMPTY_LOOKS:
                return len(deleted)
            await asyncio.sleep(_LOOK_SECONDS)
        raise Unavailable(
            "Temporal has not deleted all runs yet; run this again, nothing is done twice",
            "Temporal 尚未删除全部运行;请再次运行,不会重复办理",
        )

    async def _runs(self, person: str) -> list[tuple[str, str, bool]]:
        query = f"PersonKey = '{person}' OR WorkflowId = '{person_workflow_id(person)}'"
        try:
            return [
                (found.id, found.run_id, found.status is WorkflowExecutionStatus.RUNNING)
                async for found in self.client.list_workflows(query)
                if self.person_of(found.id) == person
            ]
        except RPCError as error:
            raise Unavailable(
                f"Temporal does not answer: {error.status.name}", f"Temporal 没有答复:{error.status.name}"
            ) from None

    async def _delete(self, workflow_id: str, run_id: str, running: bool) -> None:
        handle = self.client.get_workflow_handle(workflow_id, run_id=run_id)
        request = DeleteWorkflowExecutionRequest(
            namespace=self.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
        )
        try:
            if running:
                await handle.terminate(reason="erased")
            await self.client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise Unavailable(
                    f"Temporal does not delete {workflow_id}: {error.status.name}",
                    f"Temporal 未能删除{workflow_id}:{error.status.name}",
                ) from None
