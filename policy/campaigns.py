"""When an area collects for a plan year (集中征缴期), for whoever opens, extends and closes the collection.

Sources: the area's pack, `window.collect` and `window.extension`. A notice that moves the end counts from the day on
which it was decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.areas import NATION, chain
from domain.bilingual import Text
from policy.pack_library import NotStated, PackLibrary
from policy.parameters import COLLECTION_WINDOW, EXTENSION
from policy.plan_days import in_plan_year


@dataclass(frozen=True, slots=True)
class Collection:
    """The days on which an area collects for a plan year, both included."""

    area: str
    plan_year: int
    opens: date
    closes: date
    extended: bool
    pack: str


def collection(library: PackLibrary, area: str, plan_year: int, today: date) -> Collection | NotStated:
    """The collection of ordinary residents for a plan year, as it is known today."""
    first_day = date(plan_year, 1, 1)
    found = library.look_up(COLLECTION_WINDOW, area, first_day)
    if isinstance(found, NotStated):
        return found
    if found.pack.startswith(f"{NATION}/"):
        # What holds for judging where nobody says more is no decree by which an area collects.
        text = Text(f"{area}没有自己的集中参保期规定", f"neither {area} nor its province states a collection window")
        return NotStated(COLLECTION_WINDOW.key, text, found.pack)
    window = next((item for item in found.value if item.holds_for("ordinary", plan_year)), None)
    if window is None:
        return NotStated(
            COLLECTION_WINDOW.key,
            Text(f"政策包没有规定{plan_year}年度的集中参保期", f"no pack states the collection window for {plan_year}"),
            found.pack,
        )
    opens, closes = window.days(plan_year)
    later = [closes]
    extension = library.look_up(EXTENSION, area, first_day)
    if not isinstance(extension, NotStated):
        later += [
            in_plan_year(item.last, plan_year)
            for item in extension.value
            if item.holds_for("ordinary", plan_year)
            and item.applies_to != "registration"
            and (item.decided_on is None or item.decided_on <= today)
        ]
    return Collection(area, plan_year, opens, max(later), max(later) > closes, found.pack)


def collecting(library: PackLibrary, area: str, today: date) -> Collection | NotStated:
    """The collection that is under way today, the earliest plan year first."""
    missing: NotStated | None = None
    for plan_year in (today.year - 1, today.year, today.year + 1):
        found = collection(library, area, plan_year, today)
        if isinstance(found, NotStated):
            missing = missing or found
        elif found.opens <= today <= found.closes:
            return found
    return missing or NotStated(
        COLLECTION_WINDOW.key, Text(f"{today}不在集中参保期内", f"{today} lies in no collection window")
    )


def campaign_areas(library: PackLibrary) -> list[str]:
    """The areas whose own packs state a collection window."""
    return sorted(
        {
            pack.area
            for pack in library.packs
            if pack.area != chain(pack.area)[-1]
            and COLLECTION_WINDOW.key in pack.statements
            and not pack.statements[COLLECTION_WINDOW.key].unknown
        }
    )


def areas_apart(library: PackLibrary, area: str, plan_year: int, today: date) -> list[str]:
    """The areas within an area that collect for a plan year by a window of their own."""
    apart = []
    for other in campaign_areas(library):
        if other != area and area in chain(other):
            found = collection(library, other, plan_year, today)
            if not isinstance(found, NotStated) and found.pack.startswith(f"{other}/"):
                apart.append(other)
    return apart


def opening_days(library: PackLibrary, area: str) -> list[tuple[int | None, date]]:
    """The days on which an area's collections open, with their year; without it where they open every year."""
    found: list[tuple[int | None, date]] = []
    for pack in library.packs:
        statement = pack.statements.get(COLLECTION_WINDOW.key)
        if pack.area != area or statement is None or statement.unknown:
            continue
        last = pack.valid_from.year if pack.valid_to is None else pack.valid_to.year
        for window in statement.value:
            years = window.plan_year or range(pack.valid_from.year, last + 1)
            days = [window.days(year)[0] for year in years if window.holds_for("ordinary", year)]
            if window.plan_year or pack.valid_to is not None:
                found += [(day.year, day) for day in days]
            else:
                found += [(None, day) for day in days]
    return found
