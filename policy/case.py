"""One person's case: the known facts, the rules in force, and what has been found so far.

A procedure asks the rules through a `Reasoning`, so that every decision names the packs and clauses behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from domain.assessment import (
    Citation,
    Clawback,
    Considered,
    Coverage,
    Decision,
    DueDate,
    Incentive,
    Kept,
    Levy,
    Matter,
    Notice,
    Parked,
    Refund,
    RefusedFact,
    Suspension,
    Termination,
    Undetermined,
    Wait,
)
from domain.bilingual import Text
from domain.facts import Decided, Fact
from domain.yaml_reader import Document, YamlError
from policy.counting import DAY
from policy.pack_library import NotStated, PackLibrary, Stated
from policy.parameters import PARAMETERS, Parameter

T = TypeVar("T")
F = TypeVar("F", bound=Fact)
Recipient = Literal["person", "guardian", "heir", "employer", "area"]


@dataclass(slots=True)
class Findings:
    """What the procedures have found; `assess` puts it in order."""

    coverage: list[Coverage] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    undetermined: list[Undetermined] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)
    terminations: list[Termination] = field(default_factory=list)
    levies: list[Levy] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    clawbacks: list[Clawback] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    refused: list[RefusedFact] = field(default_factory=list)
    deadlines: list[DueDate] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    incentives: list[Incentive] = field(default_factory=list)
    parked: dict[Parked, None] = field(default_factory=dict)
    decisions: dict[tuple[object, ...], Decision] = field(default_factory=dict)

    def refuse(self, fact: Fact, because: Text) -> None:
        item = RefusedFact(fact.fact_id, because)
        if item not in self.refused:
            self.refused.append(item)


class Case:
    """The known facts of one person on a day, with the rules to judge them by."""

    def __init__(self, facts: tuple[Fact, ...], area: str, as_of: date, library: PackLibrary) -> None:
        self.facts = facts
        self.area = area
        self.as_of = as_of
        self.library = library
        self.findings = Findings()
        self._of: dict[type[Any], list[Any]] = {}
        for fact in facts:
            self._of.setdefault(type(fact), []).append(fact)

    def of(self, kind: type[F]) -> list[F]:
        """The known facts of a kind, in the order in which they apply."""
        return self._of.get(kind, [])

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

    def park(self, question: str, because: Text) -> None:
        """Leave a question to a person. One that is no parameter is settled by any decision that names it."""
        if question not in PARAMETERS and self.answer(question, None) is not None:
            return
        self.findings.parked[Parked(question, because)] = None

    def remind(self, matter: Matter, on: date, because: Text, to: Recipient = "person") -> None:
        """Something falls due on a day; from the day after, whoever had to act is told that it passed."""
        if on >= self.as_of:
            self.findings.deadlines.append(DueDate(matter, on, because))
        else:
            self.findings.notices.append(Notice(to, matter, on + DAY, because))


@dataclass(slots=True)
class Reasoning:
    """The way to one decision: what was looked up, and what was tried and did not hold."""

    case: Case
    rule: str
    area: str
    plan_year: int | None = None
    _relied_on: dict[int, Stated[Any]] = field(default_factory=dict)
    """By identity: the library keeps one object for each statement, and comparing citations costs more than a rule."""
    _considered: list[Considered] = field(default_factory=list)

    def look_up(self, parameter: Parameter[T], on: date) -> Stated[T] | NotStated:
        """What the rules, or a person who decided in their place, say about a parameter on a day."""
        found = self.case.library.look_up(parameter, self.area, on)
        if isinstance(found, NotStated):
            found = self._decided(parameter, found)
        if isinstance(found, Stated):
            self._relied_on[id(found)] = found
        return found

    def value(self, parameter: Parameter[T], on: date) -> T | None:
        """The value, or None where nothing states it and the caller can do without."""
        found = self.look_up(parameter, on)
        return found.value if isinstance(found, Stated) else None

    def all_stated(self, parameter: Parameter[T], on: date) -> list[Stated[T]]:
        """What the area and the areas around it state, nearest first. A source is named by `rely_on`."""
        stated = self.case.library.look_up_all(parameter, self.area, on)
        decided = self._decided(parameter, NotStated(parameter.key, Text("", "")))
        return [decided, *stated] if isinstance(decided, Stated) else stated

    def rely_on(self, found: Stated[T]) -> T:
        """The value of a statement, which becomes one of the sources of the decision."""
        self._relied_on[id(found)] = found
        return found.value

    def park(self, missing: NotStated) -> None:
        self.case.park(missing.key, missing.because)

    def tried(self, rule: str, because: Text) -> None:
        self._considered.append(Considered(rule, because))

    def decide(self, outcome: Text, as_of: date) -> None:
        """Record what the rules relied on led to. What no rule says is no decision: a refusal or question says why."""
        if not self._relied_on:
            return
        packs = dict.fromkeys(found.pack for found in self._relied_on.values())
        decision = Decision(
            rule=self.rule,
            outcome=outcome,
            as_of=as_of,
            pack=", ".join(packs) or None,
            considered=tuple(self._considered),
            sources=tuple({id(found.citation): found.citation for found in self._relied_on.values()}.values()),
        )
        name = (self.rule, self.area, self.plan_year, outcome.en, as_of, *packs)
        self.case.findings.decisions.setdefault(name, decision)

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
