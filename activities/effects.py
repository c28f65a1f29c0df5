"""What an assessment wants to be true outside, as effects by slot; pure.

A slot's name says what the effect is (kind, scheme, area, year, ...), its digest what it contains; so the same wish is
the same effect, and another content is the slot's next generation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from domain.assessment import MATTER_NAMES, Assessment, Levy, Notice, Refund
from domain.bilingual import Text
from domain.facts import Fact
from domain.life import Effect, EffectKind
from domain.money import yuan
from policy.cases import DuplicateCase, TransferCase, duplicate_cases, is_confirmed, transfer_cases
from policy.status import can_be_collected, is_paid


class Effects:
    """The effects that follow, and the slots of those that are settled and must not be taken back."""

    def __init__(self, found: Assessment, facts: Sequence[Fact], area: str, day: date) -> None:
        self.wanted: dict[str, Effect] = {}
        self.standing: set[str] = set()
        self.open_cases = False
        """Whether money is still owed to somebody, or a transfer is under way."""
        self._levies(found, facts, day)
        for notice in found.notices:
            if notice.on <= day:
                self.wanted[f"notice/{notice.matter}/{notice.on}"] = _notice_effect(notice)
        self._refunds(found, facts)
        self._transfers(found, facts)
        for duplicate in duplicate_cases(found, facts, area):
            slot, effect = _duplicate_effect(duplicate, area)
            self.wanted[slot] = effect

    def _levies(self, found: Assessment, facts: Sequence[Fact], day: date) -> None:
        for levy in found.levies:
            if is_paid(levy, facts):
                self.standing.add(levy_slot(levy))  # what was paid is neither asked for again nor taken back
            elif levy.person and can_be_collected(levy, facts, day):
                self.wanted[levy_slot(levy)] = _levy_effect(levy)

    def _refunds(self, found: Assessment, facts: Sequence[Fact]) -> None:
        for refund in found.refunds:
            slot = f"refund/{refund.scheme}/{refund.area}/{refund.plan_year}/{refund.to}"
            if is_confirmed(refund, facts):
                self.standing.add(slot)
            elif refund.amount:
                self.wanted[slot] = _refund_effect(refund)
                self.open_cases = True

    def _transfers(self, found: Assessment, facts: Sequence[Fact]) -> None:
        for case in transfer_cases(found, facts):
            request = case.request
            slot = f"transfer/{request.scheme}/{request.from_area}/{request.to_area}/{request.on}"
            if case.completed:
                self.standing.add(slot)
            else:
                self.wanted[slot] = _transfer_effect(case)
                self.open_cases = True

    def compared_with(self, held: dict[str, str]) -> tuple[dict[str, Effect], list[str]]:
        """What a life that holds these digests by slot has to set going, and what it has to take back."""
        new = {slot: effect for slot, effect in self.wanted.items() if held.get(slot) != effect.digest}
        gone = [slot for slot in held if slot not in self.wanted and slot not in self.standing]
        return new, gone


def levy_slot(levy: Levy) -> str:
    """The slot of a levy; a repair of an earlier year is one of its own."""
    repair = f"/repair-{levy.repairs_year}" if levy.repairs_year is not None else ""
    return f"levy/{levy.scheme}/{levy.area}/{levy.plan_year}/{levy.part}{repair}"


def digest(parts: Sequence[str]) -> str:
    """A short name of some texts, the same for the same texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


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
        **_words(notice.because),
    }
    return _effect(EffectKind.NOTICE, payload, f"通知 · notice: {MATTER_NAMES[notice.matter].both()}")


def _refund_effect(refund: Refund) -> Effect:
    assert refund.amount is not None
    payload = {
        "scheme": refund.scheme,
        "area": refund.area,
        "plan_year": refund.plan_year,
        "amount": yuan(refund.amount),
        "to": refund.to,
        **_words(refund.because),
    }
    summary = f"{refund.plan_year}年度退费 · refund {refund.plan_year}: {yuan(refund.amount)} 元"
    return _effect(EffectKind.REFUND, payload, summary)


def _transfer_effect(case: TransferCase) -> Effect:
    request = case.request
    payload = {
        "scheme": request.scheme,
        "from_area": request.from_area,
        "to_area": request.to_area,
        "requested_on": request.on.isoformat(),
        "side": case.side,
        "due": case.due.isoformat() if case.due else None,
    }
    summary = f"转移接续 · transfer {request.from_area} → {request.to_area}"
    return _effect(EffectKind.TRANSFER, payload, summary, beside=["due"])


def _duplicate_effect(case: DuplicateCase, area: str) -> tuple[str, Effect]:
    report = case.report
    other = report.area or area
    payload = {
        "scheme": report.scheme,
        "area": other,
        "reported_on": report.on.isoformat(),
        "loses": _relation(case.loses),
        "keeps": _relation(case.keeps),
        "action": case.action,
        "decided_by": case.decided_by,
    }
    summary = f"重复参保 · duplicate enrolment, {report.scheme} {other}"
    effect = _effect(EffectKind.DUPLICATE, payload, summary, beside=["decided_by"])
    return f"duplicate/{report.scheme}/{other}/{report.on}", effect


def _relation(relation: tuple[str, str] | None) -> dict[str, str] | None:
    return None if relation is None else {"scheme": relation[0], "area": relation[1]}


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _effect(kind: EffectKind, payload: dict[str, Any], summary: str, *, beside: Sequence[str] = ()) -> Effect:
    """`beside` names what is told along, and makes no other effect when it changes alone."""
    what = {name: value for name, value in payload.items() if name not in beside}
    return Effect(kind=kind, digest=digest([_json(what)]), payload=_json(payload), summary=summary)


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
