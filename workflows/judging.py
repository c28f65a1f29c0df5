"""Judging: what the rules say about a life today, and what of it is new."""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from activities.assessment import AssessmentActivities
from domain.bilingual import Text
from domain.life import Conclusion, Deadline, Entry, OpenQuestion, Question, Receipt, Slot, SlotState, Step
from workflows.life_state import LifeState

# A rule is pure and fast: when it fails three times it is wrong, and more tries would only hold the receipt.
JUDGE_RETRY = RetryPolicy(maximum_attempts=3, initial_interval=timedelta(milliseconds=200))
JUDGE_LIMIT = timedelta(seconds=10)


class Judging(LifeState):
    """The part of the loop that asks the rules, whenever a fact or a day has come."""

    async def judge(self) -> None:
        """Ask the rules what follows today from everything that is known, and take over what is new."""
        self.woken = False
        answering, self.unanswered = self.unanswered, []
        today = self.today()
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
            self.life.receipts[fact_id] = self.receipt(fact_id, self.step.conclusions)
        self.show()

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

    def receipt(self, fact_id: str, conclusions: list[Conclusion]) -> Receipt:
        ahead = [deadline for deadline in self.step.deadlines if deadline.wake_on > self.today()]
        return Receipt(
            fact=fact_id,
            person=self.life.key,
            recorded_on=self.today(),
            status=self.step.status,
            conclusions=[conclusion.outcome for conclusion in conclusions],
            refused=self.step.refused.get(fact_id),
            next_deadline=min(ahead, key=lambda deadline: deadline.on, default=None),
            parked=self.step.parked,
        )
