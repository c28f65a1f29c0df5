"""The tax bureau's statement against the ledger: what agrees, what does not and why, and how it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from activities.reconciliation import compare
from adapters.registry.database import Database
from adapters.registry.feeds import Feeds
from adapters.registry.ledger import Ledger
from adapters.registry.money import MoneyBooks
from adapters.tax.client import SandboxClient
from cli.schedules import RECONCILIATION, schedule_reconciliation
from domain.errors import Refused
from domain.facts import Fact
from domain.life import Receipt, Record
from domain.money import Money, fen
from domain.reconciliation import Found, ReconciliationOrder, StatementLine, StatementPage
from domain.status import Status
from intake.tax_payments import PaymentDesk
from tests.bureau import BureauProcess
from tests.facts import YANSHAN, birth, registered
from tests.test_tax_bureau import ORDER
from tests.world import World

DAY = date(2017, 3, 2)


@pytest_asyncio.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    process = BureauProcess(tmp_path)
    process.start()
    try:
        async with SandboxClient(process.address) as client:
            yield client
    finally:
        process.stop()


class Journal:
    """Lives that take every payment and write it to the ledger, and do nothing else."""

    def __init__(self, database: Database) -> None:
        self.ledger = Ledger(database)
        self.positions: dict[str, int] = {}

    async def report(self, person: str, fact: Fact) -> Receipt:
        if f"{person}{fact.fact_id}" not in self.positions:
            self.positions[f"{person}{fact.fact_id}"] = 1
            await self.write(person, {fact.fact_id: fact.model_dump_json(exclude_defaults=True)})
        return Receipt(fact=fact.fact_id, person=person, recorded_on=DAY, status=Status.ENROLLED)

    async def write(self, person: str, facts: dict[str, str]) -> None:
        after = self.positions.get(person, 0)
        self.positions[person] = after + 1
        record = {"person": person, "after": after, "sequence": after + 1, "recorded_on": DAY, "facts": facts}
        empty: dict[str, object] = {"coverage": [], "conclusions": [], "parked": [], "slots": {}}
        await self.ledger.record(Record.model_validate({**record, "status": "enrolled", "area": "130925", **empty}))


async def _paid(bureau: SandboxClient, person: str, payment: str, **more: str) -> None:
    reference = f"{person}/levy/resident/130925/2017/basic"
    await bureau.issue_levy(reference, 1, ORDER)
    await bureau.pay(reference, payment, "150", DAY, DAY, **more)


async def _differences(bureau: SandboxClient, books: MoneyBooks, day: date = DAY) -> dict[str, Found]:
    comparison = await compare(day, bureau, books, lambda _count: None)
    await books.keep_day(day, comparison.areas, comparison.agents, comparison.found, day + timedelta(days=1))
    return {item.movement: item for item in comparison.found}


async def test_headcount_money_and_receipts_of_every_agent_agree(bureau: SandboxClient, database: Database) -> None:
    books, journal = MoneyBooks(database), Journal(database)
    desk = PaymentDesk(bureau, Feeds(database), books, journal.report)
    for number in range(5):
        await journal.write(f"p{number}", {})
        agent = {"channel": "bank", "agent": "bank-1" if number < 3 else "school-2"}
        await _paid(bureau, f"p{number}", f"m{number}", **agent)
    assert {item.cause for item in (await _differences(bureau, books)).values()} == {"late"}
    assert len(await books.differences("130000", limit=2)) == 2
    first = await books.differences("130000", limit=2)
    rest = await books.differences("130000", after=f"{first[-1].day}/{first[-1].movement}")
    assert [row.movement for row in [*first, *rest]] == [f"m{number}" for number in range(5)]
    await desk.pull()
    assert await _differences(bureau, books) == {}
    assert await books.differences("130000") == [], "closed by the rule that both sides agree"
    agents = await books.agents(DAY)
    assert {name: (row.heads, row.receipts, row.amount) for name, row in agents.items()} == {
        "bank-1": (3, 3, 45000),
        "school-2": (2, 2, 30000),
    }
    assert all((row.ledger_heads, row.ledger_amount) == (row.heads, row.amount) for row in agents.values())


async def test_every_difference_has_its_cause(bureau: SandboxClient, database: Database) -> None:
    books, journal = MoneyBooks(database), Journal(database)
    desk = PaymentDesk(bureau, Feeds(database), books, journal.report)
    for number in range(40):
        await journal.write(f"p{number:02}", {})
        await _paid(bureau, f"p{number:02}", f"m{number:02}")
    await _paid(bureau, "stranger", "lost")
    await desk.pull()
    assert {name: item.cause for name, item in (await _differences(bureau, books)).items()} == {"lost": "unknown_payer"}
    await bureau.misbehave(seed=3, dropped_lines=0.2, wrong_lines=0.2)
    found = await _differences(bureau, books)
    causes = {item.cause for item in found.values()}
    assert {"not_in_statement", "amount"} <= causes
    wrong = [item for item in found.values() if item.cause == "amount"]
    assert {(item.statement_amount, item.ledger_amount) for item in wrong} == {(14999, 15000)}
    await bureau.misbehave()
    assert list(await _differences(bureau, books)) == ["lost"]
    await desk.assign("lost", "p00", DAY, "clerk-7")
    assert await _differences(bureau, books) == {}


async def test_an_operator_closes_a_difference_and_it_stays_closed(bureau: SandboxClient, database: Database) -> None:
    books, journal = MoneyBooks(database), Journal(database)
    await journal.write("p1", {})
    await _paid(bureau, "p1", "m1")
    await _differences(bureau, books)
    await books.close_difference(DAY, "m1", DAY, "clerk-7", "handed to the bank")
    with pytest.raises(Refused, match="no difference"):
        await books.close_difference(DAY, "m1", DAY, "clerk-7", "again")
    await _differences(bureau, books)
    assert await books.differences("130000") == []


class Listed:
    """A statement of a test's own."""

    def __init__(self, *lines: StatementLine) -> None:
        self.lines = list(lines)

    async def statement(self, day: date, after: int = 0) -> StatementPage:
        total: Money = sum(line.signed for line in self.lines)
        rest = [line for line in self.lines if line.number > after]
        return StatementPage.model_construct(count=len(self.lines), amount=total, lines=rest[:2])


