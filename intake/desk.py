"""The intake desk: a row about somebody becomes a report to that person's life. Every way in passes here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.client import Client

from adapters.registry.identities import Identities
from domain.facts import Fact
from domain.identity_documents import IdentityDocument
from domain.life import Receipt
from intake.report import report


@dataclass(frozen=True)
class Desk:
    client: Client
    identities: Identities

    async def person(self, documents: Sequence[IdentityDocument], name: str = "") -> str:
        """The opaque key of whoever holds these documents. Raises Refused or Unavailable."""
        return await self.identities.person(documents, name)

    async def report(self, person: str, fact: Fact, sender: str, clock_shift_days: int = 0) -> Receipt:
        """Report a fact of a person; `sender` is who says so. Raises Refused or Unavailable."""
        return await report(self.client, person, fact, sender, clock_shift_days)
