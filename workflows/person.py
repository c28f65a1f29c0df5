"""PersonLifecycle: one workflow per person, for life.

Determinism: the rules run in the activity `advance` and their result is recorded in history, so a replay never asks a
rule again. This is the table of contents; the parts are `answering`, `operating` (what operators may do), `judging`,
`carrying_out`, `waiting`, `remembering` and `rolling`.

Failure: nothing but death or leaving for good ends a life. A rule that fails parks; an effect or a record that fails
waits and is tried again; a receipt waits for the assessment only, never for an effect.
"""

from __future__ import annotations

from datetime import date

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.facts import ReportedFact
    from domain.life import (
        Conclusion,
        CoverageAnswer,
        Entry,
        Life,
        Overview,
        PolicyNotice,
        Receipt,
        Reconsidered,
        ReportStanding,
    )
    from domain.unreadable import START
    from workflows.operating import Operating
    from workflows.rolling import Rolling
    from workflows.waiting import Waiting


@workflow.defn
class PersonLifecycle(Operating, Waiting, Rolling):
    """A person's life in the insurance: facts come in, what follows is carried out, deadlines are waited for."""

    @workflow.init
    def __init__(self, life: Life) -> None:
        if life.key == START and workflow.info().continued_run_id:
            # The state of a life is never given up: the task is tried until it can be read.
            raise RuntimeError("the life's own state is not sealed, and this worker reads sealed states only")
        super().__init__(life)

    @workflow.run
    async def run(self, life: Life) -> str:
        """Live. The result is the last status, in the words of `Status`.

        A start that is not sealed admits nothing either, so that nobody's key is kept from whoever may use it.
        """
        if not self.life.facts or self.is_nobodys():
            return "nothing was admitted"
        if not self.life.admitted:
            await self.remember()
        while True:
            if self.must_judge():
                self.lapse_proposals()
                await self.judge()
            self.carry_out()
            self.arm()
            if self.over():
                return self.step.status
            if self.may_roll() and await self.quiet():
                workflow.continue_as_new(self.next_run(), initial_versioning_behavior=self.next_version())
            await workflow.wait_condition(lambda: self.must_judge() or self.over() or self.may_roll())

    @workflow.update(description="报告一项事实 · Report a fact of this person's life")
    async def report(self, reported: ReportedFact, sender: str = "") -> Receipt:
        return await self.admit(reported, sender)

    @report.validator
    def _admissible(self, reported: ReportedFact, sender: str = "") -> None:
        self.check(reported)

    @workflow.update(description="政策通知 · New rules are out: judge again by them, and say what changed")
    async def reconsider(self, notice: PolicyNotice) -> Reconsidered:
        return await self.judge_again(notice)

    @workflow.signal(description="再看一次 · Look again: a new release is out")
    def nudge(self) -> None:
        self.woken = True

    @workflow.query(description="现状 · Where this life stands")
    def overview(self) -> Overview:
        return self.look()

    @workflow.query(description="全部事实 · Every fact, as it was admitted")
    def facts(self) -> list[str]:
        return list(self.life.facts.values())

    @workflow.query(description="某日是否享受待遇 · Is the person covered on a day?")
    def coverage(self, on: date) -> CoverageAnswer:
        return self.covered(on)

    @workflow.query(description="为什么 · Why: the latest conclusions with their clauses")
    def explain(self) -> list[Conclusion]:
        return self.life.conclusions

    @workflow.query(description="报送情况 · What became of a fact that was reported")
    def report_standing(self, fact_id: str) -> ReportStanding:
        return self.stands(fact_id)

    @workflow.query(description="经过 · What happened, line by line")
    def timeline(self) -> list[Entry]:
        return self.life.timeline
