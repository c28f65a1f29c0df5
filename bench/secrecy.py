"""What sealing costs: processor time per report with and without it, payloads a codec server opens, memory of keys."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext

from adapters.keys.ciphers import Cipher
from adapters.keys.data_keys import HELD, DataKeys, StoredKey
from adapters.payload_codec import SealingCodec
from adapters.registry.database import open_registry
from adapters.registry.tables import Person
from adapters.settings import Settings
from bench.__main__ import newborn
from domain.civil_time import current_day
from intake.report import report
from sandbox.dev_issuer import DevelopmentIssuer
from sandbox.processes import answers, free_port, program, running
from sandbox.temporal_server import kind_name, temporal_server
from tests.codec import SAMPLES
from tests.keys import RingInMemory
from tests.world import World, sealing
from worker import plugin
from workflows.names import person_of
from workflows.search_attributes import SEARCH_ATTRIBUTES

PEOPLE, ROUNDS, AT_ONCE = 40, 15, 10
KINDS = ("plain", "sealed")
# What a report has set going is over after this.
SETTLING = 1.0
REPORTS = len(newborn())
REQUESTS, PAYLOADS, ASKING = 400, 20, 4
"""Of the codec server: as many as a page of a life's history asks for, by as many operators."""


async def _reports() -> None:
    """Lives in turns by two worker processes, one that seals and one that does not, in a namespace each."""
    with tempfile.TemporaryDirectory(prefix="canbao-bench-") as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        attributes = [(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES]
        address = f"127.0.0.1:{port}"
        stack.enter_context(
            temporal_server(
                port=port, log=folder / "temporal.log", namespaces=list(KINDS), search_attributes=attributes
            )
        )
        workers = {}
        for kind in KINDS:
            (folder / kind).mkdir()
            command = [sys.executable, "-m", "bench.secrecy", "--worker", kind, "--at", address, "--data", name]
            ready = (folder / kind / "serves").exists
            workers[kind] = stack.enter_context(running(command, folder / f"{kind}.log", ready, f"the {kind} worker"))
        clients = {kind: await _client(kind, address, folder) for kind in KINDS}
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(ROUNDS + 1):
            for kind in KINDS:
                spent = await _spent(clients[kind], workers[kind].pid)
                if number:  # the first round of each warms up
                    times[kind].append(spent)
        more = [sealed / plain - 1 for sealed, plain in zip(times["sealed"], times["plain"], strict=True)]
        plain, sealed = (statistics.median(times[kind]) * 1000 for kind in KINDS)
        print(
            f"processor time of a worker per report: {plain:.2f} ms plain, {sealed:.2f} ms sealed: "
            f"{statistics.median(more):+.1%} ({', '.join(f'{ratio:+.1%}' for ratio in sorted(more))})"
        )


async def _client(kind: str, address: str, folder: Path) -> Client:
    """A client that seals with the keys of a folder, or one that does not seal."""
    client = await Client.connect(address, namespace=kind)
    if kind == "plain":
        return Client(client.service_client, namespace=kind, plugins=[plugin(None)])
    return sealing(client, open_registry(Settings(data=folder / kind)).keys)


async def _work(kind: str, address: str, folder: Path) -> None:
    """A worker process of a kind, until it is asked to end."""
    client = await Client.connect(address, namespace=kind)
    async with World.running(client, folder / kind) as world:
        if kind == "plain":
            await world.stop_workers()
            await world.start_workers(client=await _client(kind, address, folder))
        (folder / kind / "serves").touch()
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        await stopped.wait()


async def _spent(client: Client, worker: int) -> float:
    """Processor seconds that a worker spends on each report of some newborns."""
    places = asyncio.Semaphore(AT_ONCE)
    shift = (newborn()[0].known_on - current_day()).days

    async def live(key: str) -> None:
        async with places:
            for fact in newborn():
                await report(client, key, fact, "bench", shift)

    start = _processor_time(worker)
    await asyncio.gather(*(live(f"bench{uuid.uuid4().hex[:20]}") for _ in range(PEOPLE)))
    await asyncio.sleep(SETTLING)
    return (_processor_time(worker) - start) / (PEOPLE * REPORTS)


def _processor_time(process: int) -> float:
    """Seconds that a process has spent, its own and the system's for it."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _codec_server() -> None:
    """A codec server as a process, asked for the payloads of a life's page again and again."""
    with tempfile.TemporaryDirectory(prefix="canbao-bench-") as name:
        folder, port = Path(name), free_port()
        settings = Settings(data=folder)
        issuer = DevelopmentIssuer(os.urandom(32), settings.token_issuer, settings.token_audience)
        issuer.publish(Path(settings.key_set_address))
        database = open_registry(settings)
        await database.prepare()
        key = "bench"
        await database.transaction(lambda session: session.add(Person(key=key, area="130925")))
        codec = SealingCodec(database.keys, person_of).with_context(
            WorkflowSerializationContext("default", f"person-{key}")
        )
        sealed = await codec.encode([Payload(metadata={"encoding": b"json/plain"}, data=os.urandom(800))] * PAYLOADS)
        environment = {"CANBAO_DATA": name, "CANBAO_OPERATORS": str(SAMPLES / "operators.yaml")}
        os.environ.update(environment)
        command = [program("canbao"), "codec", "--port", str(port)]
        with running(command, folder / "codec.log", lambda: answers(port), "the codec server"):
            headers = {"Authorization": f"Bearer {issuer.token('yanshan-clerk')}"}
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as http:
                for count in (PAYLOADS, 1):
                    body = json_format.MessageToJson(Payloads(payloads=sealed[:count])).encode()
                    print(f"codec server, {count} in a request: {await _opened(http, body, count):.0f} payloads/s")
        await database.close()


async def _opened(http: httpx2.AsyncClient, body: bytes, count: int) -> float:
    """Payloads a second."""

    async def ask(requests: int) -> None:
        for _ in range(requests):
            (await http.post("/decode", content=body)).raise_for_status()

    await ask(10)
    start = time.perf_counter()
    await asyncio.gather(*(ask(REQUESTS // ASKING) for _ in range(ASKING)))
    return REQUESTS * count / (time.perf_counter() - start)


class _EveryKey:
    """A store that keeps nothing: whatever is asked for is new."""

    async def keep(self, key: StoredKey) -> StoredKey:
        return key


async def _keys() -> None:
    """Resident memory of the keys that a process may hold."""
    ring = RingInMemory(Cipher.AES)
    store: Any = _EveryKey()
    keys = DataKeys(ring, store)
    await keys.writing("person-first")
    gc.collect()
    before = _resident()
    for number in range(HELD):
        await keys.writing(f"person-{number:024}")
    gc.collect()
    print(f"{HELD} cached keys: {(_resident() - before) / 1024:.1f} MB")


def _resident() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", action="store_true")
    parser.add_argument("--worker", choices=KINDS)
    parser.add_argument("--at")
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    if asked.worker:
        asyncio.run(_work(asked.worker, asked.at, asked.data))
    elif asked.keys:
        asyncio.run(_keys())
    else:
        # A process of its own, whose memory nothing else has used before.
        subprocess.run([sys.executable, "-m", "bench.secrecy", "--keys"], check=True)
        asyncio.run(_codec_server())
        asyncio.run(_reports())


if __name__ == "__main__":
    main()
