"""The activity that asks the rules, and says what of the answer is new to a life."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from temporalio import activity

from activities.details import describe_assessment
from domain.areas import NATION
from domain.assessment import MATTER_NAMES, Assessment, Coverage, Decision, DueDate, Levy, Matter, Notice, Undetermined
from domain.facts import Birth, Fact, Moved, Registered, parse_fact
from domain.life import (
    Conclusion,
    Deadline,
    Effect,
    EffectKind,
    Interval,
    OpenQuestion,
    Question,
    Step,
)
from domain.money import yuan
from domain.status import Status
from policy.assess import assess
from policy.counting import DAY
from policy.knowledge import known
from policy.pack_library import PackLibrary
from policy.status import can_be_collected, is_paid, status_of

# On these days something is done; on all others somebody must have acted by the end of the day, so a life looks after.
_DONE_ON_THE_DAY = (Matter.NEWBORN_REMINDER, Matter.IDENTITY_UPDATE, Matter.INCENTIVE)


@dataclass(frozen=True)
class AssessmentActivities:
    library: PackLibrary

    @activity.defn(name="assessment.advance")
    async def advance(self, question: Question) -> Step:
        """What follows on a day from a person's facts; of effects and conclusions, only what the life does not know."""
        return step(question, self.library)


def step(question: Question, library: PackLibrary) -> Step:
    """The pure part of `advance`."""
    facts = [parse_fact(text) for text in question.facts]
    area = _area(facts)
    found = assess(facts, area, question.day, library)
    refused = {item.fact for item in found.refused}
    counting = [fact for fact in known(facts, question.day).facts if fact.fact_id not in refused]
    status = status_of(found, counting, question.day)
    wanted, unwanted = _effects(found, counting, question)
    conclusions = [_conclusion(decision) for decision in found.decisions]
    concluded = set(question.known_conclusions)
    intervals = [_interval(span) for span in found.coverage]
    parked = [OpenQuestion(question=item.question, because=item.because) for item in found.parked]
    held = [
        status,
        area,
        *(interval.model_dump_json() for interval in intervals),
        *(item.question for item in parked),
        *unwanted,
    ]
    return Step(
        status=status,
        area=area,
        ended=status is Status.DECEASED,
        coverage=intervals,
        undetermined=[_interval(span) for span in found.undetermined],
        deadlines=[_deadline(item) for item in found.deadlines],
        wanted=wanted,
        unwanted=unwanted,
        conclusions=[conclusion for conclusion in conclusions if conclusion.id not in concluded],
        refused={item.fact: item.because for item in found.refused},
        parked=parked,
        details=describe_assessment(found, status, library.name(area)),
        digest=_digest(held),
    )


def _area(facts: list[Fact]) -> str:
    """Where the person belongs now: the area of the latest fact that ties a person to one."""
    tying = [fact for fact in facts if isinstance(fact, Birth | Registered | Moved) and fact.area]
    latest = max(tying, key=lambda fact: (fact.on, fact.known_on, fact.fact_id), default=None)
    return (latest.area if latest else None) or NATION


def _effects(found: Assessment, facts: Sequence[Fact], question: Question) -> tuple[dict[str, Effect], list[str]]:
    """What must be carried out that the life has not set going, and what it has set going that no longer follows."""
    effects: dict[str, Effect] = {}
    # What was paid is neither asked for again nor taken back.
    standing = {_levy_slot(levy) for levy in found.levies if is_paid(levy, facts)}
    for levy in found.levies:
        if levy.person and can_be_collected(levy, facts, question.day):
            effects[_levy_slot(levy)] = _levy_effect(levy)
    for notice in found.notices:
        if notice.on <= question.day:
            effects[f"notice/{notice.matter}/{notice.on}"] = _notice_effect(notice)
    wanted = {slot: effect for slot, effect in effects.items() if question.slots.get(slot) != effect.digest}
    unwanted = [slot for slot in question.slots if slot not in effects and slot not in standing]
    return wanted, unwanted


def _levy_slot(levy: Levy) -> str:
    repair = f"/repair-{levy.repairs_year}" if levy.repairs_year is not None else ""
    return f"levy/{levy.scheme}/{levy.area}/{levy.plan_year}/{levy.part}{repair}"


def _levy_effect(levy: Levy) -> Effect:
    assert levy.person is not None
    payload = {
        "scheme": levy.scheme,
        "area": levy.area,
        "plan_year": levy.plan_year,
        "part": levy.part,
        "basis": levy.basis,
        "amount": yuan(levy.person),
        "due": levy.due.isoformat() if levy.due else None,
    }
    summary = f"{levy.plan_year}年度应缴 · levy {levy.plan_year}: {yuan(levy.person)} 元"
    return _effect(EffectKind.LEVY, payload, summary)


def _notice_effect(notice: Notice) -> Effect:
    payload = {
        "to": notice.to,
        "matter": notice.matter,
        "on": notice.on.isoformat(),
        "zh": notice.because.zh,
        "en": notice.because.en,
    }
    return _effect(EffectKind.NOTICE, payload, f"通知 · notice: {MATTER_NAMES[notice.matter].both()}")


def _effect(kind: EffectKind, payload: dict[str, Any], summary: str) -> Effect:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return Effect(kind=kind, digest=_digest([text]), payload=text, summary=summary)


def _deadline(item: DueDate) -> Deadline:
    wake_on: date = item.on if item.matter in _DONE_ON_THE_DAY else item.on + DAY
    summary = f"{MATTER_NAMES[item.matter].both()} {item.on}"
    return Deadline(matter=item.matter, on=item.on, wake_on=wake_on, summary=summary)


def _interval(span: Coverage | Undetermined) -> Interval:
    share = str(span.share) if isinstance(span, Coverage) else "1"
    return Interval(
        scheme=span.scheme, area=span.area, starts=span.start, ends=span.end, share=share, because=span.because
    )


def _conclusion(decision: Decision) -> Conclusion:
    return Conclusion(
        id=_digest([decision.rule, decision.outcome.en, decision.as_of.isoformat(), decision.pack or ""]),
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


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
