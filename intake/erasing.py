"""Erasure of a person (删除个人信息): the life is closed, its runs are deleted, and the keys of its payloads destroyed.

In this order, because what was sealed with the intake key for an update, or came in plain, is not shredded with the
person's keys: it goes with the runs. Whether the law allows it, no rule here decides: two people do, and say by which
document and article (个人信息保护法 art. 47 asks for deletion unless a law or regulation has the record kept).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from adapters.keys.data_keys import SEALING_SECONDS
from adapters.registry.audit import AuditJournal, Way
from adapters.registry.database import Database
from adapters.registry.erasing import erase_identity, is_identified, keys_of_one_person
from domain.errors import Missing, Unavailable
from domain.life import CASES
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
    sealing_seconds: float = SEALING_SECONDS

    async def erase(self, person: str, by: str, reason: str) -> Erased:
        """Erase a person; may be repeated where it was cut off. `reason` names the second person and the legal basis.

        Raises Missing where nothing is known of such a person, Unavailable where a part could not be done.
        """
        audit, keys = AuditJournal(self.database), self.database.keys
        people = await keys_of_one_person(self.database, person)
        if not await self._anything(people):
            raise Missing("nothing is kept of this person that could be erased", "没有可删除的此人信息")
        for key in people:
            await audit.write(by, f"{ACT} begins", person=key, way=Way.CONSOLE, reason=reason)
            await keys.close(_owner(key))
        # From here on no process seals anything for the person: no report begins a life anew meanwhile.
        await asyncio.sleep(self.sealing_seconds)
        done = Erased(0, 0, 0)
        for key in people:
            runs = await self._delete_runs(key)
            rows = await erase_identity(self.database, key)
            done = Erased(done.runs + runs, done.keys + await keys.erase(_owner(key)), done.rows + rows)
            await audit.write(by, ACT, person=key, way=Way.CONSOLE, reason=reason)
        await self.database.scrub()
        return done

    async def _anything(self, people: Sequence[str]) -> bool:
        for key in people:
            if await self.database.keys.knows(_owner(key)) or await is_identified(self.database, key):
                return True
            if await self._runs(key):
                return True
        return False

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
        # A case that no worker has looked at yet does not say whose it is but by its id.
        ids = " OR ".join(f"WorkflowId STARTS_WITH '{kind}-{person}-'" for kind in CASES)
        query = f"PersonKey = '{person}' OR WorkflowId = '{person_workflow_id(person)}' OR {ids}"
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
                with suppress(RPCError):  # it has ended, or goes on in another run, which is found the next time
                    await handle.terminate(reason="erased")
            await self.client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise Unavailable(
                    f"Temporal does not delete {workflow_id}: {error.status.name}",
                    f"Temporal 未能删除{workflow_id}:{error.status.name}",
                ) from None


def _owner(person: str) -> str:
    """Whose data keys they are."""
    return f"person-{person}"
