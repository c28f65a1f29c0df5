"""Of whom a sender may say what: the part of its rights that depends on the person."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.registry.senders import SenderPeople
from domain.bilingual import Text
from domain.facts import Fact
from domain.senders import Sender, is_digest

# What is said of those only who belong to the sender's area, or of whom nothing is known yet: an event that ends what
# a person has elsewhere is reported there. Other facts bring a person to the area that they name.
OF_RESIDENTS = ("died", "stop_requested", "refund_requested", "waiver_confirmed", "keep_chosen", "repair_requested")


@dataclass(frozen=True)
class Rights:
    people: SenderPeople

    async def against(self, sender: Sender, person: str, fact: Fact) -> Text | None:
        """Why a sender may not say this of this person; None where it may."""
        if (
            sender.people == "own"
            and fact.type not in sender.claims
            and person not in await self.people.owned(sender.id, [person])
        ):
            return not_its_own(sender)
        return await self.against_fact(sender, person, fact)

    async def against_fact(self, sender: Sender, person: str, fact: Fact) -> Text | None:
        """The same, where the sender speaks of everybody or the person is known to be its own."""
        if fact.type in OF_RESIDENTS and sender.people == "area":
            areas = await self.people.areas(person)
            if areas and not sender.speaks_of(areas):
                return Text(
                    f"此人不属于{sender.area},{sender.id}不能报送{fact.type}",
                    f"this person does not belong to {sender.area}; {sender.id} may not report {fact.type}",
                )
        if fact.corrects is not None and is_digest(fact.corrects):
            said_by = await self.people.reported_by(person, fact.corrects)
            if said_by != sender.id:
                return Text(
                    f"字段 corrects:{sender.id}没有报送过此人的这一事实",
                    f"field corrects: {sender.id} reported no such fact of this person",
                )
        return None


def not_its_own(sender: Sender) -> Text:
    """Why a sender may not speak of somebody."""
    return Text(
        f"{sender.id}只能报送本单位人员;请先报送{'、'.join(sender.claims)}",
        f"{sender.id} speaks of its own people only; report {' or '.join(sender.claims)} of this person first",
    )
