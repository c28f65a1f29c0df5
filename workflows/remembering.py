"""Remembering: what the ledger knows of a person whose life starts, or was overtaken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from activities.registry import RegistryActivities
from domain.bilingual import Text
from domain.facts import parse_fact
from domain.life import CASES, Remembered, SlotState
from workflows.life_state import LifeState
from workflows.names import REGISTRY_QUEUE
from workflows.patience import CALL_LIMIT

# A registry that does not answer within this is away; a sender's receipt may have to wait for it, once.
AT_ONCE = timedelta(seconds=2)
# The ledger must be read before a person whom it may know is judged, so this waits as long as it takes.
READ_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


class Remembering(LifeState):
    """The part of the loop that speaks with the registry, and reads the ledger."""

    async def ask_registry(
        self,
        call: Callable[..., Awaitable[Any]],
        given: Any,
        limit: timedelta | None,
        retry: RetryPolicy,
        summary: str,
    ) -> Any:
        """Ask the registry once, at once, in this process; where it does not answer, by its own queue and patiently.

        Every call to the registry may be repeated, so one that was answered after all does no harm.
        """
        if not self.registry_away:
            try:
                return await workflow.execute_local_activity(
                    call, given, schedule_to_close_timeout=AT_ONCE, retry_policy=RetryPolicy(maximum_attempts=1)
                )
            except FailureError:
                self.registry_away = True
        answer = await workflow.execute_activity(
            call,
            given,
            task_queue=REGISTRY_QUEUE,
            start_to_close_timeout=CALL_LIMIT,
            schedule_to_close_timeout=limit,
            retry_policy=retry,
            summary=summary,
        )
        self.registry_away = False
        return answer

    async def remember(self) -> None:
        """Read the ledger: late money, a death reported in error and a rebuilt cluster are all one path."""
        known: Remembered = await self.ask_registry(
            RegistryActivities.read, self.life.key, None, READ_RETRY, "读取登记库 · what the registry knows"
        )
        begins = not self.life.admitted
        self.life.admitted = True
        new = {fact_id: text for fact_id, text in self.life.facts.items() if fact_id not in known.facts}
        for fact_id in list(self.unanswered):
            stored = known.facts.get(fact_id)
            if stored is not None and parse_fact(stored).content() != parse_fact(self.life.facts[fact_id]).content():
                self.unanswered.remove(fact_id)
                self.conflicting[fact_id] = Text("该编号已用于另一事实", "this id was already used for another fact")
        self.life.facts = {**known.facts, **new}
        for name, slot in known.slots.items():
            mine = self.slot(name)
            if mine is None or mine.generation < slot.generation:
                self.remember_slot(name, slot)
            elif mine != slot:
                self._record_again(name)
        for name in [*self.life.slots, *self.life.settled_slots]:
            if name not in known.slots:
                self._record_again(name)
        if begins:
            self._open_cases_again()
        # What the ledger holds is what the next assessment is compared with.
        self.life.coverage = {span.id: span for span in known.coverage}
        self.life.coverage_changes = []
        concluded = dict.fromkeys(known.known_conclusions)
        self.life.unrecorded_conclusions = [
            conclusion for conclusion in self.life.unrecorded_conclusions if conclusion.id not in concluded
        ]
        self.life.known_conclusions = [
            *known.known_conclusions,
            *(conclusion.id for conclusion in self.life.unrecorded_conclusions),
        ]
        self.life.holder = known.holder or self.life.holder
        self.life.sequence = max(self.life.sequence, known.sequence)
        self.life.recorded_sequence = known.sequence
        self.life.recorded_facts = len(known.facts)
        # Whatever the ledger held, the next assessment is a record of its own on top of it.
        self.life.record_digest = ""
        self.woken = True

    def _record_again(self, name: str) -> None:
        """The ledger is behind about an effect: it was lost there, or never acknowledged."""
        if name not in self.life.unrecorded_slots:
            self.life.unrecorded_slots.append(name)

    def _open_cases_again(self) -> None:
        """A life that begins anew has those cases opened that still follow, in the generation that they had.

        One that runs or was closed stays as it is; one that was lost with its life begins again.
        """
        # A slot's name begins with its kind; the others, of which a long life has many, are not even read.
        cases = [name for name in [*self.life.slots, *self.life.settled_slots] if name.partition("/")[0] in CASES]
        for name in cases:
            slot = self.slot(name)
            if slot is not None and slot.state is SlotState.DONE and not slot.held:
                self.reopening.append(name)
                # Without what it was about, whatever follows now is something else, and is set going.
                self.remember_slot(name, slot.model_copy(update={"digest": ""}))
