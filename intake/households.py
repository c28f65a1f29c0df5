"""Households and classes (按户、按班参保): several people who are reported as one, and answered as one.

Where the area asks that all eligible members enrol at the same time, the life of each is told whether they did; who is
enrolled elsewhere already is not enrolled again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from adapters.registry.reader import Enrolment, Reader
from domain.bilingual import Text
from domain.civil_time import current_day
from domain.errors import Conflict, ContractError, Refused
from domain.facts import Fact, Registered, parse_fact
from domain.life import Receipt
from domain.senders import Reading, Sender
from intake.reporting import Reporting, Taken

AT_ONCE = 8
_NOTHING = Text("", "")
_SOMEWHERE = Text("已参保,不重复参保", "enrolled already; not enrolled again")
_TRIES = 5
Answer = Literal["taken", "pending", "already_enrolled", "refused", "not_reported"]


@dataclass(frozen=True, slots=True)
class Member:
    """A member: how the sender calls them, who they are, and what is reported of them."""

    name: str
    person: str
    facts: Sequence[Fact]
    eligible: bool = True
    """Whether the rule that all enrol counts this member."""


@dataclass
class MemberAnswer:
    """What was answered of a member."""

    name: str
    person: str
    answer: Answer = "taken"
    says: Text = _NOTHING
    receipts: list[Receipt] = field(default_factory=list)
    enrolled: bool = False
    """Registered by this report, or already."""


@dataclass(frozen=True)
class HouseholdAnswer:
    members: list[MemberAnswer]
    all_enrolled: bool


class HouseholdDesk:
    """Reports a household, and lets every member's life know whether all are enrolled."""

    def __init__(self, reporting: Reporting, reader: Reader) -> None:
        self._reporting, self._reader = reporting, reader

    async def report(
        self, sender: Sender, household: str, members: Sequence[Member], patience: timedelta, *, tell: bool
    ) -> HouseholdAnswer:
        """Report all members. Said again, it changes nothing, so that what was interrupted is simply said again.

        `tell` has the lives told whether all eligible members are enrolled, as the rule of households asks; a class has
        no such rule. Raises ContractError where two members are one person, Unavailable when nobody answers.
        """
        people = [member.person for member in members]
        for place, person in enumerate(people):
            if person in people[:place]:
                first, second = members[people.index(person)].name, members[place].name
                raise ContractError(f"members {first} and {second} are one person", f"成员{first}与{second}是同一人")
        places = asyncio.Semaphore(AT_ONCE)
        facts = [fact for member in members for fact in member.facts]
        years = {fact.plan_year for fact in facts if isinstance(fact, Registered) and fact.plan_year is not None}

        async def of_one(member: Member) -> MemberAnswer:
            async with places:
                return await self._member(sender, member, years, patience)

        answers = await asyncio.gather(*(of_one(member) for member in members))
        eligible = [answer for answer, member in zip(answers, members, strict=True) if member.eligible]
        complete = all(answer.enrolled for answer in eligible)
        if tell:
            told = await asyncio.gather(
                *(
                    self._tell(sender, household, member, complete, patience)
                    for member, answer in zip(members, answers, strict=True)
                    if answer.answer in ("taken", "pending") and _registers(member)
                )
            )
            by_person = {item.person: item.receipt for item in told if item is not None and item.receipt is not None}
            for answer in answers:
                if answer.person in by_person:
                    answer.receipts.append(by_person[answer.person])
        return HouseholdAnswer(list(answers), complete)

    async def _silent(self, sender: Sender, member: Member, years: set[int]) -> MemberAnswer:
        """A member of whom nothing is reported: enrolled already for the years that the others enrol for, or not.

        Who may not read about people learns nothing here, not even a key.
        """
        because = Text("未报送任何事实", "nothing was reported of this member")
        unknown = MemberAnswer(member.name, "", "not_reported", because)
        if not await self._reporting.may_know_of_enrolment(sender, member.person):
            return unknown
        for year in sorted(years):
            held = await self._reader.enrolments(member.person, year, current_day())
            if held:
                return MemberAnswer(member.name, member.person, "already_enrolled", _SOMEWHERE, enrolled=True)
        return MemberAnswer(member.name, member.person, "not_reported", because)

    async def _member(self, sender: Sender, member: Member, years: set[int], patience: timedelta) -> MemberAnswer:
        if not member.facts:
            return await self._silent(sender, member, years)
        answer = MemberAnswer(member.name, member.person)
        for fact in member.facts:
            try:
                await self._reporting.may_say(sender, member.person, fact)
                elsewhere = await self._elsewhere(sender, member.person, fact)
                if elsewhere is not None:
                    answer.answer, answer.says, answer.enrolled = "already_enrolled", elsewhere, True
                    continue
                taken = await self._reporting.report(sender, member.person, fact, patience)
            except Refused as error:
                answer.answer, answer.says, answer.enrolled = "refused", error.text, False
                break
            if taken.receipt is not None:
                answer.receipts.append(taken.receipt)
                if taken.receipt.refused is not None:
                    answer.answer, answer.says, answer.enrolled = "refused", taken.receipt.refused, False
                    break
            elif answer.answer == "taken":
                answer.answer = "pending"
            answer.enrolled = answer.enrolled or _enrols(fact)
        return answer

    async def _elsewhere(self, sender: Sender, person: str, fact: Fact) -> Text | None:
        """Where the person is enrolled already for the time that a registration is about; None for nowhere."""
        if not isinstance(fact, Registered) or fact.withdrawn:
            return None
        for held in await self._reader.enrolments(person, fact.plan_year, current_day()):
            if (held.scheme, held.area) != (fact.scheme, fact.area):
                return _enrolled(held) if Reading.COVERAGE in sender.reads else _SOMEWHERE
        return None

    async def _tell(
        self, sender: Sender, household: str, member: Member, complete: bool, patience: timedelta
    ) -> Taken | None:
        """Tell a member's life whether all are enrolled, unless that is the last that it was told."""
        before = await self._reporting.household_states(member.person, household)
        if before and before[-1] is complete:
            return None
        area = next(fact.area for fact in member.facts if isinstance(fact, Registered))
        name = hashlib.sha256(household.encode()).hexdigest()[:16]
        for number in range(len(before) + 1, len(before) + 1 + _TRIES):
            fact = parse_fact(
                {
                    "type": "household_state",
                    "id": f"{sender.id}:household/{name}/{number:04d}",
                    "on": current_day(),
                    "area": area,
                    "household": household,
                    "all_enrolled": complete,
                }
            )
            try:
                # It is what follows from the reports of the sender, and needs no right of its own.
                return await self._reporting.state(sender, member.person, fact, patience)
            except Conflict:
                continue  # somebody else told it meanwhile
        return None


def _enrols(fact: Fact) -> bool:
    return isinstance(fact, Registered) and not fact.withdrawn


def _registers(member: Member) -> bool:
    return any(map(_enrols, member.facts))


def _enrolled(held: Enrolment) -> Text:
    scheme = Text("职工", "employee") if held.scheme == "employee" else Text("居民", "resident")
    year = "" if held.plan_year is None else f"{held.plan_year}"
    return Text(
        f"已在{held.area}参加{year}{scheme.zh}医保,不重复参保",
        f"enrolled in {held.area} with the {scheme.en} scheme {year} already; not enrolled again".replace("  ", " "),
    )
