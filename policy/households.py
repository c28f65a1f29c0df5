"""Households (按户参保): where all eligible members of one household must enrol at the same time.

Sources: the area's pack. What follows when one of them does not, none of the sources read says; so nobody's cover is
cut, and the question is parked.
"""

from __future__ import annotations

from datetime import date

from domain.bilingual import Text
from policy import person
from policy.case import Reasoning
from policy.parameters import HOUSEHOLD_RULE
from policy.relations import Relation


def judge(reasoning: Reasoning, relation: Relation, first_day: date) -> None:
    """Park the question where the household of a relation is known to be incomplete and the area asks for all."""
    rule = reasoning.value(HOUSEHOLD_RULE, first_day)
    if rule != "all_eligible_members_required":
        return
    if person.whole_household(reasoning.case, relation.registered) is False:
        reasoning.case.park(
            HOUSEHOLD_RULE.key,
            Text(
                "同一户口簿内符合条件的成员必须同时参保;有成员未参保的后果没有规定",
                "all eligible members must enrol at the same time; what follows when one does not is not stated",
            ),
        )
