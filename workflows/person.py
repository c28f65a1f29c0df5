"""PersonLifecycle: one workflow per person, for life.

Determinism: the rules run in the activity `advance` and their result is recorded in history, so a replay never asks a
rule again. This module keeps facts, carries out what follows from them, and waits.

Failure: nothing but death or leaving for good ends a life. A rule that fails parks; an effect or a record that fails
waits and is tried again; a receipt waits for the assessment only, never for an effect.
"""

from __future__ import annotations

import asyncio
import zlib
from datetime import date, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.assessment import AssessmentActivities
    from activities.registry import RegistryActivities
    from domain.bilingual import Text
    from domain.civil_time import civil_day, first_instant
    from domain.errors import ContractError
    from domain.facts import ReportedFact, parse_fact, wire
    from domain.life import (
        Attempt,
        Conclusion,
        CoverageAnswer,
        Deadline,
        EffectKind,
        Entry,
        Life,
        OpenQuestion,
        Question,
        Receipt,
        Record,
        Slot,
        SlotState,
        Step,
    )
    from workflows.effects import EFFECTS
    from workflows.names import REGISTRY_QUEUE
    from workflows.operator_view import PENDING, attributes, details

# A rule is pure and fast: when it fails three times it is wrong, and more tries would only hold the receipt.
JUDGE_RETRY = RetryPolicy(maximum_attempts=3, initial_interval=timedelta(milliseconds=200))
JUDGE_LIMIT = timedelta(seconds=10)
# The ledger must be read before a person whom it may know is judged, so this waits as long as it takes.
READ_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))
# One attempt of an effect; the slot keeps the long patience, so that a roll never waits for a bureau that is away.
CALL_LIMIT = timedelta(seconds=30)
ATTEMPT_LIMIT = timedelta(minutes=10)
# Within an attempt: after 1, 5, 21, 85 and 341 seconds, so that a bureau that comes back is not met by a storm.
ATTEMPT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=4, maximum_interval=timedelta(minutes=6)
)
PATIENCE = timedelta(hours=6)
# The other side said no; asking again soon would change nothing, and asking never again would lose the effect.
PATIENCE_AFTER_REFUSAL = timedelta(days=7)
# How long no fact must come before a life rolls. A roll in the task that answers a sender makes the server fail that
# task when the next report is already there.
QUIET = timedelta(seconds=1)
# Wake-ups are spread over two hours by the person's key, so that 1 January is not one spike.
SPREAD_SECONDS = 2 * 60 * 60
# What a run hands to the next one for the sake of senders who ask again and operators who look back.
RECEIPTS_CARRIED = 20
CONCLUSIONS_CARRIED = 12
TIMELINE_CARRIED = 40


