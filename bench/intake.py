"""What intake costs: reports through the service beside reports straight to Temporal; files by line and by memory.

The two ways of reporting take turns in one run against one server, one worker process and one registry, with as many
reports under way. The memory of an import is that of a process of its own, whose lives are a stub.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.imports import ImportActivities
from adapters.registry.database import connect_registry, open_registry
from adapters.registry.identities import Identities
from adapters.registry.imports import ImportBooks
from adapters.registry.senders import SenderPeople
from adapters.settings import Settings
from demo.make_samples import id_number
from domain.areas import NATION
from domain.bilingual import Text
from domain.civil_time import current_day
from domain.facts import parse_fact
from domain.imports import ImportPage
from domain.life import Receipt
from domain.senders import Sender, SenderKind
from domain.status import Status
from intake.files.mapping import Mapping
from intake.imports import HandedOver, ImportDesk
from intake.report import report
from sandbox.processes import answers, free_port, program, running
from sandbox.temporal_server import kind_name, temporal_server
from tests.keys import RING
from tests.world import sealing
from workflows.search_attributes import SEARCH_ATTRIBUTES

AT_ONCE = 20
REPORTS = 400
ROUNDS = 5
CHECKED_LINES = 300_000
SENDER = Sender(
    id="bench", name=Text("测", "bench"), kind=SenderKind.BUREAU, area=NATION, reports=("registered", "paid", "birth"),
    reports_per_minute=10**9,
)  # fmt: skip


def measure() -> None:
    """Print the figures of intake."""
    asyncio.run(_measure_reports())
    with tempfile.TemporaryDirectory(prefix="canbao-bench-", dir=Path.cwd()) as name:
        file = _file(Path(name), CHECKED_LINES)
        given = HandedOver(file, SENDER, Mapping(), current_day())
        rates = []
        for _ in range(3):
            start = time.perf_counter()
            checked = given.check()
            rates.append(CHECKED_LINES / (time.perf_counter() - start))
        assert (checked.rows, checked.broken) == (CHECKED_LINES, 0)
        print(f"file check: {statistics.median(rates):,.0f} lines per second (of {_listed(rates, ',.0f')})", flush=True)
    for lines in (10_000, 1_000_000):
        subprocess.run([sys.executable, "-m", "bench.intake", "--import-lines", str(lines)], check=True)


# -- reports --------------------------------------------------------------------------------------------------------


async def _measure_reports() -> None:
    with tempfile.TemporaryDirectory(prefix="canbao-bench-") as name, ExitStack() as stack:
        folder, port, service = Path(name), free_port(), free_port()
        stack.enter_context(
            temporal_server(
                port=port,
                log=folder / "temporal.log",
                database=folder / "temporal.db",
                search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
            )
        )
        senders = folder / "senders" / "bench"
        senders.mkdir(parents=True)
        sender = SENDER.model_copy(update={"area": "130925"}).model_dump_json(exclude={"id"})
        (senders / "sender.yaml").write_text(sender, encoding="utf-8")  # JSON is YAML
        os.environ.update(
            TEMPORAL_ADDRESS=f"127.0.0.1:{port}",
            CANBAO_DATA=name,
            CANBAO_SENDERS=str(senders.parent),
            CANBAO_METRICS_ADDRESS="",
        )
        issued = [program("canbao"), "dev-issuer", "--token", "bench"]
        token = (await asyncio.to_thread(subprocess.check_output, issued, text=True)).strip()
        stack.enter_context(running([program("canbao"), "worker"], folder / "worker.log", lambda: True, "the worker"))
        stack.enter_context(
            running(
                [program("canbao"), "serve", "--port", str(service)],
                folder / "serve.log",
                lambda: answers(service),
                "the service",
            )
        )
        database = open_registry(Settings(data=folder))
        await database.prepare()
        client = sealing(await Client.connect(f"127.0.0.1:{port}"), database.keys)
        headers = {"Authorization": f"Bearer {token}"}
        limits = httpx2.Limits(max_connections=AT_ONCE)
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{service}", headers=headers, limits=limits, timeout=60
        ) as http:
            await _compare(client, http)


async def _compare(client: Client, http: httpx2.AsyncClient) -> None:
    fact = {"type": "registered", "scheme": "resident", "plan_year": 2017, "on": "2016-11-01", "area": "130925"}
    parsed, numbers = parse_fact(fact), _numbers()

    async def straight() -> None:
        receipt = await report(client, f"bench{uuid.uuid4().hex[:20]}", parsed, "bench")
        assert receipt.status is Status.AWAITING_PAYMENT

    async def through() -> None:
        person = {"documents": [{"kind": "id_number", "number": next(numbers)}]}
        answer = await http.post("/v1/reports", json={"person": person, "fact": fact})
        assert answer.json()["status"] == Status.AWAITING_PAYMENT, answer.text

    rates: dict[str, list[float]] = {"straight": [], "through": []}
    for number in range(ROUNDS + 1):
        for kind, one in (("straight", straight), ("through", through)):
            rate = await _rate(one)
            if number:  # the first round of each warms up
                rates[kind].append(rate)
    ratios = [there / here for there, here in zip(rates["through"], rates["straight"], strict=True)]
    print(f"reports straight to Temporal: {statistics.median(rates['straight']):.0f} per second")
    print(f"reports through the service:  {statistics.median(rates['through']):.0f} per second")
    print(f"ratio: {statistics.median(ratios):.2f} (of {_listed(ratios, '.2f')})", flush=True)


async def _rate(one: Callable[[], Awaitable[None]]) -> float:
    places = asyncio.Semaphore(AT_ONCE)

    async def placed() -> None:
        async with places:
            await one()

    start = time.perf_counter()
    await asyncio.gather(*(placed() for _ in range(REPORTS)))
    return REPORTS / (time.perf_counter() - start)


# -- files ----------------------------------------------------------------------------------------------------------


class NoServer:
    """A client that starts nothing."""

    async def start_workflow(self, *_given: Any, **_more: Any) -> None:
        return None


async def _import(lines: int) -> None:
    """Take a file and carry it to lives that are a stub; print the time of each part, and the memory of all."""
    with tempfile.TemporaryDirectory(prefix="canbao-bench-", dir=Path.cwd()) as name:
        file = _file(Path(name), lines)
        database = connect_registry(f"sqlite:///{name}/registry.db", RING)
        await database.prepare()
        books = ImportBooks(database)
        client: Any = NoServer()
        desk = ImportDesk(client, Identities(database, b"b" * 32), books, SenderPeople(database))
        given = HandedOver(file, SENDER, Mapping(), current_day())
        start = time.perf_counter()
        checked = given.check()
        after_check = time.perf_counter()
        import_id = await desk.take(given, checked)
        after_taking = time.perf_counter()
        carried = await _carry(ImportActivities(books, _judged), import_id)
        end = time.perf_counter()
        await database.close()
        assert carried == lines
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"import of {lines:,} lines: {memory:.0f} MB at most; checked in {after_check - start:.1f} s, written down "
            f"in {after_taking - after_check:.1f} s, carried in {end - after_taking:.1f} s",
            flush=True,
        )


async def _carry(activities: ImportActivities, import_id: str) -> int:
    environment, page, carried = ActivityEnvironment(), ImportPage(import_id=import_id, sender="bench", after=0), 0
    while (done := await environment.run(activities.carry, page)).after:
        carried += done.taken
        page.after = done.after
    return carried


async def _judged(person: str, fact: str, sender: str) -> Receipt:
    return Receipt(fact="f", person=person, recorded_on=date(2026, 11, 22), status=Status.AWAITING_PAYMENT)


def _numbers() -> Iterator[str]:
    """ID numbers, each once."""
    day = date(1940, 1, 1).toordinal()
    while True:
        for serial in range(1000):
            yield id_number(date.fromordinal(day).isoformat(), serial)
        day += 1


def _file(folder: Path, lines: int) -> Path:
    """A village's collection, as agents hand it over: everybody another person and payment."""
    file, numbers = folder / "facts.csv", _numbers()
    with file.open("w", encoding="gb18030") as opened:
        opened.write("事件编号,身份证号,姓名,统筹区,事项,发生日期,险种,年度,金额,缴费类型\n")
        for number in range(lines):
            day = f"2026-10-{1 + number % 28:02d}"
            opened.write(f"e{number},{next(numbers)},张三,130925,缴费,{day},居民,2027,400.00,个人\n")
    return file


def _listed(figures: list[float], form: str) -> str:
    return ", ".join(format(figure, form) for figure in figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--import-lines", type=int)
    wanted = parser.parse_args().import_lines
    if wanted:
        asyncio.run(_import(wanted))
    else:
        measure()
