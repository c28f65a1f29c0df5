"""What the routes work with, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import Request
from temporalio.client import Client

from adapters.keys.ciphers import KeyedHash
from adapters.registry.audit import AuditJournal
from adapters.registry.database import Database
from adapters.registry.identities import Identities
from adapters.registry.imports import ImportBooks
from adapters.registry.key_merges import KeyMerges
from adapters.registry.reader import Reader
from adapters.registry.senders import SenderPeople, UsedKeys
from domain.civil_time import current_day
from domain.errors import Forbidden
from domain.senders import Sender
from intake.households import HouseholdDesk
from intake.imports import ImportDesk
from intake.limits import Limits
from intake.reporting import Reporting
from intake.sender_files import Senders
from intake.tokens import Tokens


@dataclass(frozen=True)
class Service:
    client: Client
    database: Database
    senders: Senders
    tokens: Tokens
    reporting: Reporting
    reader: Reader
    imports: ImportDesk
    households: HouseholdDesk
    audit: AuditJournal
    used_keys: UsedKeys
    identities: Identities
    limits: Limits
    patience: timedelta
    """How long a receipt is waited for, before the answer is that the fact was taken."""

    @classmethod
    def of(
        cls,
        client: Client,
        database: Database,
        secret: bytes,
        senders: Senders,
        tokens: Tokens,
        patience: timedelta,
        hashed: KeyedHash = KeyedHash.SHA256,
    ) -> Service:
        """The service on a Temporal client and a registry."""
        identities, people = Identities(database, secret, hashed), SenderPeople(database)
        audit, reader = AuditJournal(database), Reader(database)
        reporting = Reporting(client, identities, KeyMerges(database), people, audit)
        return cls(
            client=client,
            database=database,
            senders=senders,
            tokens=tokens,
            reporting=reporting,
            reader=reader,
            imports=ImportDesk(client, identities, ImportBooks(database), people),
            households=HouseholdDesk(reporting, reader),
            audit=audit,
            used_keys=UsedKeys(database),
            identities=identities,
            limits=Limits(),
            patience=patience,
        )

    def today(self) -> date:
        return current_day()

    async def sender(self, request: Request) -> Sender:
        """Who asks. Raises BadToken, or Forbidden for a token of somebody who is no sender here."""
        name = await self.tokens.sender(request.headers.get("Authorization"))
        if not self.senders.knows(name):
            await self.audit.write(name, f"{request.method} {request.url.path}"[:200], refused="not a sender")
            raise Forbidden("this token is of no sender that the bureau admits", "此令牌不属于已登记的报送单位")
        return self.senders.get(name)
