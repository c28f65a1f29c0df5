"""The console's verbs on money, reconciliation, verification and backups, as a clerk would use them."""

from __future__ import annotations

import asyncio
import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from adapters.registry.money import MoneyBooks
from adapters.registry.tables import Suspense
from domain.reconciliation import Found
from sandbox.processes import program
from tests.facts import birth, registered
from tests.world import World

DAY = date(2017, 3, 9)


async def _run(world: World, *arguments: str, code: int | None = 0) -> str:
    environment = {
        **os.environ,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": world.client.namespace,
        "CANBAO_DATA": str(world.settings.data),
        "CANBAO_DATABASE_URL": world.settings.database_url,
        "LANG": "C",
        "COLUMNS": "200",
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [program("canbao"), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def _lost(payment: str) -> Suspense:
    days = {"paid_on": DAY, "arrived_on": DAY}
    year = {"scheme": "resident", "area": "130925", "plan_year": 2017, "amount": "150"}
    because = {"cause": "unknown_payer", "because_zh": "缴费人不明", "because_en": "unknown payer"}
    return Suspense.model_validate(
        {"payment": payment, "reference": "x/y", "agent": "bank-1", **year, **days, **because}
    )


async def test_money_in_suspense_is_given_to_whom_it_belongs(world: World) -> None:
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)], until=DAY)
    books = MoneyBooks(world.database)
    await books.hold(_lost("m1"))
    await books.hold(_lost("m2"))
    assert "unknown payer" in await _run(world, "money", "list", "130000")
    why = ("--actor", "clerk-7", "--reason", "the bank told us")
    assert "there is no person" in await _run(world, "money", "assign", "m1", "nobody", *why, code=2)
    assert key in await _run(world, "money", "assign", "m1", key, *why)
    await world.settled(key)
    assert "150 = 150 + 0 + 0 (owed 150)" in await _run(world, "money", "show", key)
    assert "noted" in await _run(world, "money", "return", "m2", *why)
    assert "nothing is in suspense" in await _run(world, "money", "list")
    assert "noted" in await _run(world, "money", "return", "m2", *why), "the same again changes nothing"
    assert "no payment m2 is in suspense" in await _run(world, "money", "assign", "m2", key, *why, code=2)


async def test_a_difference_is_shown_and_closed(world: World) -> None:
    books = MoneyBooks(world.database)
    found = Found(movement="m1", cause="late", area="130925", statement_amount=15000)
    await books.keep_day(DAY, {}, {}, [found], DAY)
    shown = await _run(world, "reconcile", "show", "130000")
    assert "2017-03-09/m1" in shown
    assert "not in the ledger yet" in shown
    why = ("--actor", "clerk-7", "--reason", "handed to the bank")
    assert "no difference's name" in await _run(world, "reconcile", "close", "m1", *why, code=2)
    assert "closed" in await _run(world, "reconcile", "close", "2017-03-09/m1", *why)
    assert "no difference is open" in await _run(world, "reconcile", "show")


async def test_lives_and_ledger_are_compared_from_the_console(world: World) -> None:
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
    # Lives of other tests' worlds may run in this namespace, of which this ledger does not know.
    said = await _run(world, "verify", "--no-bureau", code=None)
    assert "1 people compared" in said
    assert key not in said
    await world.handle(key).terminate()
    said = await _run(world, "verify", "--no-bureau", code=1)
    assert f"{key}  life: no life runs" in said
    world.keys.remove(key)


@pytest.mark.parametrize("verb", ["backup", "restore"])
async def test_a_folder_that_is_not_empty_is_left_alone(world: World, tmp_path: Path, verb: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    said = await _run(world, verb, str(tmp_path / "full"), code=2)
    server = bool(world.settings.database_url) and world.settings.database_url.startswith("postgresql")
    assert ("pg_dump" if server else "not empty" if verb == "backup" else "is no backup") in said
