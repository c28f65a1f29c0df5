"""Rebuilding: every life started again from the journal, into a Temporal that lost them.

A life that begins reads the ledger, so telling it once more what was reported last is enough: the fact is known, and
everything that the ledger holds comes back with it. What was already done outside is not done again, because every
effect keeps its identity. A life that runs is left as it is, so an interrupted rebuild is simply run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio.client import Client

from adapters.registry.ledger import Ledger
from adapters.registry.reader import Reader
from domain.areas import NATION
from domain.errors import Refused, Unavailable
from domain.facts import parse_fact
from intake.report import report

SENDER = "rebuild"


async def rebuild(
    client: Client,
    ledger: Ledger,
    reader: Reader,
    *,
    per_second: float,
    begun: Callable[[str], None] = lambda _person: None,
    clock_shift_days: Callable[[str], int] = lambda _person: 0,
) -> tuple[int, list[str]]:
    """Start every life that the ledger knows; how many, and whose could not be started, with the reason."""
    count, after = 0, ""
    failed = []
    while page := await reader.people(NATION, after):
        for resident in page:
            remembered = await ledger.read(resident.person)
            if remembered.facts:
                last = parse_fact(list(remembered.facts.values())[-1])
                stated = last.model_copy(update={"recorded_on": None})
                try:
                    await report(client, resident.person, stated, SENDER, clock_shift_days(resident.person))
                    count += 1
                except (Refused, Unavailable) as error:
                    failed.append(f"{resident.person}: {error}")
                begun(resident.person)
                await asyncio.sleep(1 / per_second)
        after = page[-1].person
    return count, failed
