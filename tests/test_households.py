"""Households and classes: reported as one, answered by member."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import select
from temporalio.service import RPCError

from adapters.registry.people_tables import Document
from demo.make_samples import id_number
from domain.civil_time import current_day
from domain.facts import FACT_TYPES
from domain.senders import NOT_REPORTED, Sender
from intake.sender_files import Senders
from tests.service import Caller, calling
from tests.world import World

TODAY = current_day()


@pytest_asyncio.fixture
async def caller(world: World, tmp_path: Path) -> AsyncIterator[Caller]:
    all_facts = tuple(kind for kind in FACT_TYPES if kind not in NOT_REPORTED)
    data = {"name": {"zh": "村", "en": "village"}, "kind": "village_agent", "reports": all_facts}
    senders = {
        name: Sender.model_validate({**data, "id": name, "area": area, "reads": ["coverage"]})
        for name, area in (("east-village", "130925"), ("far-village", "450100"))
    }
    async with calling(world, tmp_path, senders=Senders(senders, tmp_path)) as found:
        yield found


def _member(name: str, born: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "person": {"documents": [{"kind": "id_number", "number": id_number(born, 12)}]},
        "facts": [
            {"type": "registered", "id": f"r-{name}", "scheme": "resident", "plan_year": 2017, "on": "2016-11-01"}
        ],
        **more,
    }


async def _report(caller: Caller, sender: str, members: list[dict[str, Any]], **more: Any) -> Any:
    body = {"household": "H-1", "members": members, **more}
    answer = await caller.http.post("/v1/households", json=body, headers=caller.as_(sender))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _told(caller: Caller, world: World, person: str) -> list[bool]:
    facts = [json.loads(text) for text in await world.handle(person).query("facts", result_type=list[str])]
    return [fact["all_enrolled"] for fact in facts if fact["type"] == "household_state"]


async def test_a_household_is_answered_by_member_and_told_that_all_enrol(caller: Caller, world: World) -> None:
    members = [_member("father", "1970-01-01"), _member("mother", "1971-02-02"), _member("child", "2005-03-03")]
    answer = await _report(caller, "east-village", members)
    assert [item["name"] for item in answer["members"]] == ["father", "mother", "child"]
    assert {item["answer"] for item in answer["members"]} == {"taken"}
    assert answer["all_enrolled"] is True
    assert all(item["receipts"] for item in answer["members"])
    for item in answer["members"]:
        assert await _told(caller, world, item["person"]) == [True]
        await caller.recorded(item["person"])
    # What was interrupted is simply said again.
    again = await _report(caller, "east-village", members)
    assert [item["answer"] for item in again["members"]] == ["taken"] * 3
    assert [await _told(caller, world, item["person"]) for item in answer["members"]] == [[True]] * 3


async def test_a_member_who_is_left_out_makes_the_household_incomplete(caller: Caller, world: World) -> None:
    """The area asks that all eligible members enrol at the same time (S002:L317): the lives must hear of it."""
    missing = _member("uncle", "1975-05-05", facts=[])
    members = [_member("father", "1970-01-01"), {**missing, "eligible": True}]
    refused = _member("mother", "1971-02-02")
    refused["facts"][0]["on"] = "2099-01-01"
    answer = await _report(caller, "east-village", [*members, refused])
    assert answer["all_enrolled"] is False
    assert [item["answer"] for item in answer["members"]] == ["taken", "not_reported", "refused"]
    father = answer["members"][0]["person"]
    assert await _told(caller, world, father) == [False]
    overview = await world.overview(father)
    assert "household.rule" in [item.question for item in overview.parked]
    await caller.recorded(father)
    # Right after it the others come too, and everybody's life hears that all are enrolled now.
    later = await _report(
        caller, "east-village", [members[0], _member("uncle", "1975-05-05"), _member("mother", "1971-02-02")]
    )
    assert later["all_enrolled"] is True
    assert await _told(caller, world, father) == [False, True]
    assert "household.rule" not in [item.question for item in (await world.overview(father)).parked]


async def test_who_is_enrolled_elsewhere_is_not_enrolled_again(caller: Caller, world: World) -> None:
    elsewhere = _member("son", "1995-03-03")
    first = await _report(caller, "far-village", [elsewhere])
    person = first["members"][0]["person"]
    async with asyncio.timeout(20):
        while not await caller.service.reader.enrolments(person, 2017, TODAY):
            await asyncio.sleep(0.02)
    answer = await _report(caller, "east-village", [_member("father", "1970-01-01"), elsewhere])
    son = answer["members"][1]
    assert son["answer"] == "already_enrolled"
    assert "450100" in son["says"]["en"]
    assert answer["all_enrolled"] is True
    silent = await _report(caller, "east-village", [_member("father", "1970-01-01"), {**elsewhere, "facts": []}])
    assert silent["members"][1]["answer"] == "already_enrolled"
    facts = await world.handle(person).query("facts", result_type=list[str])
    assert sum('"registered"' in text for text in facts) == 1


async def test_a_class_is_told_of_no_household(caller: Caller, world: World) -> None:
    members = [_member("A-1", "2005-01-01"), _member("A-2", "2005-02-02", facts=[])]
    answer = await _report(caller, "east-village", members, kind="class")
    assert await _told(caller, world, answer["members"][0]["person"]) == []


@pytest.mark.parametrize("change", ["same person", "broken document", "may not"])
async def test_nothing_of_a_household_is_taken_that_cannot_be_taken_as_one(
    caller: Caller, world: World, change: str
) -> None:
    members = [_member("one", "1970-01-01"), _member("two", "1971-02-02")]
    if change == "same person":
        members[1] = _member("two", "1970-01-01")
    elif change == "broken document":
        members[1]["person"]["documents"][0]["number"] = "1"
    else:
        members[1]["facts"][0]["area"] = "110000"
    body = {"household": "H-1", "members": members}
    answer = await caller.http.post("/v1/households", json=body, headers=caller.as_("east-village"))
    assert answer.status_code in (403, 422)
    assert "members" in answer.json()["detail"] or change == "may not"
    known = await caller.service.database.transaction(lambda session: list(session.exec(select(Document.person))))
    for key in known:
        with pytest.raises(RPCError, match="not found"):
            await world.handle(key).describe()


async def test_a_household_tells_nobody_what_the_sender_may_not_know(world: World, tmp_path: Path) -> None:
    """A school learns nothing of strangers by naming them beside its students."""
    async with calling(world, tmp_path) as caller:
        stranger = _member("stranger", "1980-06-06")
        enrolled = await caller.report("county-bureau", stranger["person"]["documents"], stranger["facts"][0])
        async with asyncio.timeout(20):
            while not await caller.service.reader.enrolments(enrolled.json()["person"], 2017, TODAY):
                await asyncio.sleep(0.02)
        stranger["facts"][0].update(area="130300")
        silent = _member("silent", "1981-06-06", facts=[])
        answer = await _report(caller, "city-college", [stranger, silent])
        assert [item["answer"] for item in answer["members"]] == ["refused", "not_reported"]
        assert "its own people only" in answer["members"][0]["says"]["en"]
        assert answer["members"][1]["person"] == ""
        assert [entry.outcome for entry in await caller.service.audit.of("city-college")] == ["refused"]


async def test_an_update_of_papers_enrols_nobody(caller: Caller, world: World) -> None:
    papers = _member("mother", "1971-02-02", facts=[{"type": "identity_updated", "id": "i", "on": "2016-11-01"}])
    answer = await _report(caller, "east-village", [_member("father", "1970-01-01"), papers])
    assert answer["all_enrolled"] is False