def _line(number: int, name: str, kind: str = "payment", **more: str) -> StatementLine:
    whole = {"number": number, "kind": kind, "id": name, "reference": "p1/levy/a", "area": "130925", "amount": "150"}
    return StatementLine.model_validate({**whole, "agent": "bank-1", "receipt": name, **more})


async def test_a_line_that_is_listed_twice_and_receipts_that_are_missing(database: Database) -> None:
    books, journal = MoneyBooks(database), Journal(database)
    paid = '{"type":"paid","on":"2017-03-02","scheme":"resident","plan_year":2017,"amount":"150"}'
    await journal.write("p1", {"tax:a": paid, "tax:b": paid})
    twice = Listed(_line(1, "a"), _line(2, "b", receipt="a"), _line(3, "a"))
    comparison = await compare(DAY, twice, books, lambda _count: None)
    assert {item.movement: item.cause for item in comparison.found} == {
        "a#3": "duplicate_line",
        "agent/bank-1": "receipts",
    }
    assert comparison.areas["130925"].statement_count == 3
    assert comparison.areas["130925"].ledger_count == 2


async def test_money_that_two_lives_have_taken_differs(database: Database) -> None:
    books, journal = MoneyBooks(database), Journal(database)
    paid = '{"type":"paid","on":"2017-03-02","scheme":"resident","plan_year":2017,"amount":"150"}'
    await journal.write("p1", {"tax:a": paid})
    await journal.write("p2", {"tax:a": paid})
    (found,) = (await compare(DAY, Listed(_line(1, "a")), books, lambda _count: None)).found
    assert (found.cause, found.statement_amount, found.ledger_amount) == ("amount", 15000, 30000)


