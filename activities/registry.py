"""Activities on the registry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from temporalio import activity

from activities.failures import translated
from activities.ports import Registry
from domain.cases import CaseOperation, Continuity
from domain.continuity import continuity, covered_months
from domain.life import Acknowledged, Interval, Message, Record, Remembered


class Between(Message):
    """A person's move between two pooling areas, as known on a day."""

    person: str
    scheme: str
    from_area: str
    to_area: str
    on: date


@dataclass(frozen=True)
class RegistryActivities:
    registry: Registry

    @activity.defn(name="registry.read")
    async def read(self, person: str) -> Remembered:
        """What the ledger knows of a person."""
        with translated():
            return await self.registry.read(person)

    @activity.defn(name="registry.record")
    async def record(self, record: Record) -> Acknowledged:
        """Write an assessment to the ledger, once."""
        with translated():
            return await self.registry.record(record)

    @activity.defn(name="registry.keep_operation")
    async def keep_operation(self, done: CaseOperation) -> None:
        """Keep what an operator or an agency did in a case, once."""
        with translated():
            await self.registry.keep_operation(done)

    @activity.defn(name="registry.months")
    async def months(self, between: Between) -> int:
        """The months in which a person was covered in the area that they leave, as the ledger holds them."""
        with translated():
            held = await self.registry.coverage(between.person)
        return covered_months(_of(held, between.scheme, between.from_area), between.on)

    @activity.defn(name="registry.continuity")
    async def continuity(self, between: Between) -> Continuity:
        """The days between the two areas that are uncovered or covered twice, as the ledger holds them."""
        with translated():
            held = await self.registry.coverage(between.person)
        before = _of(held, between.scheme, between.from_area)
        after = _of(held, between.scheme, between.to_area)
        return continuity(before, after, between.on)


def _of(held: list[Interval], scheme: str, area: str) -> list[Interval]:
    return [span for span in held if (span.scheme, span.area) == (scheme, area)]
