"""The activity that asks the rules, and says what of the answer is new to a life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from temporalio import activity

from activities.details import describe_assessment, latest_reasons
from activities.effects import Effects, digest
from domain.areas import NATION
from domain.assessment import MATTER_NAMES, Coverage, Decision, DueDate, Matter, Undetermined
from domain.facts import Birth, Fact, Moved, Registered, parse_fact
from domain.life import (
    ClawBack,
    Conclusion,
    Deadline,
    Interval,
    OpenQuestion,
    Question,
    Step,
)
from domain.status import Status
from policy.assess import assess
from policy.counting import DAY
from policy.knowledge import known
from policy.pack_library import PackLibrary
from policy.status import status_of

# On these days something is done; on all others somebody must have acted by the end of the day, so a life looks after.
_DONE_ON_THE_DAY = (Matter.NEWBORN_REMINDER, Matter.IDENTITY_UPDATE, Matter.INCENTIVE)


class Packs(Protocol):
    """Where the rules in force come from; they may change while a worker runs."""

    async def current(self, at_least: str) -> tuple[str, PackLibrary]:
        """The digest of the packs in force, and the packs; fresh, where those at hand are not the ones named."""


@dataclass(frozen=True)
class AssessmentActivities:
    packs: Packs

    @activity.defn(name="assessment.advance")
    async def advance(self, question: Question) -> Step:
        """What follows on a day from a person's facts; of effects and conclusions, only what the life does not know."""
        _, library = await self.packs.current(question.packs)
        return step(question, library)


def step(question: Question, library: PackLibrary) -> Step:
    """The pure part of `advance`."""
    facts = [parse_fact(text) for text in question.facts]
    area = area_of(facts)
    found = assess(facts, area, question.day, library)
    refused = {item.fact for item in found.refused}
    counting = [fact for fact in known(facts, question.day).facts if fact.fact_id not in refused]
    status = status_of(found, counting, question.day)
    effects = Effects(found, counting, area, question.day)
    wanted, unwanted = effects.compared_with(question.slots)
    conclusions = [_conclusion(decision) for decision in found.decisions]
    concluded = set(question.known_conclusions)
    intervals = {span.id: span for span in map(_interval, found.coverage)}
    held = set(question.coverage)
    parked = [OpenQuestion(question=item.question, because=item.because) for item in found.parked]
    claw_backs = [
        ClawBack(scheme=item.scheme, area=item.area, plan_year=item.plan_year, because=item.because)
        for item in found.clawbacks
    ]
    return Step(
        status=status,
        area=area,
        cohort=_cohort(counting),
        ended=status is Status.DECEASED and not effects.open_cases,
        coverage_added=[span for name, span in intervals.items() if name not in held],
        coverage_gone=[name for name in question.coverage if name not in intervals],
        undetermined=[_interval(span) for span in found.undetermined],
        deadlines=[_deadline(item) for item in found.deadlines],
        wanted=wanted,
        unwanted=unwanted,
        conclusions=[conclusion for conclusion in conclusions if conclusion.id not in concluded],
        refused={item.fact: item.because for item in found.refused},
        parked=parked,
        claw_backs=claw_backs,
        details=describe_assessment(found, status, library.name(area), question.day),
        digest=digest([status, area, *(item.question for item in parked), *unwanted, *map(str, claw_backs)]),
    )


def _cohort(facts: Sequence[Fact]) -> str:
    """With whom the person enrolled last."""
    enrolled = [fact for fact in facts if isinstance(fact, Registered)]
    if not enrolled:
        return ""
    latest = enrolled[-1]
    return f"{latest.capacity}-{latest.plan_year or latest.on.year}"


def area_of(facts: list[Fact]) -> str:
    """Where the person belongs now: the area of the latest fact that ties a person to one."""
    tying = [fact for fact in facts if isinstance(fact, Birth | Registered | Moved) and fact.area]
    latest = max(tying, key=lambda fact: (fact.on, fact.known_on, fact.fact_id), default=None)
    return (latest.area if latest else None) or NATION


def _deadline(item: DueDate) -> Deadline:
    wake_on: date = item.on if item.matter in _DONE_ON_THE_DAY else item.on + DAY
    summary = f"{MATTER_NAMES[item.matter].both()} {item.on}"
    return Deadline(matter=item.matter, on=item.on, wake_on=wake_on, summary=summary)


def _interval(span: Coverage | Undetermined) -> Interval:
    share = str(span.share) if isinstance(span, Coverage) else "1"
    because = latest_reasons(span.because)
    service = span.service or "" if isinstance(span, Coverage) else ""
    parts = [span.scheme, span.area, str(span.start), str(span.end), share, service, because.en]
    return Interval(
        id=digest(parts),
        scheme=span.scheme,
        area=span.area,
        starts=span.start,
        ends=span.end,
        share=share,
        service=service,
        because=because,
    )


def _conclusion(decision: Decision) -> Conclusion:
    return Conclusion(
        id=digest([decision.rule, decision.outcome.en, decision.as_of.isoformat(), decision.pack or ""]),
        rule=decision.rule,
        outcome=decision.outcome,
        as_of=decision.as_of,
        pack=decision.pack,
        considered=[item.because for item in decision.considered],
        sources=[
            " ".join(part for part in (source.document, source.article, source.quotation) if part)
            for source in decision.sources
        ],
    )
