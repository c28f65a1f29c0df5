"""One person's case: the known facts, the rules in force, and what has been found so far.

A procedure asks the rules through a `Reasoning`, so that every decision names the packs and clauses behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from pydantic import ValidationError

from domain.assessment import (
    Citation,
    Considered,
    Coverage,
    Decision,
    DueDate,
    Levy,
    Notice,
    Parked,
    RefusedFact,
    Undetermined,
    Wait,
)
from domain.bilingual import Text
from domain.facts import Decided, Fact
from policy.pack_library import NotStated, PackLibrary, Stated
from policy.parameters import Parameter
from policy.yaml_reader import Document, YamlError

T = TypeVar("T")
F = TypeVar("F", bound=Fact)


@dataclass(slots=True)
class Findings:
    """What the procedures have found; `assess` puts it in order."""

    coverage: list[Coverage] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    undetermined: list[Undetermined] = field(default_factory=list)
    levies: list[Levy] = field(default_factory=list)
    refused: list[RefusedFact] = field(default_factory=list)
    deadlines: list[DueDate] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def park(self, question: str, because: Text) -> None:
        item = Parked(question, because)
        if item not in self.parked:
            self.parked.append(item)


@dataclass(frozen=True, slots=True)
class Case:
    """The known facts of one person on a day, with the rules to judge them by."""

    facts: tuple[Fact, ...]
    area: str
    as_of: date
    library: PackLibrary
    findings: Findings = field(default_factory=Findings)

    def of(self, kind: type[F]) -> Iterator[F]:
        return (fact for fact in self.facts if isinstance(fact, kind))

    def area_of(self, fact: Fact) -> str:
        return fact.area or self.area

    def answer(self, key: str, plan_year: int | None) -> Decided | None:
        """The last decision that a person took on a question, for this plan year or for all."""
        answers = [
            fact
            for fact in self.of(Decided)
            if fact.question == key and fact.case in (None, str(plan_year) if plan_year else None)
        ]
        return answers[-1] if answers else None


@dataclass(slots=True)
class Reasoning:
    """The way to one decision: what was looked up, and what was tried and did not hold."""

    case: Case
    rule: str
    area: str
    plan_year: int | None = None
    _packs: list[str] = field(default_factory=list)
    _sources: list[Citation] = field(default_factory=list)
    _considered: list[Considered] = field(default_factory=list)

    def look_up(self, parameter: Parameter[T], on: date) -> Stated[T] | NotStated:
        """What the rules, or a person who decided in their place, say about a parameter on a day."""
        found = self.case.library.look_up(parameter, self.area, on)
        if isinstance(found, NotStated):
            found = self._decided(parameter, found)
        if isinstance(found, Stated):
            if found.pack not in self._packs:
                self._packs.append(found.pack)
            if found.citation not in self._sources:
                self._sources.append(found.citation)
        return found

    def value(self, parameter: Parameter[T], on: date) -> T | None:
        """The value, or None where nothing states it and the caller can do without."""
        found = self.look_up(parameter, on)
        return found.value if isinstance(found, Stated) else None

    def park(self, missing: NotStated) -> None:
        self.case.findings.park(missing.key, missing.because)

    def tried(self, rule: str, because: Text) -> None:
        self._considered.append(Considered(rule, because))

    def decide(self, outcome: Text, as_of: date) -> None:
        decision = Decision(
            rule=self.rule,
            outcome=outcome,
            as_of=as_of,
            pack=", ".join(self._packs) or None,
            considered=tuple(self._considered),
            sources=tuple(self._sources),
        )
        if decision not in self.case.findings.decisions:
            self.case.findings.decisions.append(decision)

    def _decided(self, parameter: Parameter[T], missing: NotStated) -> Stated[T] | NotStated:
        decided = self.case.answer(parameter.key, self.plan_year)
        if decided is None:
            return missing
        try:
            value = parameter.adapter.validate_python(Document(decided.answer).value)
        except (YamlError, ValidationError):
            return NotStated(
                parameter.key,
                Text(
                    f"{decided.by}于{decided.on}的决定无法读作“{parameter.key}”的值",
                    f"the decision of {decided.by} on {decided.on} cannot be read as a value of {parameter.key}",
                ),
            )
        citation = Citation(document=f"人工决定 · decision of {decided.by}, {decided.on}", article=decided.reason)
        return Stated(value, f"decided/{decided.fact_id}", citation)
