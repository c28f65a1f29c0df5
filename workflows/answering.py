"""Answering: admitting the facts that senders report, and telling whoever asks."""

from __future__ import annotations

from datetime import date

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.errors import ContractError
from domain.facts import ReportedFact, parse_fact, wire
from domain.life import CoverageAnswer, Receipt
from workflows.judging import Judging


class Answering(Judging):
    """The part of a life that speaks with the world."""

    def check(self, reported: ReportedFact) -> None:
        """Refuse what breaks the contract. Reads only: this is the validator's part."""
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

    async def admit(self, reported: ReportedFact) -> Receipt:
        """Keep a fact and wait until it is judged. The same fact again gets the first answer."""
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

    def covered(self, on: date) -> CoverageAnswer:
        def holds(starts: date, ends: date | None) -> bool:
            return starts <= on and (ends is None or on <= ends)

        intervals = [span for span in self.step.coverage if holds(span.starts, span.ends)]
        unsure = [span for span in self.step.undetermined if holds(span.starts, span.ends)]
        return CoverageAnswer(
            on=on,
            covered="yes" if intervals else "unknown" if unsure else "no",
            intervals=intervals or unsure,
        )