async def test_a_correction_of_ours_does_not_make_money_vanish(database: Database) -> None:
    books, journal = MoneyBooks(database), Journal(database)
    paid = '{"type":"paid","on":"2017-03-02","scheme":"resident","plan_year":2017,"amount":"150"}'
    await journal.write("p1", {"tax:a": paid})
    await journal.write("p1", {"operation-1": paid.replace("2017,", '2018,"corrects":"tax:a",')})
    assert (await compare(DAY, Listed(_line(1, "a")), books, lambda _count: None)).found == []


async def test_days_without_money_are_passed_and_recent_days_are_looked_at_again(database: Database) -> None:
    books = MoneyBooks(database)
    first = date(2017, 9, 1)
    assert await books.days_to_reconcile(first, 5) == [first]
    await books.keep_day(first, {}, {}, [], first)
    later = [first + timedelta(days=number) for number in range(1, 6)]
    asked = await books.days_to_reconcile(first + timedelta(days=40), 5)
    assert asked == later, "after an outage the oldest come first"
    for day in later:
        await books.keep_day(day, {}, {}, [], day)
    assert (await books.days_to_reconcile(first + timedelta(days=40), 5))[0] == first + timedelta(days=6)
    assert await books.days_to_reconcile(later[-1], 5) == later[-3:]


async def test_money_that_went_out_is_compared_too(database: Database) -> None:
    books, journal = MoneyBooks(database), Journal(database)
    slot = "refund/resident/130925/2017/person"
    back = _line(1, f"p1/{slot}", "refund", reference=f"p1/{slot}")
    found = (await compare(DAY, Listed(back), books, lambda _count: None)).found
    assert [item.cause for item in found] == ["late"]
    confirmed = '{"type":"refund_confirmed","on":"2017-03-02","scheme":"resident","plan_year":2017,"amount":"150"}'
    await journal.write("p1", {f"{slot}/1/refund_confirmed/1": confirmed})
    comparison = await compare(DAY, Listed(back), books, lambda _count: None)
    assert comparison.found == []
    assert comparison.areas["130925"].ledger_amount == -fen("150")


# -- on the server ----------------------------------------------------------------------------------------------------


async def test_a_morning_learns_of_late_money_and_finds_both_sides_agreed(world: World, bureau: SandboxClient) -> None:
    key = await world.live([birth("2017-03-01"), registered("2017-03-01", 2017)])
    reference = f"{key}/levy/resident/{YANSHAN}/2017/basic"
    await bureau.issue_levy(reference, 1, ORDER)
    await bureau.pay(reference, "late-1", "150", date(2017, 3, 1), date(2017, 3, 1))
    books = MoneyBooks(world.database)
    desk = PaymentDesk(bureau, Feeds(world.database), books, world.report)
    await world.stop_workers()
    await bureau.misbehave(away=True)
    await world.start_workers(bureau=bureau, feed=desk)
    name = f"{RECONCILIATION}-{key}"
    world.cases.append(name)
    handle = await world.client.start_workflow(
        "Reconciliation",
        ReconciliationOrder(until=date(2017, 3, 1)),
        id=name,
        task_queue="canbao-lives",
        result_type=ReconciliationOrder,
    )
    await asyncio.sleep(1)
    await bureau.misbehave()
    await world.pass_days(handle, 1)
    order = await handle.result()
    assert [(item.day, item.count, item.amount, item.agreed) for item in order.outcomes] == [
        (date(2017, 3, 1), 1, 15000, True)
    ]
    assert await world.ledger.coverage(key)
    (account,) = await books.accounts(key)
    assert (account.paid, account.credited, account.refunded, account.held) == (15000, 15000, 0, 0)


async def test_the_schedule_is_made_once_and_brought_up_to_date(world: World) -> None:
    await schedule_reconciliation(world.client)
    await schedule_reconciliation(world.client)
    try:
        described = await world.client.get_schedule_handle(RECONCILIATION).describe()
        assert described.schedule.spec.time_zone_name == "Asia/Shanghai"
        assert len(described.info.next_action_times) > 0
    finally:
        await world.client.get_schedule_handle(RECONCILIATION).delete()
