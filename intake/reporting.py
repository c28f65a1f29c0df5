"""A sender's report: who is meant, whether this sender may say it, and what follows. Every way in passes here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client

from adapters.registry.identities import Identities
from adapters.registry.key_merges import KeyMerges
from adapters.registry.senders import AuditJournal, SenderPeople
from domain.civil_time import current_day
from domain.errors import Forbidden, Missing
from domain.facts import Fact
from domain.identity_documents import IdentityDocument
from domain.life import Receipt
from domain.senders import Reading, Sender, is_digest
from intake.imports import not_its_own
from intake.report import report_within


@dataclass(frozen=True, slots=True)
class Taken:
    """A fact that a life took: with what follows, or without where it is still being judged."""

    person: str
    fact: str
    receipt: Receipt | None


@dataclass(frozen=True)
class Reporting:
    client: Client
    identities: Identities
    merges: KeyMerges
    people: SenderPeople
    audit: AuditJournal

    async def person(self, key: str | None, documents: Sequence[IdentityDocument]) -> str:
        """The key under which a person's life runs, by a key or by documents. Raises Refused or Unavailable."""
        return await self.merges.canonical(key) if key is not None else await self.identities.person(documents)

    async def stated(self, sender: Sender, fact: Fact) -> Fact:
        """The fact as the sender states it. What it may not say is written to the audit journal and raised."""
        try:
            return sender.stated(fact)
        except Forbidden as error:
            await self.audit.write(sender.id, f"report {fact.type}", refused=str(error))
            raise

    async def report(self, sender: Sender, person: str, fact: Fact, patience: timedelta) -> Taken:
        """Report a fact that was `stated`. Raises Forbidden, NotAdmitted, Conflict or Unavailable."""
        await self._may_say(sender, person, fact)
        taken = await self.state(sender, person, fact, patience)
        if fact.type in sender.claims:
            await self.people.claim(sender.id, [person], current_day())
        return taken

    async def state(self, sender: Sender, person: str, fact: Fact, patience: timedelta) -> Taken:
        """Report what follows from a sender's reports, in its name."""
        return Taken(person, fact.fact_id, await report_within(self.client, person, fact, sender.id, patience))

    async def may_see(self, sender: Sender, person: str, what: Reading) -> str:
        """The key under which a person's life runs, whom this sender may read about; it is written to the journal.

        Raises Forbidden, and Missing where nothing is recorded of such a person.
        """
        person = await self.merges.canonical(person)
        because = ""
        try:
            sender.may_read(what)
        except Forbidden as error:
            because = str(error)
        if not because and person not in await self.people.owned(sender.id, [person]):
            areas = await self.people.areas(person)
            if not areas:
                raise Missing("nothing is recorded of this person", "没有此人的记录")
            if sender.people == "own" or not sender.speaks_of(areas):
                because = f"{sender.id} may not read about this person"
        await self.audit.write(sender.id, f"read {what}", person=person, refused=because)
        if because:
            raise Forbidden(because, f"{sender.id}无权查询此人的{what}")
        return person

    async def _may_say(self, sender: Sender, person: str, fact: Fact) -> None:
        if sender.people == "own" and fact.type not in sender.claims:
            if person in await self.people.owned(sender.id, [person]):
                return
            because = not_its_own(sender)
            await self.audit.write(sender.id, f"report {fact.type}", person=person, refused=because.en)
            raise Forbidden(because.en, because.zh)
        if fact.corrects is not None and is_digest(fact.corrects):
            said_by = await self.people.reported_by(person, fact.corrects)
            if said_by != sender.id:
                because_en = f"field corrects: {sender.id} reported no such fact of this person"
                await self.audit.write(sender.id, f"correct {fact.type}", person=person, refused=because_en)
                raise Forbidden(because_en, f"字段 corrects:{sender.id}没有报送过此人的这一事实")
