"""`./do bench`: people per second through birth, registration, payment and cover, beside the bare engine; and memory.

Both are taken in one run, in turns, against one server with a file database, by one process that is sender and worker.
The ratio is the figure; the rates are those of this machine. The tax bureau is in memory, the registry is real.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Worker

from activities.packs_in_force import FixedPacks
from adapters.payload_converter import data_converter
from adapters.registry.campaigns import CampaignBooks
from adapters.registry.database import connect_registry, open_registry
from adapters.registry.imports import ImportBooks
from adapters.registry.ledger import Ledger
from adapters.registry.money import MoneyBooks
from adapters.settings import Settings
from bench import rules
from bench.bare import Bare
from bench.bare_activities import BareActivities, BareInput, Sizes
from domain.cases import CaseOperation, RefundState
from domain.civil_time import current_day
from domain.facts import Fact, parse_fact
from domain.life import Acknowledged, Interval, Record, Remembered
from domain.reconciliation import StatementPage
from domain.status import Status
from intake.report import report
from policy.pack_library import library
from sandbox.processes import free_port, running
from sandbox.temporal_server import kind_name, temporal_server
from tests.keys import RING
from tests.world import sealing
from worker import plugin, workers
from workflows.search_attributes import SEARCH_ATTRIBUTES

BORN = date(2017, 3, 1)
# What one newborn leaves to do outside the life: to read once, to record three facts, to issue a levy.
DONE_PER_PERSON = 5
PLAIN = data_converter(None)


class Counter:
    """Counts what was carried out, so that a round ends when its work has."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int = 1) -> None:
        self.count += number

    async def reach(self, target: int) -> None:
        async with asyncio.timeout(120):
            while self.count < target:
                await asyncio.sleep(0.01)


class CountingLedger:
    """The real ledger, counted."""

    def __init__(self, ledger: Ledger, counter: Counter) -> None:
        self._ledger, self._counter = ledger, counter
        self.record_sizes: list[int] = []

    async def read(self, person: str) -> Remembered:
        self._counter.add()
        return await self._ledger.read(person)

    async def record(self, record: Record) -> Acknowledged:
        if len(self.record_sizes) < 3:
            self.record_sizes.append(len(PLAIN.payload_converter.to_payload(record).data))
        answer = await self._ledger.record(record)
        self._counter.add(len(record.facts))
        return answer

    async def coverage(self, person: str) -> list[Interval]:
        return await self._ledger.coverage(person)

    async def keep_operation(self, done: CaseOperation) -> None:
        await self._ledger.keep_operation(done)


