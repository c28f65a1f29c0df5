"""Whole lives at random: any facts of the contract, in any order, late, corrected, withdrawn."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from domain.facts import Fact, parse_fact
from policy.pack_library import library

AREAS = sorted({pack.area for pack in library().packs} | {"530100", "640100"})
FIRST, LAST = date(2016, 1, 1), date(2027, 6, 1)
_GROUPS = ["poor_registered", "low_income", "medical_assistance", "hard_up", "veteran", "disability_3", "orphan"]


def _resident(draw: st.DrawFn, on: date) -> dict[str, Any]:
    return {"scheme": "resident", "plan_year": draw(st.sampled_from([on.year, on.year + 1]))}


def _registered(draw: st.DrawFn, on: date) -> dict[str, Any]:
    if draw(st.integers(0, 4)) == 0:
        return {"type": "registered", "scheme": "employee", "capacity": draw(st.sampled_from(["unit", "flexible"]))}
    return {
        "type": "registered",
        "capacity": draw(st.sampled_from(["ordinary", "ordinary", "newborn", "student"])),
        "tier": draw(st.sampled_from([None, 1, 2])),
        "supplementary": draw(st.booleans()),
        **_resident(draw, on),
    }


def _paid(draw: st.DrawFn, on: date) -> dict[str, Any]:
    amount = draw(st.sampled_from([None, "150", "400"]))
    payer = draw(st.sampled_from(["person", "family", "government"]))
    if draw(st.integers(0, 3)) == 0:
        first = on.month - draw(st.integers(0, on.month - 1))
        months = {"from_month": f"{on.year}-{first:02d}", "to_month": f"{on.year}-12"}
        return {"type": "paid", "scheme": "employee", "payer": "employer", "amount": amount, **months}
    kind = draw(st.sampled_from(["individual", "individual", "full", "repair"]))
    more = {"repairs_year": on.year - 1} if kind == "repair" else {}
    return {"type": "paid", "kind": kind, "amount": amount, "payer": payer, **more, **_resident(draw, on)}


def _also(draw: st.DrawFn, on: date) -> dict[str, Any]:
    maybe = st.sampled_from([None, True, False])
    return {
        "type": "also_enrolled",
        "scheme": draw(st.sampled_from(["resident", "employee"])),
        "plan_year": on.year,
        "usual_residence": draw(maybe),
        "paid_up": draw(maybe),
        "can_pay_now": draw(maybe),
        "full_time": draw(maybe),
        "continuous_months": draw(st.sampled_from([None, 11, 12, 40])),
    }


def _other(draw: st.DrawFn, on: date) -> dict[str, Any]:
    scheme = draw(st.sampled_from(["resident", "employee"]))
    before = date(on.year - draw(st.integers(1, 4)), 1, 1)
    choices: list[dict[str, Any]] = [
        {"type": "employment_started", "form": draw(st.sampled_from(["unit", "seasonal", "flexible"]))},
        {"type": "employment_ended"},
        {"type": "stop_requested", "scheme": scheme},
        {"type": "school_entered", "out_of_city": draw(st.booleans())},
        {"type": "school_left"},
        {"type": "group_granted", "group": draw(st.sampled_from(_GROUPS))},
        {"type": "group_ended", "group": draw(st.sampled_from(_GROUPS))},
        {"type": "discharged", "relative": draw(st.booleans())},
        {"type": "land_expropriated", "premium_paid_until": f"{on.year + 1}-12-31"},
        {"type": "household_state", "household": "h", "all_enrolled": draw(st.booleans())},
        {"type": "benefits_used", "scheme": scheme, "serious_illness": True, "quota_used": draw(st.booleans())},
        {"type": "admitted", "discharged_on": (on + timedelta(days=draw(st.integers(0, 40)))).isoformat()},
        {"type": "keep_chosen", "scheme": "resident", "keep_area": draw(st.sampled_from(AREAS)), "commitment": True},
        {"type": "repair_requested", "scheme": "resident", "years": draw(st.integers(1, 3))},
        {"type": "refund_requested", "scheme": scheme, "plan_year": draw(st.sampled_from([on.year, on.year + 1]))},
        {"type": "waiver_confirmed", "scheme": "resident", "plan_year": on.year + 1},
        {"type": "deduction_failed", "scheme": "resident", "plan_year": on.year},
        {"type": "moved", "kind": draw(st.sampled_from(["hukou", "residence", "returned_from_abroad", "released"]))},
        {"type": "hukou_registered"},
        {"type": "identity_updated"},
        {"type": "merged", "other": "k"},
        {"type": "transfer_requested", "scheme": scheme, "from_area": "530100", "to_area": "640100"},
        {"type": "transfer_completed", "scheme": scheme, "from_area": "530100", "to_area": "640100"},
        {"type": "refund_confirmed", "scheme": scheme, "plan_year": on.year, "amount": "10"},
        {"type": "covered_before", "scheme": scheme, "from": before.isoformat(), "to": on.isoformat()},
        {"type": "died"} if draw(st.integers(0, 3)) == 0 else {"type": "employment_ended"},
        {"type": "birth", "name": "own"},
    ]
    return draw(st.sampled_from(choices))


@st.composite
def lives(draw: st.DrawFn) -> tuple[str, list[Fact]]:
    """An area, and the facts of somebody who lives there, most of them residents' yearly business."""
    area = draw(st.sampled_from(AREAS))
    other = draw(st.sampled_from([area, area, area, "640100"]))
    start = draw(st.dates(FIRST, LAST))
    facts: list[dict[str, Any]] = []
    if draw(st.booleans()):
        born = start if draw(st.booleans()) else date(draw(st.integers(1950, 2010)), 7, 1)
        facts.append({"type": "birth", "on": born.isoformat(), "guardian_covered": draw(st.booleans())})
    for number in range(draw(st.integers(1, 9))):
        on = start + timedelta(days=draw(st.integers(0, 900)))
        kind = draw(st.sampled_from([_registered, _registered, _paid, _paid, _also, _other, _other]))
        fact = {name: value for name, value in kind(draw, on).items() if value is not None}
        known = on + timedelta(days=draw(st.sampled_from([0, 0, 0, 3, 45])))
        fact.setdefault("on", on.isoformat())
        fact |= {"id": f"f{number}", "area": draw(st.sampled_from([area, area, other]))}
        if fact["type"] != "covered_before":
            fact["recorded_on"] = known.isoformat()
        facts.append(fact)
    return area, [parse_fact(fact) for fact in facts]
