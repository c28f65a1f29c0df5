"""The tax bureau's client against the sandbox bureau as a real process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.registry.database import connect_registry
from adapters.registry.feeds import Feeds
from adapters.tax import TaxBureauClient
from domain.errors import Refused, Unavailable
from domain.facts import Fact
from domain.life import Receipt
from domain.status import Status
from intake.tax_payments import pull_payments
from sandbox.processes import answers, free_port, program, running

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
async def bureau(address: str) -> AsyncIterator[TaxBureauClient]:
    async with TaxBureauClient(address) as client:
        yield client


def _reference(name: str) -> str:
    return f"{name}/levy/resident/130925/2017/basic"


async def _pay(bureau: TaxBureauClient, reference: str, payment: str, amount: str = "150") -> None:
    await bureau.pay(reference, payment, amount, date(2017, 3, 1), date(2017, 3, 2))


async def test_one_payment_however_often_it_is_sent(bureau: TaxBureauClient) -> None:
    reference = _reference("once")
    await bureau.issue_levy(reference, 1, ORDER)
    await bureau.issue_levy(reference, 1, ORDER)
    await _pay(bureau, reference, "pay-once")
    await _pay(bureau, reference, "pay-once")
    mine = [payment for payment in await bureau.payments(0) if payment.reference == reference]
    assert [(payment.person, payment.amount, payment.arrived_on) for payment in mine] == [
        ("once", "150", date(2017, 3, 2))
    ]


async def test_a_higher_revision_replaces_and_a_lower_one_is_refused(bureau: TaxBureauClient) -> None:
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


async def test_cancelling_what_was_never_issued_is_no_error(bureau: TaxBureauClient) -> None:
    await bureau.cancel_levy(_reference("never"), 1)


@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "much"])
async def test_an_amount_that_is_none_is_refused(bureau: TaxBureauClient, amount: str) -> None:
    with pytest.raises(Refused, match="422"):
        await bureau.issue_levy(_reference("amount"), 1, ORDER.replace("150", amount))


async def test_a_bureau_that_is_not_there_is_unavailable() -> None:
    async with TaxBureauClient(f"http://127.0.0.1:{free_port()}") as nobody:
        with pytest.raises(Unavailable, match="does not answer"):
            await nobody.issue_levy(REFERENCE, 1, ORDER)


async def test_each_payment_is_reported_once_and_again_after_a_crash(bureau: TaxBureauClient, tmp_path: Path) -> None:
    database = connect_registry(f"sqlite:///{tmp_path / 'registry.db'}")
    await database.prepare()
    feeds = Feeds(database)
    told: list[str] = []

    async def report(person: str, fact: Fact) -> Receipt:
        if fact.fact_id == "tax:pull-2" and "crashed" not in told:
            told.append("crashed")
            raise Unavailable("no worker answered")
        if fact.fact_id == "tax:pull-3":
            raise Refused("the life does not admit it")
        told.append(fact.fact_id)
        return Receipt(fact=fact.fact_id, person=person, recorded_on=date(2017, 3, 2), status=Status.ENROLLED)

    try:
        for number in (1, 2, 3):
            reference = _reference(f"pull{number}")
            await bureau.issue_levy(reference, 1, ORDER)
            await _pay(bureau, reference, f"pull-{number}")
        with pytest.raises(Unavailable):
            await pull_payments(bureau, feeds, report)
        _, refusals = await pull_payments(bureau, feeds, report)
        assert [entry for entry in told if entry.startswith("tax:pull")] == ["tax:pull-1", "tax:pull-1", "tax:pull-2"]
        assert refusals == ["payment pull-3: the life does not admit it"]
        assert await pull_payments(bureau, feeds, report) == (0, [])
    finally:
        await database.close()
