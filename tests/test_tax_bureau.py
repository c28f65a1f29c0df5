"""The tax bureau's client against the sandbox bureau as a real process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio
from sqlmodel import Session

from adapters.registry.database import Database
from adapters.registry.feeds import Feeds
from adapters.registry.money import MoneyBooks
from adapters.registry.tables import Person
from adapters.tax.client import Payment, SandboxClient
from domain.errors import Refused, Unavailable
from domain.facts import Fact
from domain.life import Receipt
from domain.status import Status
from intake.tax_payments import PaymentDesk
from sandbox.processes import answers, free_port, program, running
from sandbox.tax_bureau.app import contract
from tests.bureau import BureauProcess

ORDER = (
    '{"scheme":"resident","area":"130925","plan_year":2017,'
    '"part":"basic","basis":"individual","amount":"150","due":null}'
)
DEARER = ORDER.replace("150", "180")
REFERENCE = "abc/levy/resident/130925/2017/basic"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("bureau")
    port = free_port()
    command = [program("canbao"), "tax-sandbox", "--port", str(port), "--data", str(folder)]
    with running(command, folder / "bureau.log", lambda: answers(port), "the tax sandbox"):
        yield f"http://127.0.0.1:{port}"


@pytest_asyncio.fixture
async def bureau(address: str) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(address) as client:
        yield client


def _reference(name: str) -> str:
    return f"{name}/levy/resident/130925/2017/basic"


async def _pay(bureau: SandboxClient, reference: str, payment: str, amount: str = "150") -> None:
    await bureau.pay(reference, payment, amount, date(2017, 3, 1), date(2017, 3, 2))


async def test_one_payment_however_often_it_is_sent(bureau: SandboxClient) -> None:
    reference = _reference("once")
    await bureau.issue_levy(reference, 1, ORDER)
    await bureau.issue_levy(reference, 1, ORDER)
    await _pay(bureau, reference, "pay-once")
    await _pay(bureau, reference, "pay-once")
    mine = [payment for payment in await bureau.payments(0) if payment.reference == reference]
    assert [(payment.person, payment.amount, payment.arrived_on) for payment in mine] == [
        ("once", "150", date(2017, 3, 2))
    ]


async def test_a_higher_revision_replaces_and_a_lower_one_is_refused(bureau: SandboxClient) -> None:
    reference = _reference("revised")
    await bureau.issue_levy(reference, 2, DEARER)
    with pytest.raises(Refused, match="revision 2"):
        await bureau.issue_levy(reference, 1, ORDER)
    await bureau.cancel_levy(reference, 2)
    with pytest.raises(Refused, match="cancelled"):
        await _pay(bureau, reference, "pay-cancelled")
    await bureau.issue_levy(reference, 3, DEARER)
    await _pay(bureau, reference, "pay-revised", "180")
    with pytest.raises(Refused, match="already paid"):
        await bureau.cancel_levy(reference, 3)


async def test_cancelling_what_was_never_issued_is_no_error(bureau: SandboxClient) -> None:
    await bureau.cancel_levy(_reference("never"), 1)


@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "much"])
async def test_an_amount_that_is_none_is_refused(bureau: SandboxClient, amount: str) -> None:
    with pytest.raises(Refused, match="422"):
        await bureau.issue_levy(_reference("amount"), 1, ORDER.replace("150", amount))


async def test_a_bureau_that_is_not_there_is_unavailable() -> None:
    async with SandboxClient(f"http://127.0.0.1:{free_port()}") as nobody:
        with pytest.raises(Unavailable, match="does not answer"):
            await nobody.issue_levy(REFERENCE, 1, ORDER)


@pytest_asyncio.fixture
async def own_bureau(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    """A bureau with empty books."""
    process = BureauProcess(tmp_path)
    process.start()
    try:
        async with SandboxClient(process.address) as client:
            yield client
    finally:
        process.stop()


async def test_each_payment_is_reported_once_and_again_after_a_crash(
    own_bureau: SandboxClient, database: Database
) -> None:
    books, told = MoneyBooks(database), list[str]()
    await database.transaction(_know("known"))

    async def report(person: str, fact: Fact) -> Receipt:
        if fact.fact_id == "tax:2" and "crashed" not in told:
            told.append("crashed")
            raise Unavailable("no worker answered")
        if fact.fact_id == "tax:3":
            raise Refused("the life does not admit it")
        told.append(fact.fact_id)
        return Receipt(fact=fact.fact_id, person=person, recorded_on=date(2017, 3, 2), status=Status.ENROLLED)

    desk = PaymentDesk(own_bureau, Feeds(database), books, report)
    for reference, name in ((_reference("known"), "1"), (_reference("known"), "2"), (_reference("known"), "3")):
        await own_bureau.issue_levy(reference, 1, ORDER)
        await _pay(own_bureau, reference, name)
    await own_bureau.issue_levy(_reference("nobody"), 1, ORDER)
    await _pay(own_bureau, _reference("nobody"), "4")
    with pytest.raises(Unavailable):
        await desk.pull()
    count, held = await desk.pull()
    assert count == 4
    assert told == ["tax:1", "crashed", "tax:1", "tax:2"]
    assert [line.partition(":")[0] for line in held] == ["3", "4"]
    assert await desk.pull() == (0, [])
    assert {row.payment: row.cause for row in await books.suspense("000000")} == {"3": "refused", "4": "unknown_payer"}
    await desk.assign("4", "known", date(2017, 3, 5), "clerk-7")
    assert told[-1] == "tax:4"
    assert [row.payment for row in await books.suspense("130000")] == ["3"]
    await database.transaction(_know("somebody-else", "nobody"))
    with pytest.raises(Refused, match="in suspense"):
        await desk.assign("4", "somebody-else", date(2017, 3, 5), "clerk-7")
    again = [payment for payment in await own_bureau.payments(0) if payment.id == "4"]
    await desk.take_all(again)
    assert told.count("tax:4") == 1, "it belongs to somebody, whoever is known by now"


async def test_money_in_suspense_is_taken_by_its_life_once_that_is_known(
    own_bureau: SandboxClient, database: Database
) -> None:
    books, told = MoneyBooks(database), list[str]()

    async def report(person: str, fact: Fact) -> Receipt:
        told.append(person)
        return Receipt(fact=fact.fact_id, person=person, recorded_on=date(2017, 3, 2), status=Status.ENROLLED)

    desk = PaymentDesk(own_bureau, Feeds(database), books, report)
    await own_bureau.issue_levy(_reference("late"), 1, ORDER)
    await _pay(own_bureau, _reference("late"), "1")
    pushed = await own_bureau.payments(0)
    await desk.take_all(pushed)
    assert [row.payment for row in await books.suspense("000000")] == ["1"]
    await database.transaction(_know("late"))
    await desk.pull()
    assert told == ["late"]
    assert await books.suspense("000000") == []
    with pytest.raises(Refused, match="in suspense"):
        await books.claim("1", date(2017, 3, 5), "clerk-7", "returned: to the payer")


@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "much"])
async def test_an_amount_that_is_none_is_held_and_not_dropped(
    bureau: SandboxClient, database: Database, amount: str
) -> None:
    books = MoneyBooks(database)
    await database.transaction(_know("known"))

    async def nobody(person: str, fact: Fact) -> Receipt:
        raise AssertionError("no life is told of this")

    desk = PaymentDesk(bureau, Feeds(database), books, nobody)
    year = {"scheme": "resident", "area": "130925", "plan_year": 2017, "cursor": 1}
    days = {"paid_on": "2017-03-01", "arrived_on": "2017-03-01"}
    odd = Payment.model_validate({"id": "odd", "reference": _reference("known"), "amount": amount, **year, **days})
    assert await desk.take(odd) is not None
    assert await desk.take(odd) is not None
    (row,) = await books.suspense("130925")
    assert (row.cause, row.amount) == ("bad_amount", amount)


def _know(*people: str) -> Callable[[Session], None]:
    def write(session: Session) -> None:
        session.add_all(Person(key=name) for name in people)

    return write


# -- money ------------------------------------------------------------------------------------------------------------


async def _state(bureau: SandboxClient, name: str) -> str:
    (levy,) = [levy async for levy in bureau.levies(name)]
    return levy.state


async def test_money_in_part_too_much_and_twice_is_booked(bureau: SandboxClient) -> None:
    reference = _reference("parts")
    await bureau.issue_levy(reference, 1, ORDER)
    await _pay(bureau, reference, "part-1", "100")
    assert await _state(bureau, "parts") == "open"
    await _pay(bureau, reference, "part-2", "60")
    assert await _state(bureau, "parts") == "paid"
    await _pay(bureau, reference, "part-3", "150")
    mine = [payment for payment in await bureau.payments(0) if payment.person == "parts"]
    assert [payment.amount for payment in mine] == ["100", "60", "150"]


async def test_cash_of_an_agent_is_booked_even_for_a_cancelled_levy_and_arrives_a_day_later(
    bureau: SandboxClient,
) -> None:
    reference = _reference("cash")
    await bureau.issue_levy(reference, 1, ORDER)
    await bureau.cancel_levy(reference, 1)
    line = {"reference": reference, "id": "cash-1", "amount": "150", "paid_on": "2017-03-01"}
    await bureau.post_batch([{**line, "channel": "village_agent", "agent": "village-7"}])
    (mine,) = [payment for payment in await bureau.payments(0) if payment.person == "cash"]
    assert (mine.agent, mine.arrived_on, mine.receipt) == ("village-7", date(2017, 3, 2), "village-7-cash-1")


# -- idempotency and faults -------------------------------------------------------------------------------------------


async def test_a_key_that_stands_for_another_request_is_refused(address: str) -> None:
    body = {**json.loads(ORDER), "revision": 1}
    async with httpx2.AsyncClient(base_url=address, headers={"Idempotency-Key": "key-1"}) as http:
        path = f"/v1/levies/{quote(_reference('key'), safe='')}"
        assert (await http.put(path, json=body)).status_code == 204
        assert (await http.put(path, json=body)).status_code == 204
        other = await http.put(path, json={**body, "amount": "180"})
    assert (other.status_code, other.headers["content-type"]) == (422, "application/problem+json")


async def test_faults_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    async def trouble(folder: Path, seed: int) -> list[bool]:
        process = BureauProcess(folder)
        process.start()
        try:
            async with SandboxClient(process.address) as bureau:
                await bureau.misbehave(seed=seed, errors=0.4)
                return [await _fails(bureau, number) for number in range(12)]
        finally:
            process.stop()

    first = await trouble(tmp_path / "one", 7)
    again = await trouble(tmp_path / "two", 7)
    other = await trouble(tmp_path / "three", 8)
    assert first == again
    assert first != other
    assert any(first)
    assert not all(first)


async def _fails(bureau: SandboxClient, number: int) -> bool:
    try:
        await bureau.issue_levy(_reference(f"seed{number}"), 1, ORDER)
    except Unavailable:
        return True
    return False


async def test_a_lost_answer_a_busy_bureau_and_a_killed_one(tmp_path: Path) -> None:
    process = BureauProcess(tmp_path)
    process.start()
    try:
        async with SandboxClient(process.address) as bureau:
            reference = _reference("lost")
            await bureau.misbehave(lost_answers=1)
            with pytest.raises(Unavailable, match="504"):
                await bureau.issue_levy(reference, 1, ORDER)
            await bureau.misbehave(away=True)
            with pytest.raises(Unavailable, match="503") as busy:
                await bureau.issue_levy(reference, 1, ORDER)
            assert busy.value.again_in == timedelta(seconds=30)
            process.kill()
            with pytest.raises(Unavailable, match="does not answer"):
                await bureau.issue_levy(reference, 1, ORDER)
            process.start()
            with pytest.raises(Unavailable, match="503"):
                await bureau.issue_levy(reference, 1, ORDER)
            await bureau.misbehave()
            await bureau.issue_levy(reference, 1, ORDER)
            assert [levy.revision async for levy in bureau.levies("lost")] == [1], "it was done, and once"
    finally:
        process.stop()


def test_the_contract_is_the_one_that_is_published() -> None:
    """`adapters/tax/contract.json` is what the client is written against, and the sandbox keeps it."""
    stored = json.loads((Path(__file__).parent.parent / "adapters" / "tax" / "contract.json").read_text("utf-8"))
    assert stored == contract(), "run ./do docs"
