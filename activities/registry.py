"""Activities on the registry."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.failures import translated
from activities.ports import Registry
from domain.life import Acknowledged, Record, Remembered


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
