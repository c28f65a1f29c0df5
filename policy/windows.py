"""The collection window (集中参保期) and its extension by notice (公告延期).

Sources: the area's pack. A notice that moves a window is a dated record of its own: known from the day on which it was
decided, for registration, payment or both.
"""

from __future__ import annotations

from datetime import date

from domain.bilingual import Text
from policy.outcomes import Judged
from policy.pack_library import NotStated, Stated
from policy.parameters import COLLECTION_WINDOW, EXTENSION
from policy.plan_days import in_plan_year
from policy.values import Extension


def collection_end(judged: Judged) -> date | None:
    """The last day of the collection window; None, with the question parked, where no pack states it."""
    relation = judged.relation
    found = judged.reasoning.look_up(COLLECTION_WINDOW, judged.days[0])
    if isinstance(found, Stated):
        for period in found.value:
            if period.holds_for(relation.population, relation.plan_year):
                return period.days(relation.plan_year)[1]
        found = NotStated(
            COLLECTION_WINDOW.key,
            Text("政策包没有规定该人群的集中参保期", "the pack states no collection window for this population"),
            found.pack,
        )
    judged.reasoning.park(found)
    return None


def extension(judged: Judged, closes: date) -> Extension | None:
    """The notice that lets the person in after the window, if one was decided by today."""
    relation, case = judged.relation, judged.case
    found = judged.reasoning.look_up(EXTENSION, judged.days[0])
    if isinstance(found, NotStated):
        return None
    for extension in found.value:
        if not extension.holds_for(relation.population, relation.plan_year):
            continue
        if extension.decided_on is not None and extension.decided_on > case.as_of:
            continue
        last = in_plan_year(extension.last, relation.plan_year)
        register_by = closes if extension.applies_to == "payment" else last
        if relation.registered.on > register_by:
            continue
        if extension.applies_to == "registration":
            # Until when the money must be there, such a notice does not say; a year's fee is not paid after the year.
            if relation.paid_on is None or relation.paid_on <= judged.days[1]:
                return extension
        elif (relation.paid_on or case.as_of) <= last:
            return extension
    return None
