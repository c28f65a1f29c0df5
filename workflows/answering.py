"""Answering: admitting the facts that senders report, and telling whoever asks."""

from __future__ import annotations

from datetime import date

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.errors import ContractError
from domain.facts import Fact, ReportedFact, parse_fact, wire
from domain.life import CoverageAnswer, Overview, PolicyNotice, Receipt, Reconsidered, ReportStanding
from workflows.judging import Judging
from workflows.names import person_of
from workflows.operator_view import PENDING

NOT_STARTED = "UnreadablePayload"
"""As a message that could not be read: the sender sends it again, and begins the life as it should be begun."""


class Answering(Judging):
    """The part of a life that speaks with the world."""

    def check(self, reported: ReportedFact) -> None:
        """Refuse what breaks the contract. Reads only: this is the validator's part."""
        if self.is_nobodys():
            raise ApplicationError("this life was not started as one is; report again", type=NOT_STARTED)
        self.check_fact(_raw(reported))

    def is_nobodys(self) -> bool:
        """Whether this is no person's life: its start was not sealed, or names another person than its id."""
        return self.life.key != person_of(workflow.info().workflow_id)

    def check_fact(self, content: object) -> Fact:
        """The fact that a wire form states, if it can be admitted."""
        try:
            fact = parse_fact(content)
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
        return fact

    async def admit(self, reported: ReportedFact, sender: str) -> Receipt:
        """Keep a fact and wait until it is judged. The same fact again gets the first answer."""
        return await self.take(parse_fact(_raw(reported)), sender)

    async def take(self, fact: Fact, sender: str) -> Receipt:
        """Take a fact that passed the check, and wait for what follows from it."""
        fact_id = fact.fact_id
        if fact_id not in self.life.facts:
            self.life.facts[fact_id] = wire(fact.model_copy(update={"recorded_on": self.today()}))
            self.unanswered.append(fact_id)
            if sender:
                self.life.senders[fact_id] = sender
        elif fact_id not in (*self.life.receipts, *self.unanswered, *self.answering):
            return self.receipt(fact_id, [])
        await workflow.wait_condition(lambda: fact_id in self.life.receipts or fact_id in self.conflicting)
        if fact_id in self.conflicting:
            raise ApplicationError(self.conflicting[fact_id].both(), type="FactConflict")
        return self.life.receipts[fact_id]

    async def judge_again(self, notice: PolicyNotice) -> Reconsidered:
        """Judge by the rules that a notice brought. What follows is carried out as after any fact."""
        before, held, due = self.step.status, list(self.life.coverage), self.step.deadlines
        known = dict.fromkeys(self.life.known_conclusions)
        self.life.packs, self.woken = notice.packs, True
        await workflow.wait_condition(lambda: not self.woken and not self.judging)
        new = [item.outcome for item in self.life.conclusions if item.id not in known]
        changed = bool(
            new or before != self.step.status or held != list(self.life.coverage) or due != self.step.deadlines
        )
        return Reconsidered(changed=changed, before=before, after=self.step.status, what=new)

    def stands(self, fact_id: str) -> ReportStanding:
        """What became of a fact that was reported."""
        return ReportStanding(
            known=fact_id in self.life.facts,
            sender=self.life.senders.get(fact_id, ""),
            receipt=self.life.receipts.get(fact_id),
            conflict=self.conflicting.get(fact_id),
        )

    def look(self) -> Overview:
        """Where this life stands."""
        return Overview(
            key=self.life.key,
            today=self.today(),
            status=self.step.status,
            area=self.step.area,
            runs=self.life.runs,
            coverage=list(self.life.coverage.values()),
            deadlines=self.deadlines(),
            parked=self.step.parked,
            slots={n: s for n, s in self.life.slots.items() if s.state in PENDING or s.held or s.trouble},
            proposals=list(self.life.proposals.values()),
            record_trouble=self.record_trouble,
        )

    def covered(self, on: date) -> CoverageAnswer:
        def holds(starts: date, ends: date | None) -> bool:
            return starts <= on and (ends is None or on <= ends)

        intervals = [span for span in self.life.coverage.values() if holds(span.starts, span.ends)]
        unsure = [span for span in self.step.undetermined if holds(span.starts, span.ends)]
        return CoverageAnswer(
            on=on,
            covered="yes" if intervals else "unknown" if unsure else "no",
            intervals=intervals or unsure,
        )


def _raw(reported: object) -> object:
    """A fact as it came: a sender that names itself not leaves the SDK without types, and the fact as it is."""
    return reported.root if isinstance(reported, ReportedFact) else reported
