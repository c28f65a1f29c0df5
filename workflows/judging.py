"""Judging: what the rules say about a life today, and what of it is new."""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from activities.assessment import AssessmentActivities
from domain.bilingual import Text
from domain.life import (
    Conclusion,
    CoverageChange,
    Deadline,
    Entry,
    Hold,
    OpenQuestion,
    Question,
    Receipt,
    Slot,
    SlotState,
    Step,
)
from workflows.life_state import LifeState
from workflows.names import POLICY_QUEUE

# A rule is pure and fast: when it fails three times it is wrong, and more tries would only hold the receipt.
JUDGE_RETRY = RetryPolicy(maximum_attempts=3, initial_interval=timedelta(milliseconds=200))
JUDGE_LIMIT = timedelta(seconds=10)


class Judging(LifeState):
    """The part of the loop that asks the rules, whenever a fact or a day has come."""

    async def judge(self) -> None:
        """Ask the rules what follows today from everything that is known, and take over what is new."""
        self.woken, self.judging = False, True
        self.answering, self.unanswered = self.unanswered, []
        today = self.today()
        try:
            self.step = await self._ask_rules(self._question(today))
            self.rules_failing_since, answered = None, True
        except FailureError as failure:
            self.step, answered = self._after_failed_rules(failure, today), False
        self._take_over_coverage()
        self._reconcile()
        if answered:
            self.reopening = []
        self._note(self.answering, today)
        for fact_id in self.answering:
            self.life.receipts[fact_id] = self.receipt(fact_id, self.step.conclusions)
        self.answering, self.judging = [], False
        self.show()

    async def _ask_rules(self, question: Question) -> Step:
        """Ask in this process; or, once a newer release is current, ask that, so that no life judges by old rules."""
        if workflow.info().is_target_worker_deployment_version_changed():
            return await workflow.execute_activity_method(
                AssessmentActivities.advance,
                question,
                task_queue=POLICY_QUEUE,
                schedule_to_close_timeout=JUDGE_LIMIT,
                retry_policy=JUDGE_RETRY,
                summary="由现行版本判断 · judged by the current release",
            )
        return await workflow.execute_local_activity_method(
            AssessmentActivities.advance,
            question,
            schedule_to_close_timeout=JUDGE_LIMIT,
            retry_policy=JUDGE_RETRY,
        )

    def _question(self, today: date) -> Question:
        slots = {name: Slot.model_validate_json(text) for name, text in self.life.settled_slots.items()}
        slots |= self.life.slots
        holding = {
            name: slot.digest
            for name, slot in slots.items()
            if slot.held or slot.state not in (SlotState.WITHDRAWING, SlotState.WITHDRAWN)
        }
        return Question(
            key=self.life.key,
            day=today,
            facts=list(self.life.facts.values()),
            slots=holding,
            known_conclusions=self.life.known_conclusions,
            coverage=list(self.life.coverage),
            packs=self.life.packs,
        )

    def _after_failed_rules(self, failure: FailureError, today: date) -> Step:
        """The fact is kept, what held goes on holding, the matter is parked, and tomorrow the rules are asked again."""
        cause = failure.cause or failure
        self.rules_failing_since = self.rules_failing_since or today
        since = self.rules_failing_since
        because = Text(
            f"自{since}起政策判断失败,每日再试;请查工作进程日志:{cause}",
            f"the rules have failed since {since} and are asked again daily; see the worker's log: {cause}",
        )
        tomorrow = today + timedelta(days=1)
        again = Deadline(matter="rules_failed", on=tomorrow, wake_on=tomorrow, summary="再次判断 · ask the rules again")
        return self.step.model_copy(
            update={
                "conclusions": [],
                "coverage_added": [],
                "coverage_gone": [],
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

    def _take_over_coverage(self) -> None:
        changes = [CoverageChange(gone=gone) for gone in self.step.coverage_gone]
        changes += [CoverageChange(added=span) for span in self.step.coverage_added]
        for gone in self.step.coverage_gone:
            self.life.coverage.pop(gone, None)
        self.life.coverage.update({span.id: span for span in self.step.coverage_added})
        self.life.coverage_changes.extend(changes)

    def _reconcile(self) -> None:
        """Wanted content that changed, or is wanted again, is the slot's next generation; the rest is taken back."""
        for name, effect in self.step.wanted.items():
            before = self.slot(name)
            content = {"digest": effect.digest, "payload": effect.payload, "summary": effect.summary}
            if before is not None and before.held:
                # What an operator holds stays held; when it is reopened it is the newest content that counts.
                self.keep_slot(name, before.model_copy(update=content))
            else:
                generation = before.generation + (name not in self.reopening) if before else 1
                after_sent = before is not None and may_be_out(before)
                new = Slot(kind=effect.kind, generation=generation, after_sent=after_sent, **content)
                self.keep_slot(name, new)
        for name in self.step.unwanted:
            slot = self.slot(name)
            if slot is not None:
                self.keep_slot(name, taken_back(slot))

    def _note(self, answered: list[str], today: date) -> None:
        """Take down what is new, for the ledger and for whoever looks back."""
        new = self.step.conclusions
        self.life.known_conclusions.extend(conclusion.id for conclusion in new)
        self.life.conclusions.extend(new)
        self.life.unrecorded_conclusions.extend(new)
        self.life.timeline.extend(Entry(on=today, what=conclusion.outcome) for conclusion in new)
        operated = bool(self.life.unrecorded_operations)
        if answered or new or operated or self.life.coverage_changes or self.step.digest != self.life.record_digest:
            self.life.record_digest = self.step.digest
            self.life.sequence += 1

    def receipt(self, fact_id: str, conclusions: list[Conclusion]) -> Receipt:
        ahead = [deadline for deadline in self.step.deadlines if deadline.wake_on > self.today()]
        return Receipt(
            fact=fact_id,
            person=self.life.key,
            recorded_on=self.today(),
            status=self.step.status,
            conclusions=[conclusion.outcome for conclusion in conclusions],
            clauses=list(dict.fromkeys(clause for conclusion in conclusions for clause in conclusion.sources)),
            refused=self.step.refused.get(fact_id),
            next_deadline=min(ahead, key=lambda deadline: deadline.on, default=None),
            parked=self.step.parked,
        )


def taken_back(slot: Slot) -> Slot:
    """The slot of an effect that no longer follows."""
    if slot.held is Hold.SETTLED:
        because = Text("已线下办结而不再成立,请线下撤回后重新办理", "was settled by other means and no longer follows")
        return slot.model_copy(update={"trouble": because.both()})
    if slot.held:
        return slot
    # What was never sent needs no taking back. An attempt whose outcome is unknown does.
    state = SlotState.WITHDRAWING if may_be_out(slot) else SlotState.WITHDRAWN
    return slot.model_copy(update={"state": state, "retry_at": None, "trouble": "", "failing_since": None})


def may_be_out(slot: Slot) -> bool:
    """Whether an effect was, or may have been, carried out, in this generation or an earlier one."""
    if slot.state is SlotState.WANTED:
        return slot.after_sent
    return slot.state is not SlotState.WITHDRAWN
