"""A sender's report: who is meant, whether this sender may say it, and what follows. Every way in passes here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client

from adapters.registry.audit import AuditJournal
from adapters.registry.identities import Identities
from adapters.registry.key_merges import KeyMerges
from adapters.registry.senders import SenderPeople
from domain.civil_time import current_day
from domain.errors import Forbidden, Missing
from domain.facts import Fact
from domain.identity_documents import IdentityDocument
from domain.life import Receipt
from domain.senders import Reading, Sender
from intake.report import facts_of, report_within
from intake.rights import Rights


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

    async def person(self, key: str | None, documents: Sequence[IdentityDocument], name: str = "") -> str:
        """The key under which a person's life runs, by a key or by documents.

        Raises Missing for a key of nobody, Refused for documents of two people, Unavailable.
        """
        if key is None:
            return await self.identities.person(documents, name)
        if not await self.merges.known(key):
            raise Missing(
                "there is nobody of this key; ask POST /v1/keys for it", "没有这个登记号;请用 POST /v1/keys 取得"
            )
        return await self.merges.canonical(key)

    async def stated(self, sender: Sender, fact: Fact) -> Fact:
        """The fact as the sender states it. What it may not say is written to the audit journal and raised."""
        try:
            return sender.stated(fact)
        except Forbidden as error:
            await self.audit.write(sender.id, f"report {fact.type}", refused=str(error))
            raise

    async def report(self, sender: Sender, person: str, fact: Fact, patience: timedelta) -> Taken:
        """Report a fact that was `stated`. Raises Forbidden, NotAdmitted, Conflict or Unavailable."""
        await self.may_say(sender, person, fact)
        taken = await self.state(sender, person, fact, patience)
        if fact.type in sender.claims:
            await self.people.claim(sender.id, [person], current_day())
        return taken

    async def state(self, sender: Sender, person: str, fact: Fact, patience: timedelta) -> Taken:
        """Report what follows from a sender's reports, in its name."""
        return Taken(person, fact.fact_id, await report_within(self.client, person, fact, sender.id, patience))

    async def household_states(self, person: str, household: str) -> list[bool]:
        """Whether all of a household are enrolled, as a life was told, in the order of telling. Raises Unavailable."""
        facts = [json.loads(text) for text in await facts_of(self.client, person)]
        told = [fact for fact in facts if fact["type"] == "household_state" and fact["household"] == household]
        return [bool(fact["all_enrolled"]) for fact in told]

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

    async def may_know_of_enrolment(self, sender: Sender, person: str) -> bool:
        """Whether a sender that names a member of a household may learn that the member is enrolled, not where.

        It must have the right to read about cover, and of those only who are its own where it has people of its own.
        """
        if Reading.COVERAGE not in sender.reads:
            return False
        if sender.people == "own" and person not in await self.people.owned(sender.id, [person]):
            return False
        await self.audit.write(sender.id, "read enrolment", person=person)
        return True

    async def may_say(self, sender: Sender, person: str, fact: Fact) -> None:
        """Raises Forbidden where a sender may not say this of this person; that is written to the audit journal."""
        because = await Rights(self.people).against(sender, person, fact)
        if because is not None:
            await self.audit.write(sender.id, f"report {fact.type}", person=person, refused=because.en)
            raise Forbidden(because.en, because.zh)
