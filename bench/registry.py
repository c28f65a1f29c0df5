"""What the registry costs: writing an assessment, cover among a million people, a statement of a million lines.

Both databases as they are run for real: SQLite syncs every transaction, PostgreSQL is started durable.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from activities.reconciliation import compare
from adapters.registry.database import Database, connect_registry
from adapters.registry.ledger import Ledger
from adapters.registry.money import MoneyBooks
from adapters.registry.reader import Reader
from adapters.registry.schema import Schema
from domain.bilingual import Text
from domain.life import Conclusion, CoverageChange, EffectKind, Interval, Record, Slot
from domain.reconciliation import StatementLine, StatementPage
from domain.status import Status
from sandbox.postgresql_server import postgresql_server
from tests.keys import RING

RECORDS = 3000
AT_ONCE = 20
PEOPLE = 1_000_000
LINES = 1_000_000
LOOK_UPS = 2000
DAY = date(2017, 3, 1)
WHY = Text("新生儿按期参保,自出生之日起享受待遇", "a newborn who was enrolled in the window is covered from birth")


async def measure() -> None:
    """Print the registry's figures."""
    with tempfile.TemporaryDirectory(prefix="canbao-bench-", dir=Path.cwd()) as name:
        await _measure("SQLite", f"sqlite:///{name}/registry.db")
    with postgresql_server(durable=True) as address:
        await _measure("PostgreSQL", address)


async def _measure(what: str, address: str) -> None:
    database = connect_registry(address, RING, AT_ONCE)
    await database.on_schema(Schema.upgrade)
    try:
        await _write(what, Ledger(database))
        await _fill(database)
        await _look_up(what, Reader(database))
        await _reconcile(what, MoneyBooks(database))
    finally:
        await database.close()


async def _write(what: str, ledger: Ledger) -> None:
    """Assessments of different people, some at once, as a worker writes them."""
    for round_ in range(2):  # the first warms up
        start = time.perf_counter()
        await _at_once(lambda number: ledger.record(_record(f"{round_}-{number}")), RECORDS)  # noqa: B023
    print(f"{what}: {RECORDS / (time.perf_counter() - start):.0f} assessments written a second")


def _record(person: str) -> Record:
    levy = '{"scheme":"resident","area":"130925","plan_year":2017,"part":"basic","amount":"150","due":"2017-05-31"}'
    cover = Interval(id="a", scheme="resident", area="130925", starts=DAY, ends=date(2017, 12, 31), because=WHY)
    return Record(
        person=person,
        after=0,
        sequence=1,
        recorded_on=DAY,
        status=Status.ENROLLED,
        area="130925",
        facts={
            "f1": '{"on":"2017-03-01","area":"130925","type":"registered","scheme":"resident","plan_year":2017}',
            "f2": '{"on":"2017-03-01","type":"paid","scheme":"resident","plan_year":2017,"amount":"150"}',
        },
        senders={"f1": "hospital", "f2": "tax bureau"},
        coverage=[CoverageChange(added=cover)],
        conclusions=[Conclusion(id="c1", rule="newborn", outcome=WHY, as_of=DAY, pack="130925/2017", sources=["S001"])],
        parked=[],
        slots={"levy/resident/130925/2017/basic": Slot(kind=EffectKind.LEVY, digest="d", payload=levy)},
    )


_NUMBERED = f"WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {PEOPLE - 1}) "
_FILLING = (
    "INSERT INTO person (key, sequence, digest, status, area, parked, claw_backs) "
    f"{_NUMBERED} SELECT 'p' || (n + {PEOPLE}), 1, '', 'enrolled', '130925', '[]', '[]' FROM n",
    "INSERT INTO coverage (person, interval, scheme, area, starts, ends, share, service, because_zh, because_en, "
    f"recorded_sequence, recorded_on) {_NUMBERED} SELECT 'p' || (n + {PEOPLE}), 'a', 'resident', '130925', "
    "DATE '2017-01-01', DATE '2017-12-31', '1', '', '', '', 1, DATE '2017-01-01' FROM n",
    "INSERT INTO payment (person, fact_id, scheme, area, plan_year, kind, payer, amount, paid_on, arrived_on, "
    f"recorded_sequence, recorded_on) {_NUMBERED} SELECT 'p' || (n + {PEOPLE}), 'tax:m' || (n + {PEOPLE}), 'resident', "
    "'130925', 2017, 'individual', 'person', 15000, DATE '2017-03-01', DATE '2017-03-01', 1, DATE '2017-03-01' FROM n",
    "ANALYZE",
)


async def _fill(database: Database) -> None:
    """A million people with a year of cover and a payment each, that arrived on one day."""

    def fill(session: Session) -> None:
        for statement in _FILLING:
            # SQLite keeps dates as text, and knows no literals of them.
            said = statement if database.dialect == "postgresql" else statement.replace("DATE '", "'")
            session.connection().execute(text(said))

    await database.transaction(fill)


async def _look_up(what: str, reader: Reader) -> None:
    chosen = random.Random(7)
    times = []
    for _ in range(LOOK_UPS):
        person = f"p{PEOPLE + chosen.randrange(PEOPLE)}"
        start = time.perf_counter()
        assert await reader.coverage_on(person, DAY + timedelta(days=100))
        times.append(time.perf_counter() - start)
    middle, slow = statistics.median(times) * 1000, statistics.quantiles(times, n=100)[98] * 1000
    print(f"{what}: cover of a day among {PEOPLE:,} people: {middle:.2f} ms (99 of 100: {slow:.2f} ms)")


class Listed:
    """A statement of a million lines, one of which is a fen short, from no bureau at all."""

    async def statement(self, day: date, after: int = 0) -> StatementPage:
        numbers = range(after, min(after + 5000, LINES))
        rows = [
            {
                "number": number + 1,
                "kind": "payment",
                "id": f"m{PEOPLE + number}",
                "reference": f"p{PEOPLE + number}/levy/resident/130925/2017/basic",
                "area": "130925",
                "amount": "150" if number else "149.99",
                "agent": f"bank-{number % 50}",
                "receipt": f"r{number:07}",
            }
            for number in numbers
        ]
        lines = [StatementLine.model_validate(row) for row in rows]
        return StatementPage.model_construct(count=LINES, amount=0, lines=lines)


async def _reconcile(what: str, books: MoneyBooks) -> None:
    before = _peak()
    start = time.perf_counter()
    found = await compare(DAY, Listed(), books, lambda _count: None)
    took = time.perf_counter() - start
    assert [item.cause for item in found.found] == ["amount"], found.found[:3]
    print(
        f"{what}: a statement of {LINES:,} lines reconciled in {took:.0f} s; "
        f"at most {_peak():.0f} MB resident ({before:.0f} MB before)"
    )


def _peak() -> float:
    """MB of memory that this process has held at most."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def _at_once(call: Callable[[int], Awaitable[Any]], count: int) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await call(number)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(measure())
