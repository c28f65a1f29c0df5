"""Verification: lives, ledger and tax bureau compared, person by person, and orphans listed on each side.

Temporal's visibility is used for finding lives that the ledger does not know, never for deciding: what a life holds is
asked of the life.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from adapters.registry.ledger import Ledger
from adapters.registry.reader import Reader
from adapters.tax.client import LevyAtBureau, TaxBureauClient
from domain.areas import NATION
from domain.bilingual import Text
from domain.errors import Unavailable
from domain.facts import parse_fact
from domain.life import EffectKind as Kind
from domain.life import Interval, Overview, Remembered, Slot, SlotState
from domain.status import Status
from workflows.names import person_workflow_id

Where = Literal["life", "ledger", "bureau"]
_MOMENT_SECONDS = 0.5
_LIVES = 'WorkflowType="PersonLifecycle" AND ExecutionStatus="Running"'


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something that is not the same everywhere; `lacking` is the side that lacks it or differs."""

    person: str
    lacking: Where
    what: Text


@dataclass
class Verified:
    people: int = 0
    discrepancies: list[Discrepancy] = field(default_factory=list)


@dataclass(frozen=True)
class Verification:
    """Compares what the three systems hold."""

    client: Client
    ledger: Ledger
    reader: Reader
    bureau: TaxBureauClient | None
    """None where the bureau is not to be asked."""

    async def whole(self, every: int = 1, seen: Callable[[], None] = lambda: None) -> Verified:
        """Compare every person, or each `every`th of them by key, and look for orphans. Raises Unavailable."""
        verified = Verified()
        known: set[str] = set()
        number = 0
        async for person in self._people():
            known.add(person)
            if number % every == 0:
                verified.people += 1
                verified.discrepancies += await self._looked_at_twice(person)
                seen()
            number += 1
        verified.discrepancies += await self._orphans(known)
        return verified

    async def person(self, person: str) -> list[Discrepancy]:
        """What differs of one person."""
        held = await self.ledger.read(person)
        standing = await self.ledger.standing(person)
        if standing is None:
            return []
        overview, facts = await self._life(person)
        found = []
        if overview is None:
            if standing.status is not Status.DECEASED:
                missing = Text("没有运行中的流程", "no life runs")
                found.append(Discrepancy(person, "life", missing))
        else:
            found += _compare_life(person, held, overview, facts)
        if self.bureau is not None:
            under_way = overview.slots if overview is not None else {}
            levies = {levy.reference: levy async for levy in self.bureau.levies(person)}
            found += _compare_levies(person, held.slots, under_way, levies)
        return found

    async def _looked_at_twice(self, person: str) -> list[Discrepancy]:
        """What differs, and still does a moment later: a fact may have come while the sides were asked."""
        if not await self.person(person):
            return []
        await asyncio.sleep(_MOMENT_SECONDS)
        return await self.person(person)

    async def _people(self) -> AsyncIterator[str]:
        after = ""
        while page := await self.reader.people(NATION, after):
            for resident in page:
                yield resident.person
            after = page[-1].person

    async def _life(self, person: str) -> tuple[Overview | None, list[str]]:
        handle = self.client.get_workflow_handle(person_workflow_id(person))
        try:
            if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
                return None, []
            overview: Overview = await handle.query("overview", result_type=Overview)
            return overview, await handle.query("facts", result_type=list[str])
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None, []
            raise Unavailable(f"the life of {person} does not answer: {error.status.name}") from None
        except WorkflowQueryFailedError as error:
            raise Unavailable(f"the life of {person} cannot be asked: {error}") from None

    async def _orphans(self, known: set[str]) -> list[Discrepancy]:
        """Lives and levies of people whom the ledger does not know."""
        found = []
        unknown = Text("登记库没有此人", "the ledger does not know this person")
        try:
            running = [life.id.removeprefix("person-") async for life in self.client.list_workflows(_LIVES)]
        except RPCError as error:
            raise Unavailable(f"Temporal does not answer: {error.status.name}") from None
        strange = [person for person in running if person not in known]
        found += [
            Discrepancy(person, "ledger", unknown) for person in strange if await self.ledger.standing(person) is None
        ]
        if self.bureau is None:
            return found
        strangers: dict[str, None] = {}
        async for levy in self.bureau.levies():
            person = levy.reference.partition("/")[0]
            if person not in known and levy.state != "cancelled":
                strangers[person] = None
        for person in strangers:
            if await self.ledger.standing(person) is None:
                what = Text("税务有应缴而登记库没有此人", "the bureau has a levy of somebody unknown")
                found.append(Discrepancy(person, "ledger", what))
        return found


def _compare_life(person: str, held: Remembered, life: Overview, facts: Sequence[str]) -> list[Discrepancy]:
    known = {parse_fact(text).fact_id for text in facts}
    mine, theirs = _days(life.coverage), _days(held.coverage)
    lacking: list[tuple[Where, Text]] = []
    lacking += [("life", _lacks("事实", "fact", name)) for name in held.facts if name not in known]
    lacking += [("ledger", _lacks("事实", "fact", name)) for name in sorted(known - held.facts.keys())]
    lacking += [("life", _lacks("待遇", "cover", span)) for span in sorted(theirs - mine)]
    lacking += [("ledger", _lacks("待遇", "cover", span)) for span in sorted(mine - theirs)]
    return [Discrepancy(person, where, what) for where, what in lacking]


def _lacks(zh: str, en: str, name: str) -> Text:
    return Text(f"缺少{zh}{name}", f"lacks the {en} {name}")


def _days(coverage: Sequence[Interval]) -> set[str]:
    return {
        f"{span.scheme} {span.area} {span.starts} → {span.ends or '…'} {span.share} {span.service}" for span in coverage
    }


def _compare_levies(
    person: str, slots: dict[str, Slot], under_way: dict[str, Slot], levies: dict[str, LevyAtBureau]
) -> list[Discrepancy]:
    """What the ledger says was asked of the bureau, against what the bureau has; what is under way is neither."""
    found = []
    wanted = set()
    for name, slot in slots.items():
        reference = f"{person}/{name}"
        if slot.kind is not Kind.LEVY:
            continue
        wanted.add(reference)
        if name in under_way or slot.held:
            continue
        levy = levies.get(reference)
        gone = slot.state in (SlotState.WITHDRAWING, SlotState.WITHDRAWN)
        stands = levy is not None and levy.state != "cancelled"
        if not gone and not stands:
            found.append(Discrepancy(person, "bureau", Text(f"缺少应缴{name}", f"lacks the levy {name}")))
        elif gone and levy is not None and levy.state == "open":
            found.append(Discrepancy(person, "bureau", Text(f"应撤销而未撤{name}", f"still collects {name}")))
    for reference, levy in levies.items():
        if reference not in wanted and levy.state != "cancelled":
            what = Text(f"税务另有应缴{reference}", f"does not know the levy {reference}")
            found.append(Discrepancy(person, "ledger", what))
    return found
