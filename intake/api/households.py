"""Reporting a household or a class as one."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from domain.bilingual import Text
from domain.errors import ContractError
from domain.facts import AnyFact, Registered, Words
from domain.senders import Sender
from intake.api.messages import PersonSpoken, ReceiptOut, Strict
from intake.api.problems import responses
from intake.api.service import Service
from intake.households import Answer, Member

MAXIMUM_MEMBERS = 100


class MemberSpoken(Strict):
    """A member, as the sender calls them, and what is reported of them."""

    name: Annotated[Words, Field(min_length=1, max_length=40, description="the sender's own mark, such as 1 or A-17")]
    person: PersonSpoken
    facts: list[AnyFact] = Field(default_factory=list, max_length=10)
    eligible: bool = Field(default=True, description="whether the rule that all members enrol counts this one")


class Household(Strict):
    """A household or a class, reported as one."""

    household: Annotated[Words, Field(min_length=1, max_length=80, description="the sender's number of it")]
    kind: Literal["household", "class"] = Field(
        default="household", description="for a household the lives are told whether all eligible members are enrolled"
    )
    members: list[MemberSpoken] = Field(min_length=1, max_length=MAXIMUM_MEMBERS)


class MemberOut(BaseModel):
    name: str
    person: str
    answer: Answer
    says: Text
    receipts: list[ReceiptOut]


class HouseholdOut(BaseModel):
    """The answer about every member."""

    household: str
    all_enrolled: bool
    members: list[MemberOut]


def routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["households"])

    @router.post("/households", summary="整户或整班报送 · report a household or a class", responses=responses(404, 409))
    async def household(request: Request, body: Household) -> HouseholdOut:
        sender = await service.sender(request)
        service.limits.take(sender, sum(max(1, len(member.facts)) for member in body.members))
        name = f"{sender.id}:{body.household}"
        # Everybody is looked at before anything is reported: a household is taken as one.
        members = [await _read(service, sender, place, item, name) for place, item in enumerate(body.members)]
        tell = body.kind == "household"
        answer = await service.households.report(sender, name, members, service.patience, tell=tell)
        return HouseholdOut(
            household=body.household,
            all_enrolled=answer.all_enrolled,
            members=[
                MemberOut(
                    name=item.name,
                    person=item.person,
                    answer=item.answer,
                    says=item.says,
                    receipts=[ReceiptOut.of(receipt) for receipt in item.receipts],
                )
                for item in answer.members
            ],
        )

    return router


async def _read(service: Service, sender: Sender, place: int, item: MemberSpoken, household: str) -> Member:
    """A member; what is wrong with one is said with its place. Raises ContractError, Forbidden or Refused."""
    try:
        return await _member(service, sender, item, household)
    except ContractError as error:
        raise ContractError(f"members[{place}], {error}", f"members[{place}],{error.text.zh}") from None


async def _member(service: Service, sender: Sender, item: MemberSpoken, household: str) -> Member:
    facts = []
    for fact in item.facts:
        stated = await service.reporting.stated(sender, fact)
        if isinstance(stated, Registered):
            if stated.scheme == "resident" and stated.plan_year is None:
                raise ContractError("field plan_year: expected, but missing", "字段 plan_year:缺少")
            stated = stated.model_copy(update={"household": household})
        facts.append(stated)
    person = await service.reporting.person(item.person.key, item.person.read(service.today()), item.person.name or "")
    return Member(item.name, person, facts, item.eligible)