@workflow.defn
class PersonLifecycle:
    """A person's life in the insurance: facts come in, what follows is carried out, deadlines are waited for."""

    @workflow.init
    def __init__(self, life: Life) -> None:
        self.life = life
        self.step = Step()
        self.woken = True
        self.unanswered: list[str] = []
        self.conflicting: dict[str, Text] = {}
        self.timers: dict[str, tuple[Deadline, asyncio.Task[None]]] = {}
        self.effects: dict[str, asyncio.Task[None]] = {}
        self.recording: asyncio.Task[None] | None = None
        self.record_trouble = ""
        # What the search attributes say. A run inherits those of the one before it, and states them once more.
        self.shown: dict[SearchAttributeKey[Any], Any] = {}

    @workflow.run
    async def run(self, life: Life) -> str:
        """Live. The result is the last status, in the words of `Status`."""
        if not self.life.facts:
            return "nothing was admitted"
        if not self.life.admitted:
            await self._remember()
        while True:
            if self._must_judge():
                await self._judge()
            self._carry_out()
            self._arm()
            if self._over():
                return self.step.status
            if self._may_roll() and await self._quiet():
                workflow.continue_as_new(self._next_run())
            await workflow.wait_condition(lambda: self._must_judge() or self._over() or self._may_roll())

    # -- messages -----------------------------------------------------------------------------------------------------

    @workflow.update(description="报告一项事实 · Report a fact of this person's life")
    async def report(self, reported: ReportedFact) -> Receipt:
        """Admit a fact; the receipt says what follows from it. The same fact again gets the first answer."""
        fact = parse_fact(reported.root)
        fact_id = fact.fact_id
        if fact_id not in self.life.facts:
            self.life.facts[fact_id] = wire(fact.model_copy(update={"recorded_on": self._today()}))
            self.unanswered.append(fact_id)
        elif fact_id not in self.life.receipts and fact_id not in self.unanswered:
            return self._receipt(fact_id, [])
        await workflow.wait_condition(lambda: fact_id in self.life.receipts or fact_id in self.conflicting)
        if fact_id in self.conflicting:
            raise ApplicationError(self.conflicting[fact_id].both(), type="FactConflict")
        return self.life.receipts[fact_id]

    @report.validator
    def _admissible(self, reported: ReportedFact) -> None:
        try:
            fact = parse_fact(reported.root)
        except ContractError as error:
            raise ApplicationError(str(error), type="ContractError") from None
        if fact.on > self._today():
            raise ApplicationError(
                f"field on: {fact.on} is after today, {self._today()}; a fact is reported when it has happened",
                type="ContractError",
            )
        stored = self.life.facts.get(fact.fact_id)
        if stored is not None and parse_fact(stored).content() != fact.content():
            raise ApplicationError(
                f"field id: {fact.fact_id} was already used for a fact with other content", type="FactConflict"
            )

    @workflow.signal(description="再看一次 · Look again: new rules or a new release are out")
    def nudge(self) -> None:
        self.woken = True

    @workflow.query(description="某日是否享受待遇 · Is the person covered on a day?")
    def coverage(self, on: date) -> CoverageAnswer:
        def holds(starts: date, ends: date | None) -> bool:
            return starts <= on and (ends is None or on <= ends)

        intervals = [span for span in self.step.coverage if holds(span.starts, span.ends)]
        unsure = [span for span in self.step.undetermined if holds(span.starts, span.ends)]
        answer = "yes" if intervals else "unknown" if unsure else "no"
        return CoverageAnswer(on=on, covered=answer, intervals=intervals or unsure)

    @workflow.query(description="为什么 · Why: the latest conclusions with their clauses")
    def explain(self) -> list[Conclusion]:
        return self.life.conclusions

    @workflow.query(description="经过 · What happened, line by line")
    def timeline(self) -> list[Entry]:
        return self.life.timeline

    # -- the parts of the loop ----------------------------------------------------------------------------------------

    async def _remember(self) -> None:
        """Read the ledger: late money, a death reported in error and a rebuilt cluster are all one path."""
        known = await workflow.execute_activity_method(
            RegistryActivities.read,
            self.life.key,
            task_queue=REGISTRY_QUEUE,
            start_to_close_timeout=CALL_LIMIT,
            retry_policy=READ_RETRY,
            summary="读取登记库 · what the registry knows",
        )
        self.life.admitted = True
        new = {fact_id: text for fact_id, text in self.life.facts.items() if fact_id not in known.facts}
        for fact_id in list(self.unanswered):
            stored = known.facts.get(fact_id)
            if stored is not None and parse_fact(stored).content() != parse_fact(self.life.facts[fact_id]).content():
                self.unanswered.remove(fact_id)
                self.conflicting[fact_id] = Text("该编号已用于另一事实", "this id was already used for another fact")
        self.life.facts = {**known.facts, **new}
        for name, slot in known.slots.items():
            mine = self.life.slots.get(name)
            if mine is None or mine.generation < slot.generation:
                self.life.slots[name] = slot
        concluded = set(known.known_conclusions)
        self.life.unrecorded_conclusions = [
            conclusion for conclusion in self.life.unrecorded_conclusions if conclusion.id not in concluded
        ]
        self.life.known_conclusions = [
            *known.known_conclusions,
            *(conclusion.id for conclusion in self.life.unrecorded_conclusions),
        ]
        self.life.sequence = max(self.life.sequence, known.sequence)
        self.life.recorded_sequence = known.sequence
        self.life.recorded_facts = len(known.facts)
        # Whatever the ledger held, the next assessment is a record of its own on top of it.
        self.life.record_digest = ""
        self.woken = True

    async def _judge(self) -> None:
        """Ask the rules what follows today from everything that is known, and take over what is new."""
        self.woken = False
        answering, self.unanswered = self.unanswered, []
        today = self._today()
        try:
            self.step = await workflow.execute_local_activity_method(
                AssessmentActivities.advance,
                self._question(today),
                schedule_to_close_timeout=JUDGE_LIMIT,
                retry_policy=JUDGE_RETRY,
            )
        except FailureError as failure:
            self.step = self._after_failed_rules(failure, today)
        self._reconcile()
        self._note(answering, today)
        for fact_id in answering:
            self.life.receipts[fact_id] = self._receipt(fact_id, self.step.conclusions)
        self._show()

    def _question(self, today: date) -> Question:
        holding = {
            name: slot.digest
            for name, slot in self.life.slots.items()
            if slot.state not in (SlotState.WITHDRAWING, SlotState.WITHDRAWN)
        }
        return Question(
            key=self.life.key,
            day=today,
            facts=list(self.life.facts.values()),
            slots=holding,
            known_conclusions=self.life.known_conclusions,
        )

    def _after_failed_rules(self, failure: FailureError, today: date) -> Step:
        """The fact is kept, what held goes on holding, the matter is parked, and tomorrow the rules are asked again."""
        cause = failure.cause or failure
        because = Text(f"政策判断失败:{cause}", f"the rules failed: {cause}")
        tomorrow = today + timedelta(days=1)
        again = Deadline(matter="rules_failed", on=tomorrow, wake_on=tomorrow, summary="再次判断 · ask the rules again")
        return self.step.model_copy(
            update={
                "conclusions": [],
                "wanted": {},
                "unwanted": [],
                "parked": [
                    *(item for item in self.step.parked if item.question != "rules_failed"),
                    OpenQuestion(question="rules_failed", because=because),
                ],
                "deadlines": [item for item in self.step.deadlines if item.matter != "rules_failed"] + [again],
                "digest": f"failed on {today}",
            }
        )

    def _reconcile(self) -> None:
        """Wanted content that changed, or is wanted again, is the slot's next generation; the rest is taken back."""
        for name, effect in self.step.wanted.items():
            before = self.life.slots.get(name)
            self.life.slots[name] = Slot(
                kind=effect.kind,
                digest=effect.digest,
                payload=effect.payload,
                summary=effect.summary,
                generation=before.generation + 1 if before else 1,
            )
        for name in self.step.unwanted:
            slot = self.life.slots[name]
            # What was never sent needs no taking back. An attempt whose outcome is unknown does.
            state = SlotState.WITHDRAWN if slot.state is SlotState.WANTED else SlotState.WITHDRAWING
            self.life.slots[name] = slot.model_copy(update={"state": state, "retry_at": None, "trouble": ""})

    def _note(self, answered: list[str], today: date) -> None:
        """Take down what is new, for the ledger and for whoever looks back."""
        new = self.step.conclusions
        self.life.known_conclusions.extend(conclusion.id for conclusion in new)
        self.life.conclusions.extend(new)
        self.life.unrecorded_conclusions.extend(new)
        self.life.timeline.extend(Entry(on=today, what=conclusion.outcome) for conclusion in new)
        if answered or new or self.step.digest != self.life.record_digest:
            self.life.record_digest = self.step.digest
            self.life.sequence += 1

    def _carry_out(self) -> None:
        """Set going whatever is not under way: one task per slot, so that order holds within a slot and not across."""
        for name, slot in self.life.slots.items():
            if slot.state in PENDING and name not in self.effects:
                self.effects[name] = asyncio.create_task(self._see_through(name))
        if self.recording is None and self.life.recorded_sequence < self.life.sequence:
            self.recording = asyncio.create_task(self._keep_record())

    async def _see_through(self, name: str) -> None:
        """Carry out, or take back, what a slot wants, until it wants nothing more."""
        try:
            while (slot := self.life.slots[name]).state in PENDING:
                if slot.retry_at is not None and slot.retry_at > workflow.now():
                    await self._wait_for_retry(name, slot)
                else:
                    await self._attempt(name, slot)
        finally:
            del self.effects[name]
        self._show()

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
            withdraw=withdraw,
        )
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
            slot.retry_at = workflow.now() + (PATIENCE_AFTER_REFUSAL if refused else PATIENCE)
            self._show()
            return
        slot.state = SlotState.WITHDRAWN if withdraw else SlotState.DONE
        slot.retry_at, slot.trouble = None, ""
        if slot.kind is not EffectKind.NOTICE or withdraw:
            slot.payload = ""  # a notice is kept, because correcting it repeats what it said

    async def _wait_for_retry(self, name: str, slot: Slot) -> None:
        """Wait until the slot may be tried again, or wants something else."""
        assert slot.retry_at is not None
        try:
            await workflow.wait_condition(
                lambda: self.life.slots[name] is not slot,
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
                concluded = len(self.life.unrecorded_conclusions)
                try:
                    answer = await workflow.execute_activity_method(
                        RegistryActivities.record,
                        record,
                        task_queue=REGISTRY_QUEUE,
                        start_to_close_timeout=CALL_LIMIT,
                        schedule_to_close_timeout=ATTEMPT_LIMIT,
                        retry_policy=ATTEMPT_RETRY,
                        summary=f"登记入库 · record {record.sequence}",
                    )
                except ActivityError as failure:
                    self.record_trouble = str(failure.cause or failure)
                    self._show()
                    await workflow.sleep(PATIENCE, summary="再试登记入库 · try the registry again")
                    continue
                self.record_trouble = ""
                if answer.ahead:
                    # The ledger has what this life has not: its acknowledgement was lost, or another run wrote.
                    await self._remember()
                    await workflow.wait_condition(lambda: not self._must_judge())
                    continue
                self.life.recorded_sequence = record.sequence
                self.life.recorded_facts += len(record.facts)
                del self.life.unrecorded_conclusions[:concluded]
        finally:
            self.recording = None

    def _record(self) -> Record:
        return Record(
            person=self.life.key,
            after=self.life.recorded_sequence,
            sequence=self.life.sequence,
            recorded_on=self._today(),
            status=self.step.status,
            area=self.step.area,
            facts=dict(list(self.life.facts.items())[self.life.recorded_facts :]),
            coverage=self.step.coverage,
            conclusions=list(self.life.unrecorded_conclusions),
            parked=self.step.parked,
            slots=self.life.slots,
        )

    def _arm(self) -> None:
        """One durable timer per deadline that is ahead. One that is not would wake the life at once, for ever."""
        wanted = {f"{item.matter} {item.on}": item for item in self.step.deadlines if item.wake_on > self._today()}
        for name in [name for name, (armed, _) in self.timers.items() if wanted.get(name) != armed]:
            self.timers.pop(name)[1].cancel()
        for name, deadline in wanted.items():
            if name not in self.timers:
                self.timers[name] = (deadline, asyncio.create_task(self._wake(name, deadline)))

    async def _wake(self, name: str, deadline: Deadline) -> None:
        spread = timedelta(seconds=zlib.crc32(self.life.key.encode()) % SPREAD_SECONDS)
        instant = first_instant(deadline.wake_on, self.life.clock_shift_days) + spread
        await workflow.sleep(max(instant - workflow.now(), timedelta(seconds=1)), summary=deadline.summary)
        self.timers.pop(name, None)
        self.woken = True

    # -- rolling and ending -------------------------------------------------------------------------------------------

    def _may_roll(self) -> bool:
        """Rolling is a state, never a wait: handlers wait for the loop, so the loop must not wait for handlers."""
        return (
            workflow.info().is_continue_as_new_suggested()
            and not self._must_judge()
            and workflow.all_handlers_finished()
        )

    async def _quiet(self) -> bool:
        try:
            await workflow.wait_condition(
                self._must_judge, timeout=QUIET, timeout_summary="换届前静候 · quiet before a new run"
            )
        except TimeoutError:
            return self._may_roll()
        return False

    def _next_run(self) -> Life:
        life = self.life
        return life.model_copy(
            update={
                "receipts": dict(list(life.receipts.items())[-RECEIPTS_CARRIED:]),
                "conclusions": life.conclusions[-CONCLUSIONS_CARRIED:],
                "timeline": life.timeline[-TIMELINE_CARRIED:],
                "runs": life.runs + 1,
            }
        )

    def _over(self) -> bool:
        return (
            self.step.ended
            and not self._must_judge()
            and not self.effects
            and self.recording is None
            and self.life.recorded_sequence == self.life.sequence
            and workflow.all_handlers_finished()
        )

    # -- what others see ----------------------------------------------------------------------------------------------

    def _must_judge(self) -> bool:
        return self.woken or bool(self.unanswered)

    def _today(self) -> date:
        return civil_day(workflow.now(), self.life.clock_shift_days)

    def _receipt(self, fact_id: str, conclusions: list[Conclusion]) -> Receipt:
        ahead = [deadline for deadline in self.step.deadlines if deadline.wake_on > self._today()]
        return Receipt(
            fact=fact_id,
            person=self.life.key,
            recorded_on=self._today(),
            status=self.step.status,
            conclusions=[conclusion.outcome for conclusion in conclusions],
            refused=self.step.refused.get(fact_id),
            next_deadline=min(ahead, key=lambda deadline: deadline.on, default=None),
            parked=self.step.parked,
        )

    def _show(self) -> None:
        """Details, and those search attributes that have changed: each is a payload, and each upsert an event."""
        workflow.set_current_details(details(self.step.details, self.life.slots, self.record_trouble))
        now = attributes(self.life.key, self.step, self.life.slots, self._today())
        changed = [
            key.value_unset() if value is None else key.value_set(value)
            for key, value in now.items()
            if key not in self.shown or self.shown[key] != value
        ]
        self.shown = now
        if changed:
            workflow.upsert_search_attributes(changed)