class CountingBureau:
    """A bureau that takes every levy at once: what it costs is not ours."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    async def issue_levy(self, reference: str, revision: int, payload: str) -> None:
        self._counter.add()

    async def cancel_levy(self, reference: str, revision: int) -> None:
        self._counter.add()

    async def request_refund(self, reference: str, revision: int, payload: str) -> None:
        raise AssertionError("nobody asks for money back in this measurement")

    async def refund_state(self, reference: str) -> RefundState:
        raise AssertionError("nobody asks for money back in this measurement")

    async def cancel_refund(self, reference: str, revision: int) -> RefundState:
        raise AssertionError("nobody asks for money back in this measurement")

    async def statement(self, day: date, after: int = 0) -> StatementPage:
        raise AssertionError("nobody reconciles in this measurement")


class NoNotices:
    async def learn(self, progress: Callable[[int], None]) -> int:
        raise AssertionError("nobody learns of payments in this measurement")

    async def send(self, key: str, person: str, payload: str, correction: bool) -> None:
        raise AssertionError("nobody is told anything in this measurement")


def newborn() -> list[Fact]:
    resident = {"scheme": "resident", "plan_year": 2017, "area": "130925", "on": "2017-03-01"}
    return [
        parse_fact({"type": "birth", "on": "2017-03-01", "area": "130925"}),
        parse_fact({"type": "registered", "capacity": "newborn", **resident}),
        parse_fact({"type": "paid", "amount": "150", **resident}),
    ]


async def measure(people: int, rounds: int, at_once: int) -> None:
    with tempfile.TemporaryDirectory(prefix="canbao-bench-") as name:
        folder = Path(name)
        port = free_port()
        with temporal_server(
            port=port,
            log=folder / "temporal.log",
            database=folder / "temporal.db",
            search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
        ):
            client = await Client.connect(f"127.0.0.1:{port}", plugins=[plugin(None)])
            await _measure(client, folder, people, rounds, at_once)


async def _measure(plain: Client, folder: Path, people: int, rounds: int, at_once: int) -> None:
    database = connect_registry(f"sqlite:///{folder / 'registry.db'}", RING)
    await database.prepare()
    client = sealing(plain, database.keys)
    counter = Counter()
    ledger = CountingLedger(Ledger(database), counter)
    settings = Settings(data=folder, shifted_clocks=True, metrics_address="", cached_lives=5000)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        for worker in workers(
            client,
            settings,
            packs=FixedPacks(library()),
            registry=ledger,
            reports=Ledger(database),
            bureau=CountingBureau(counter),
            money=MoneyBooks(database),
            feed=NoNotices(),
            notices=NoNotices(),
            lines=ImportBooks(database),
            campaigns=CampaignBooks(database),
        ):
            await stack.enter_async_context(worker)
        sizes = await _sizes(client, ledger)
        bare_counter = Counter()
        bare = BareActivities(bare_counter.add)
        queues: tuple[tuple[str, list[type], list[Callable[..., Any]]], ...] = (
            ("bare-lives", [Bare], [bare.local, bare.read, bare.regular]),
            ("bare-tax", [], [bare.regular]),
        )
        for queue, kinds, activities in queues:
            await stack.enter_async_context(
                Worker(plain, task_queue=queue, workflows=kinds, activities=activities, max_cached_workflows=5000)
            )
        given = BareInput(sizes, "bare-tax")

        async def real_life() -> None:
            await _live(client)

        async def bare_life() -> None:
            await _live_bare(plain, given)

        rates: dict[str, list[float]] = {"bare": [], "real": []}
        for number in range(rounds + 1):
            for kind, life, counts in (("bare", bare_life, bare_counter), ("real", real_life, counter)):
                async with asyncio.timeout(300):
                    rate = await _round(life, people, at_once, counts)
                if number:  # the first round of each warms up
                    rates[kind].append(rate)
                    print(f"  {kind}: {rate:.1f} people per second", flush=True)
        ratios = [real / bare for real, bare in zip(rates["real"], rates["bare"], strict=True)]
        print(f"payload sizes, bytes: {json.dumps(asdict(sizes))}")
        print(f"bare engine: {statistics.median(rates['bare']):.1f} people per second")
        print(f"real lives:  {statistics.median(rates['real']):.1f} people per second")
        print(f"ratio:       {statistics.median(ratios):.2f} (of {', '.join(f'{ratio:.2f}' for ratio in ratios)})")


async def _round(life: Callable[[], Awaitable[None]], people: int, at_once: int, counter: Counter) -> float:
    places = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with places:
            await life()

    target = counter.count + people * DONE_PER_PERSON
    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(people)))
    await counter.reach(target)
    return people / (time.perf_counter() - start)


async def _live(client: Client) -> str:
    key = f"bench{uuid.uuid4().hex[:20]}"
    shift = (BORN - current_day()).days
    for fact in newborn():
        receipt = await report(client, key, fact, "bench", shift)
    assert receipt.status is Status.ENROLLED
    return key


async def _live_bare(client: Client, given: BareInput) -> None:
    text = "x" * given.sizes.report
    workflow_id = f"bare-{uuid.uuid4().hex}"
    for _ in range(3):
        start = WithStartWorkflowOperation(
            Bare.run,
            given,
            id=workflow_id,
            task_queue="bare-lives",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        await client.execute_update_with_start_workflow(Bare.report, text, start_workflow_operation=start)


async def _sizes(client: Client, ledger: CountingLedger) -> Sizes:
    """The sizes of a real life's payloads, averaged, so that the bare engine carries as much."""
    key = await _live(client)
    await asyncio.sleep(1)
    history = await client.get_workflow_handle(f"person-{key}").fetch_history()

    def mean(sizes: list[int]) -> int:
        return round(statistics.mean(sizes))

    def payloads(message: Any) -> int:
        return sum(len(payload.data) for payload in message.payloads)

    def result_size(marker: Any) -> int:
        return payloads(marker.details["result"]) if "result" in marker.details else 0

    accepted = [event.workflow_execution_update_accepted_event_attributes for event in history.events]
    completed = [event.workflow_execution_update_completed_event_attributes for event in history.events]
    markers = [event.marker_recorded_event_attributes for event in history.events]
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    levies = [payloads(item.input) for item in scheduled if item.activity_type.name == "tax.levy"]
    return Sizes(
        report=mean([payloads(item.accepted_request.input.args) for item in accepted if item.protocol_instance_id]),
        receipt=mean([payloads(item.outcome.success) for item in completed if item.meta.update_id]),
        step=mean([size for size in map(result_size, markers) if size > 200]),
        record=mean(ledger.record_sizes),
        levy=mean(levies),
    )


