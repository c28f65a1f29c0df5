"""What the activities need of the world outside. Adapters fulfil these; tests fulfil them with small classes."""

from __future__ import annotations

from typing import Protocol

from domain.life import Acknowledged, Record, Remembered


class Registry(Protocol):
    """The ledger that other systems read."""

    async def read(self, person: str) -> Remembered:
        """What is recorded of a person; empty for a key that was never recorded. Raises Unavailable."""

    async def record(self, record: Record) -> Acknowledged:
        """Write one assessment in one transaction; a repeat gets the stored answer. Raises Unavailable."""


class TaxBureau(Protocol):
    """The tax bureau, which collects the premiums."""

    async def issue_levy(self, reference: str, revision: int, payload: str) -> None:
        """Have a levy collected; the same revision again is no second levy. Raises Unavailable or Refused."""

    async def cancel_levy(self, reference: str, revision: int) -> None:
        """Have a levy collected no more, if it ever was. Raises Unavailable or Refused."""


class Notices(Protocol):
    """The way to tell somebody something."""

    async def send(self, key: str, person: str, payload: str, correction: bool) -> None:
        """Send a notice, or the correction of one; the same key again is no second notice. Raises Unavailable."""
