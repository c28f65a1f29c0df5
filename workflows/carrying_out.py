"""Carrying out: effects by slot and generation, and the record in the ledger."""

from __future__ import annotations

import asyncio
import contextlib

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.registry import RegistryActivities
from domain.life import Acknowledged, Attempt, EffectKind, Record, Slot, SlotState
from workflows.effects import EFFECTS
from workflows.operator_view import PENDING
from workflows.patience import ATTEMPT_LIMIT, ATTEMPT_RETRY, CALL_LIMIT, PATIENCE, PATIENCE_AFTER_REFUSAL
from workflows.remembering import Remembering


class CarryingOut(Remembering):
    """The part of the loop that makes things true outside, each in a task of its own."""

    def carry_out(self) -> None:
        """Set going whatever is not under way: one task per slot, so that order holds within a slot and not across."""
        for name, slot in self.life.slots.items():
            if slot.state in PENDING and name not in self.effects:
                self.effects[name] = asyncio.create_task(self._see_through(name))
        if self.recording is None and self.life.recorded_sequence < self.life.sequence:
            self.recording = asyncio.create_task(self._keep_record())

    async def _see_through(self, name: str) -> None:
        """Carry out, or take back, what a slot wants, until it wants nothing more."""
        try:
            while (slot := self.life.slots.get(name)) is not None and slot.state in PENDING:
                if slot.retry_at is not None and slot.retry_at > workflow.now():
                    await self._wait_for_retry(name, slot)
                else:
                    await self._attempt(name, slot)
        finally:
            del self.effects[name]
        self.show()

    async def _attempt(self, name: str, slot: Slot) -> None:
        withdraw = slot.state is SlotState.WITHDRAWING
        if not withdraw:
            slot.state = SlotState.SENT
        attempt = Attempt(
            person=self.life.key,
            slot=name,
            generation=slot.generation,
            kind=slot.kind,
            payload=slot.payload,
            on=self.today(),
            clock_shifted=bool(self.life.clock_shift_days),
            withdraw=withdraw,
        )
        self.calls += 1
        try:
            await workflow.execute_activity(
                EFFECTS[slot.kind].activity,
                attempt,
                task_queue=EFFECTS[slot.kind].queue,
                start_to_close_timeout=CALL_LIMIT,
                schedule_to_close_timeout=ATTEMPT_LIMIT,
                retry_policy=ATTEMPT_RETRY,
                summary=("撤回 · take back: " if withdraw else "") + slot.summary,
            )
        except ActivityError as failure:
            refused = isinstance(failure.cause, ApplicationError) and failure.cause.non_retryable
            slot.trouble = str(failure.cause or failure)
            slot.failing_since = slot.failing_since or self.today()
            slot.retry_at = workflow.now() + (PATIENCE_AFTER_REFUSAL if refused else PATIENCE)
            self.show()
            return
        finally:
            self.calls -= 1
        if slot is not self.life.slots.get(name):
            return  # meanwhile something else is wanted, or it is held: what that says counts
        slot.state = SlotState.WITHDRAWN if withdraw else SlotState.DONE
        slot.retry_at, slot.failing_since, slot.trouble = None, None, ""
        self.keep_slot(name, slot)

    async def _wait_for_retry(self, name: str, slot: Slot) -> None:
        """Wait until the slot may be tried again, or wants something else, or an operator asks for it."""
        assert slot.retry_at is not None
        try:
            await workflow.wait_condition(
                lambda: self.life.slots.get(name) is not slot or slot.retry_at is None,
                timeout=slot.retry_at - workflow.now(),
                timeout_summary=f"再试 · try again: {slot.summary}",
            )
        except TimeoutError:
            slot.retry_at = None

    async def _keep_record(self) -> None:
        """Write to the ledger until it has everything."""
        try:
            while self.life.recorded_sequence < self.life.sequence:
                record = self._record()
                try:
                    answer = await self._write(record)
                except ActivityError as failure:
                    self.record_trouble = str(failure.cause or failure)
                    self.show()
                    await self._patience()
                    continue
                self.record_trouble = ""
                if answer.ahead:
                    # The ledger has what this life has not: its acknowledgement was lost, or another run wrote.
                    await workflow.wait_condition(lambda: not self.judging)
                    await self.remember()
                    await workflow.wait_condition(lambda: not self.must_judge() and not self.judging)
                    continue
                self._acknowledge(record)
                if answer.holder is not None and answer.holder != self.life.holder:
                    self.life.holder = answer.holder
                    self.show()
        finally:
            self.recording = None

    async def _write(self, record: Record) -> Acknowledged:
        """One record. Where the registry answers at once it costs the history one event instead of six."""
        self.calls += 1
        try:
            answer: Acknowledged = await self.ask_registry(
                RegistryActivities.record, record, ATTEMPT_LIMIT, ATTEMPT_RETRY, f"登记入库 · record {record.sequence}"
            )
            return answer
        finally:
            self.calls -= 1

    async def _patience(self) -> None:
        """Wait until the registry may be tried again, or an operator asks for it."""
        self.record_again = False
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self.record_again,
                timeout=PATIENCE,
                timeout_summary="再试登记入库 · try the registry again",
            )

    def _acknowledge(self, record: Record) -> None:
        self.life.recorded_sequence = record.sequence
        self.life.recorded_facts += len(record.facts)
        del self.life.unrecorded_conclusions[: len(record.conclusions)]
        del self.life.coverage_changes[: len(record.coverage)]
        del self.life.unrecorded_operations[: len(record.operations)]
        written = [name for name, slot in record.slots.items() if self.slot(name) == slot]
        self.life.unrecorded_slots = [name for name in self.life.unrecorded_slots if name not in written]
        for name, recorded in record.slots.items():
            slot = self.life.slots.get(name)
            if slot is not None and slot.generation == recorded.generation:
                _forget_payload(slot)
        for fact_id in record.facts:
            self.life.senders.pop(fact_id, None)

    def _record(self) -> Record:
        slots = {name: self.slot(name) for name in dict.fromkeys(self.life.unrecorded_slots)}
        return Record(
            person=self.life.key,
            after=self.life.recorded_sequence,
            sequence=self.life.sequence,
            recorded_on=self.today(),
            status=self.step.status,
            area=self.step.area,
            facts=dict(list(self.life.facts.items())[self.life.recorded_facts :]),
            coverage=list(self.life.coverage_changes),
            conclusions=list(self.life.unrecorded_conclusions),
            parked=self.step.parked,
            slots={name: slot.model_copy() for name, slot in slots.items() if slot is not None},
            operations=list(self.life.unrecorded_operations),
            senders=dict(self.life.senders),
            claw_backs=self.step.claw_backs,
        )


def _forget_payload(slot: Slot) -> None:
    """Once it is carried out and the ledger knows what it said; a notice is kept, since correcting it repeats it."""
    if slot.state is SlotState.WITHDRAWN or (slot.state is SlotState.DONE and slot.kind is not EffectKind.NOTICE):
        slot.payload = ""
