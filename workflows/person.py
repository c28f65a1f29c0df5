"""PersonLifecycle: one workflow per person, for life.

Determinism: the rules run in the activity `advance` and their result is recorded in history, so a replay never asks a
rule again. This module keeps facts, carries out what follows from them, and waits.

Failure: nothing but death or leaving for good ends a life. A rule that fails parks; an effect or a record that fails
waits and is tried again; a receipt waits for the assessment only, never for an effect.
"""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.errors import ContractError
    from domain.facts import ReportedFact, parse_fact, wire
    from domain.life import Conclusion, CoverageAnswer, Entry, Life, Receipt
    from workflows.carrying_out import CarryingOut
    from workflows.judging import Judging
    from workflows.waiting import Waiting

# How long no fact must come before a life rolls. A roll in the task that answers a sender makes the server fail that
# task when the next report is already there.
QUIET = timedelta(seconds=1)
# What a run hands to the next one for the sake of senders who ask again and operators who look back.
RECEIPTS_CARRIED = 20
CONCLUSIONS_CARRIED = 12
TIMELINE_CARRIED = 40


@workflow.defn
class PersonLifecycle(Judging, CarryingOut, Waiting):
    """A person's life in the insurance: facts come in, what follows is carried out, deadlines are waited for."""

    @workflow.init
    def __init__(self, life: Life) -> None:
        super().__init__(life)

    @workflow.run
    async def run(self, life: Life) -> str:
        """Live. The result is the last status, in the words of `Status`."""
        if not self.life.facts:
            return "nothing was admitted"
        if not self.life.admitted:
            await self.remember()
        while True:
            if self.must_judge():
                await self.judge()
            self.carry_out()
            self.arm()
            if self._over():
                return self.step.status
            if self._may_roll() and await self._quiet():
                workflow.continue_as_new(self._next_run())
            await workflow.wait_condition(lambda: self.must_judge() or self._over() or self._may_roll())

    # -- messages -----------------------------------------------------------------------------------------------------

    @workflow.update(description="报告一项事实 · Report a fact of this person's life")
    async def report(self, reported: ReportedFact) -> Receipt:
        """Admit a fact; the receipt says what follows from it. The same fact again gets the first answer."""
        fact = parse_fact(reported.root)
        fact_id = fact.fact_id
        if fact_id not in self.life.facts:
            self.life.facts[fact_id] = wire(fact.model_copy(update={"recorded_on": self.today()}))
            self.unanswered.append(fact_id)
        elif fact_id not in self.life.receipts and fact_id not in self.unanswered:
            return self.receipt(fact_id, [])
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
        if fact.on > self.today():
            raise ApplicationError(
                f"field on: {fact.on} is after today, {self.today()}; a fact is reported when it has happened",
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

    # -- rolling and ending -------------------------------------------------------------------------------------------

    def _may_roll(self) -> bool:
        """Rolling is a state, never a wait: handlers wait for the loop, so the loop must not wait for handlers."""
        return (
            workflow.info().is_continue_as_new_suggested()
            and not self.must_judge()
            and workflow.all_handlers_finished()
        )

    async def _quiet(self) -> bool:
        try:
            await workflow.wait_condition(
                self.must_judge, timeout=QUIET, timeout_summary="换届前静候 · quiet before a new run"
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
            and not self.must_judge()
            and not self.effects
            and self.recording is None
            and self.life.recorded_sequence == self.life.sequence
            and workflow.all_handlers_finished()
        )
