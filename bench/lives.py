"""What a life costs with age: ninety years played, the replay of a year, the memory of a life that is held in cache."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

from sqlmodel import Session

from sandbox.processes import free_port
from sandbox.temporal_server import kind_name, temporal_server
from tests.facts import KUNMING, birth, paid, registered
from tests.long_life import YEARS, carried_bytes, lasting_packs, play, report_sizes
from tests.world import SKIP_EVENTS, World, connect_for_tests
from workflows.search_attributes import SEARCH_ATTRIBUTES

AGES = (30, 85)
HELD = 60
REPLAYS = 21


async def measure() -> None:
    """Print the figures of long lives."""
    with tempfile.TemporaryDirectory(prefix="canbao-bench-") as name:
        folder = Path(name)
        port = free_port()
        with temporal_server(
            port=port,
            log=folder / "temporal.log",
            search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
        ):
            client = await connect_for_tests(f"127.0.0.1:{port}", "default")
            async with World.running(client, folder) as world:
                await world.stop_workers()
                await world.start_workers(packs=lasting_packs())
                await _ninety_years(world)
                await _replay(world)
                for age in AGES:
                    await _memory(world, age)


async def _ninety_years(world: World) -> None:
    start = time.perf_counter()
    key = await play(world, YEARS)
    took = time.perf_counter() - start
    histories = await world.histories(key)
    events = [sum(event.event_type not in SKIP_EVENTS for event in history.events) for history in histories]
    print(f"ninety years: {took:.0f} s, {len(histories)} runs, at most {max(events)} events in one")
    print(f"  carried state at most {carried_bytes(histories) / 1024:.1f} KB")
    for years, some in (("the first", histories[-3:]), ("the last", histories[:3])):
        sizes = [size for history in some for size in report_sizes(history)]
        print(f"  a report in {years} years: at most {max(sizes) / 1024:.1f} KB of history")


async def _replay(world: World) -> None:
    """A question to a life whose worker has to replay a year first, beside one to a life that it holds."""
    facts = [
        birth("2022-03-01", KUNMING),
        registered("2022-05-17", 2022, KUNMING),
        paid("2022-05-19", 2022, KUNMING, amount="400"),
    ]
    keys = [await world.live(facts, until=date(2023, 1, 5)) for _ in range(2)]
    events = await world.event_count(keys[0])
    await world.stop_workers()
    one_life = world.settings.model_copy(update={"cached_lives": 1})
    await world.start_workers(packs=lasting_packs(), settings=one_life)
    cold = await _questions(world, [key for _ in range(REPLAYS) for key in keys])
    held = await _questions(world, keys[1:] * REPLAYS)
    print(f"replay of a newborn's year ({events} events): {(cold - held) * 1000:.1f} ms")
    await world.stop_workers()
    await world.start_workers(packs=lasting_packs())


async def _questions(world: World, keys: list[str]) -> float:
    """The median time of an answer, in seconds."""
    times = []
    for key in keys:
        start = time.perf_counter()
        await world.overview(key)
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


async def _memory(world: World, age: int) -> None:
    """Lives of an age, each begun from what the ledger knows of one that was lived, and held in this process."""
    key = await play(world, age)
    last = (await world.overview(key)).today
    copies = [world.person(last) for _ in range(HELD + 10)]
    await _copy(world, key, copies)
    for copy in copies[:10]:
        await _wake(world, copy, last)
    before = _resident()
    for copy in copies[10:]:
        await _wake(world, copy, last)
    held = (_resident() - before) / HELD
    print(f"a cached life at age {age}: {held:.0f} KB (mean of {HELD})")


async def _wake(world: World, key: str, on: date) -> None:
    await world.report(key, {"type": "benefits_used", "scheme": "resident", "on": str(on), "area": KUNMING})
    await world.settled(key)


async def _copy(world: World, key: str, copies: list[str]) -> None:
    """The ledger's rows of one person, under other keys."""
    tables = ("person", "journal", "coverage", "decision", "effect")

    def write(session: Session) -> None:
        connection = session.connection()
        for table in tables:
            owner = "key" if table == "person" else "person"
            names = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
            others = [name for name in names if name not in (owner, "id")]
            quoted = ", ".join(f'"{name}"' for name in others)
            statement = f'INSERT INTO {table} ("{owner}", {quoted}) SELECT ?, {quoted} FROM {table} WHERE "{owner}" = ?'
            for copy in copies:
                connection.exec_driver_sql(statement, (copy, key))

    await world.database.transaction(write)


def _resident() -> int:
    """KB of memory that this process holds."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


if __name__ == "__main__":
    asyncio.run(measure())
