"""A life of ninety years, by a made-up pack that holds throughout: what it hands on, and what each report leaves."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from policy.pack_files import read_pack
from policy.pack_library import PackLibrary, library
from tests.facts import KUNMING, birth, paid, registered
from tests.world import SKIP_EVENTS, World

BORN = date(2022, 3, 1)
YEARS = 90


def lasting_packs() -> PackLibrary:
    """The packs in force, and a city whose own never ends."""
    return library().with_packs([read_pack(Path(__file__).parent / "packs" / KUNMING / "always.yaml")])


def facts_of(year: int) -> list[dict[str, Any]]:
    """What happens in a year: a claim, every twelfth year a season of work, and the premium for the next year."""
    facts = [{"type": "benefits_used", "scheme": "resident", "on": f"{year}-06-05", "area": KUNMING}]
    if year % 12 == 0:
        facts += season(year)
    next_year = year + 1
    renewed = registered(f"{year}-11-10", next_year, KUNMING, "ordinary")
    return [*facts, renewed, paid(f"{year}-11-12", next_year, KUNMING, amount="400")]


def season(year: int) -> list[dict[str, Any]]:
    """A season of work, from May to August."""
    work = {"scheme": "employee", "area": KUNMING}
    months = {"from_month": f"{year}-07", "to_month": f"{year}-08", "payer": "employer"}
    return [
        {"type": "employment_started", "form": "seasonal", "on": f"{year}-07-01", "area": KUNMING},
        {"type": "registered", "capacity": "unit", "on": f"{year}-07-02", **work},
        {"type": "paid", "on": f"{year}-07-06", **months, **work},
        {"type": "employment_ended", "on": f"{year}-08-31", "area": KUNMING},
    ]


async def play(world: World, years: int) -> str:
    """A life from birth on, for so many years."""
    key = world.person(BORN)
    await world.report(key, birth(str(BORN), KUNMING))
    for fact in (
        registered(str(BORN + timedelta(days=5)), BORN.year, KUNMING),
        paid(str(BORN + timedelta(days=6)), BORN.year, KUNMING, amount="400"),
    ):
        await world.move_to(key, date.fromisoformat(fact["on"]))
        await world.report(key, fact)
    for year in range(BORN.year, BORN.year + years):
        for fact in facts_of(year):
            await world.move_to(key, date.fromisoformat(fact["on"]))
            await world.report(key, fact)
    await world.settled(key)
    return key


def report_sizes(history: WorkflowHistory) -> list[int]:
    """The bytes that each report left in a history, up to the next; the hand-over to another run is not a report's."""
    sizes: list[int] = []
    handing_over = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
    for event in history.events:
        if event.event_type in SKIP_EVENTS or event.event_type == handing_over:
            continue
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            sizes.append(0)
        if sizes:
            sizes[-1] += event.ByteSize()
    return sizes


def carried_bytes(histories: list[WorkflowHistory]) -> int:
    """The largest state that a run was handed."""
    return max(
        history.events[0].workflow_execution_started_event_attributes.input.payloads[0].ByteSize()
        for history in histories
    )
