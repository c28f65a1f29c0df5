"""Records histories and carried states that later builds must still read: `python -m tests.record_histories`."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.processes import free_port
from sandbox.temporal_server import kind_name, temporal_server
from tests.facts import KUNMING, YANSHAN, birth, paid, registered
from tests.long_life import season
from tests.world import ROLL_SUGGESTED_AT, World, connect_for_tests
from workflows.search_attributes import SEARCH_ATTRIBUTES

FOLDER = Path(__file__).parent
BORN = birth("2017-03-01", id="b1")
STORIES: dict[str, tuple[list[dict[str, Any]], date]] = {
    "newborn-in-time": ([BORN, registered("2017-04-10", 2017), paid("2017-04-12", 2017)], date(2018, 1, 3)),
    "newborn-late-paper": (
        [
            BORN,
            registered("2017-05-20", 2017, recorded_on="2017-06-10"),
            paid("2017-05-20", 2017, recorded_on="2017-06-11"),
        ],
        date(2017, 7, 1),
    ),
    "mid-year-payer-waits": (
        [registered("2017-01-09", 2017, capacity="ordinary"), paid("2017-01-09", 2017, kind="full")],
        date(2018, 2, 1),
    ),
    "died": (
        [BORN, registered("2017-03-10", 2017), {"type": "died", "on": "2017-04-01", "area": YANSHAN}],
        date(2017, 5, 1),
    ),
    "season-of-work": (
        [
            registered("2021-11-10", 2022, KUNMING, "ordinary"),
            paid("2021-11-10", 2022, KUNMING),
            *season(2022),
        ],
        date(2022, 12, 1),
    ),
    "taken-back": (
        [
            BORN,
            registered("2017-03-10", 2017, id="r1"),
            {**registered("2017-03-10", 2017), "id": "w", "corrects": "r1", "withdrawn": True},
        ],
        date(2017, 5, 20),
    ),
    "rolled": (
        [
            BORN,
            *({"type": "identity_updated", "on": "2017-03-01", "area": YANSHAN, "id": f"i{n}"} for n in range(50)),
            registered("2017-03-10", 2017),
        ],
        date(2017, 4, 1),
    ),
}


COMMANDS = FOLDER / "histories" / "commands.txt"
_COMMANDS = (
    "marker_recorded",
    "activity_task_scheduled",
    "timer_started",
    "timer_canceled",
    "upsert_workflow_search_attributes",
    "workflow_execution_continued_as_new",
    "workflow_execution_completed",
)


async def commands(world: World, story: str) -> str:
    """The commands that a story's workflow gives, in order, a line each: what another build has to give too."""
    facts, until = STORIES[story]
    key = await world.live(facts, until=until, settling=True)
    lines = [f"== {story}"]
    for history in reversed(await world.histories(key)):
        for event in history.events:
            kind = str(event.WhichOneof("attributes")).removesuffix("_event_attributes")
            if kind in _COMMANDS:
                attributes = getattr(event, f"{kind}_event_attributes")
                name = getattr(attributes, "activity_type", None) or getattr(attributes, "marker_name", "")
                lines.append(f"{kind} {getattr(name, 'name', name)}".strip())
    return "\n".join(lines) + "\n"


async def record() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with temporal_server(
            port=port,
            log=folder / "temporal.log",
            search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
            dynamic_config={"limit.historyCount.suggestContinueAsNew": str(ROLL_SUGGESTED_AT)},
        ):
            client = await connect_for_tests(f"127.0.0.1:{port}", "default")
            async with World.running(client, folder) as world:
                COMMANDS.write_text("\n".join([await commands(world, story) for story in STORIES]), encoding="utf-8")
                for story, (facts, until) in STORIES.items():
                    key = await world.live(facts, until=until)
                    for number, history in enumerate(reversed(await world.histories(key))):
                        file = FOLDER / "histories" / f"{story}-{number + 1}.json"
                        file.parent.mkdir(exist_ok=True)
                        file.write_text(history.to_json() + "\n", encoding="utf-8")
                        carried = history.events[0].workflow_execution_started_event_attributes.input.payloads[0].data
                        if number:
                            state = FOLDER / "carried" / f"{story}-{number + 1}.json"
                            state.parent.mkdir(exist_ok=True)
                            state.write_bytes(carried + b"\n")


if __name__ == "__main__":
    asyncio.run(record())
