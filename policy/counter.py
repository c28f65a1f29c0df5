"""At the counter (经办时限): by which working day the agency has done what was asked for.

Source: the area's pack (Henan: a registration at once at the counter, within one working day online).
"""

from __future__ import annotations

from domain.assessment import Matter
from domain.bilingual import Text
from domain.facts import Registered
from policy.case import Case, Reasoning
from policy.pack_library import NotStated
from policy.parameters import REGISTER_COUNTER, REGISTER_ONLINE
from policy.transfers import working_days_after

_TERMS = {"counter": REGISTER_COUNTER, "online": REGISTER_ONLINE}


def judge(case: Case) -> None:
    """The last day for each registration that came through a channel with a stated term, while it is ahead."""
    for fact in case.of(Registered):
        term = _TERMS.get(fact.channel or "")
        if term is None:
            continue
        reasoning = Reasoning(case, "counter.registration", case.area_of(fact), fact.plan_year)
        count = reasoning.look_up(term, fact.on)
        if isinstance(count, NotStated):
            continue
        ends, _ = working_days_after(fact.on, count.value)
        because = Text(f"参保登记须在{ends}前办结", f"the registration must be done by {ends}")
        if ends >= case.as_of:
            case.remind(Matter.REGISTRATION_DONE, ends, because, to="area")
        reasoning.decide(because, fact.on)
