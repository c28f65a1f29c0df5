"""The worker as a process: killed in the middle, ended politely, and without its search attributes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx2
import pytest_asyncio
from temporalio.client import Client

from activities.packs_in_force import FixedPacks
from adapters.registry.campaigns import CampaignBooks
from adapters.registry.database import open_registry
from adapters.registry.imports import ImportBooks
from adapters.registry.ledger import Ledger
from adapters.registry.money import MoneyBooks
from adapters.settings import Settings
from domain.civil_time import current_day
from domain.facts import parse_fact
from domain.life import Receipt
from domain.status import Status
from intake.report import report
from policy.pack_library import library
from sandbox.processes import answers, free_port, program, running, stop
from sandbox.temporal_server import temporal_server
from tests.facts import YANSHAN, birth, paid, registered
from tests.world import NothingBooked, World, connect_for_tests, sealing
from worker import workers
from workflows.names import LIVES_QUEUE, TAX_QUEUE
from workflows.person import PersonLifecycle

ROOT = Path(__file__).parent.parent
NAMESPACE = "worker-process"
# The worker stands in another time zone than the people it serves.
ZONE = "America/Los_Angeles"


@dataclass
class Bench:
    client: Client
    folder: Path
    environment: dict[str, str]
    tax_address: str

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        log = self.folder / f"worker-{uuid.uuid4().hex[:6]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "worker.py", "--shifted-clocks"],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            stop(process)


@pytest_asyncio.fixture
async def bench(tmp_path: Path, temporal_address: str) -> AsyncIterator[Bench]:
    port = free_port()
    command = [program("canbao"), "tax-sandbox", "--port", str(port), "--data", str(tmp_path)]
    with ExitStack() as stack:
        stack.enter_context(running(command, tmp_path / "tax.log", lambda: answers(port), "the tax sandbox"))
        address = f"http://127.0.0.1:{port}"
        environment = {
            "TEMPORAL_ADDRESS": temporal_address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "CANBAO_DATA": str(tmp_path),
            "CANBAO_TAX_ADDRESS": address,
            "CANBAO_METRICS_ADDRESS": "",
            "CANBAO_SHUTDOWN_SECONDS": "5",
            "TZ": ZONE,
        }
        database = open_registry(Settings(data=tmp_path))
        await database.prepare()
        client = sealing(await connect_for_tests(temporal_address, NAMESPACE), database.keys)
        yield Bench(client, tmp_path, environment, address)
        await database.close()


async def _levies(bench: Bench, key: str) -> list[dict[str, object]]:
    async with httpx2.AsyncClient(base_url=bench.tax_address) as bureau:
        levies: list[dict[str, object]] = (await bureau.get("/v1/levies", params={"payer": key})).json()
        return levies


async def _report(bench: Bench, key: str, fact: dict[str, object], shift: int) -> Receipt:
    return await report(bench.client, key, parse_fact(fact), "tests", shift)


async def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(bench: Bench) -> None:
    shift = (date(2017, 3, 1) - current_day()).days
    keys = [f"kill{uuid.uuid4().hex[:16]}" for _ in range(12)]

    async def live(key: str) -> Receipt:
        await _report(bench, key, birth("2017-03-01"), shift)
        await _report(bench, key, registered("2017-03-01", 2017), shift)
        return await _report(bench, key, paid("2017-03-01", 2017, amount="150"), shift)

    with bench.worker() as first:
        lives = [asyncio.create_task(live(key)) for key in keys]
        while not any(task.done() for task in lives):
            await asyncio.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.wait()
    with bench.worker():
        receipts = await asyncio.gather(*lives)
        assert [receipt.status for receipt in receipts] == [Status.ENROLLED] * len(keys)
        database = open_registry(Settings(data=bench.folder))
        ledger = Ledger(database)
        for key in keys:
            async with asyncio.timeout(60):
                # A fact can stand in the journal before what follows from it is known.
                while not await ledger.coverage(key) or len(await _levies(bench, key)) < 1:
                    await asyncio.sleep(0.1)
            spans = await ledger.coverage(key)
            assert [(span.starts, span.ends) for span in spans] == [(date(2017, 3, 1), date(2017, 12, 31))]
            handle = bench.client.get_workflow_handle(f"person-{key}")
            assert (await handle.query(PersonLifecycle.coverage, date(2017, 3, 1))).covered == "yes"
            assert [(levy["revision"], levy["state"]) for levy in await _levies(bench, key)] == [(1, "open")]
        await database.close()


async def test_sigterm_finishes_what_is_in_hand(bench: Bench) -> None:
    shift = (date(2017, 3, 1) - current_day()).days
    key = f"term{uuid.uuid4().hex[:16]}"
    with bench.worker() as process:
        await _report(bench, key, birth("2017-03-01", YANSHAN), shift)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


async def test_missing_search_attributes_are_named_and_setup_registers_them(tmp_path: Path) -> None:
    port = free_port()
    with temporal_server(port=port, log=tmp_path / "bare.log"):
        metrics = f"127.0.0.1:{free_port()}"
        environment = {
            **os.environ,
            "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
            "CANBAO_DATA": str(tmp_path),
            "CANBAO_METRICS_ADDRESS": metrics,
        }

        def worker(*arguments: str) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [sys.executable, "worker.py", *arguments],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )

        refused = worker()
        output, _ = await asyncio.to_thread(refused.communicate, timeout=30)
        assert refused.returncode == 2
        assert "lacks the search attributes" in output
        assert "EnrollmentStatus" in output
        assert "--setup" in output
        served = worker("--setup")
        assert served.stdout is not None
        lines = [await asyncio.to_thread(served.stdout.readline) for _ in range(2)]
        assert "areas are scheduled" in lines[0]
        assert "the worker serves" in lines[1]
        async with httpx2.AsyncClient() as reader:
            assert "temporal_worker" in (await reader.get(f"http://{metrics}/metrics")).text
        served.send_signal(signal.SIGTERM)
        await asyncio.to_thread(served.communicate, timeout=30)
        assert served.returncode == 0


async def test_a_worker_serves_the_queues_that_it_is_asked_for(world: World) -> None:
    await world.stop_workers()
    served = workers(
        world.client,
        world.settings.model_copy(update={"tax_calls_per_second": 7}),
        packs=FixedPacks(library()),
        registry=world.ledger,
        reports=world.ledger,
        bureau=world.bureau,
        money=MoneyBooks(world.database),
        feed=NothingBooked(),
        notices=world.board,
        lines=ImportBooks(world.database),
        campaigns=CampaignBooks(world.database),
        queues=[TAX_QUEUE, LIVES_QUEUE],
    )
    async with AsyncExitStack() as stack:
        for worker in served:
            await stack.enter_async_context(worker)
    limits = {worker.task_queue: worker.config().get("max_task_queue_activities_per_second") for worker in served}
    assert limits == {TAX_QUEUE: 7, LIVES_QUEUE: None}
    lives = next(worker for worker in served if worker.task_queue == LIVES_QUEUE)
    assert lives.config().get("disable_eager_activity_execution") is True


def test_a_queue_that_there_is_not_is_refused_with_a_sentence() -> None:
    command = [program("canbao"), "worker", "--queues", "tax,money"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "there is no queue money" in done.stderr) == (2, True)