async def measure_memory(lives: int) -> None:
    """Resident memory of a worker process that holds this many lives in its cache."""
    with tempfile.TemporaryDirectory(prefix="canbao-bench-") as name:
        folder = Path(name)
        port = free_port()
        address = f"127.0.0.1:{port}"
        os.environ.update(
            TEMPORAL_ADDRESS=address,
            CANBAO_DATA=name,
            CANBAO_METRICS_ADDRESS="",
            CANBAO_CACHED_LIVES=str(lives),
        )
        with (
            temporal_server(
                port=port,
                log=folder / "temporal.log",
                search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
            ),
            running(
                ["./do", "worker", "--shifted-clocks"], folder / "worker.log", lambda: True, "the worker"
            ) as worker,
        ):
            database = open_registry(Settings(data=folder))
            await database.prepare()
            client = sealing(await Client.connect(address), database.keys)
            places = asyncio.Semaphore(20)

            async def one() -> None:
                async with places:
                    await _live(client)

            await asyncio.gather(*(one() for _ in range(lives)))
            await asyncio.sleep(3)
            status = Path(f"/proc/{worker.pid}/status").read_text(encoding="utf-8")
            resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
            print(f"worker with {lives} cached lives: {int(resident.split()[1]) / 1024:.0f} MB resident")


def main() -> None:
    parser = argparse.ArgumentParser(prog="./do bench", description=f"与裸引擎对比测量吞吐与内存。 {__doc__}")
    parser.add_argument("--people", type=int, default=150, help="每轮人数 · people per round (default 150)")
    parser.add_argument("--rounds", type=int, default=5, help="轮数 · rounds of each (default 5)")
    parser.add_argument("--at-once", type=int, default=20, help="同时人数 · people at once (default 20)")
    parser.add_argument(
        "--lives", type=int, default=1000, help="测内存时的流程数 · lives held for the memory figure (default 1000)"
    )
    parser.add_argument("--rules-only", action="store_true", help="只测规则 · the rules alone, without a server")
    arguments = parser.parse_args()
    rules.measure()
    if arguments.rules_only:
        return
    asyncio.run(measure(arguments.people, arguments.rounds, arguments.at_once))
    asyncio.run(measure_memory(arguments.lives))
    # A process of its own, whose memory nothing else has used before.
    for part in ("bench.lives", "bench.registry", "bench.intake", "bench.secrecy"):
        subprocess.run([sys.executable, "-m", part], check=True)


if __name__ == "__main__":
    main()
