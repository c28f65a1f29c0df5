"""The HTTP service: what is answered to whom, and what is refused."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.service import RPCError

from adapters.registry.database import connect_registry
from adapters.registry.ledger import Ledger
from domain.civil_time import current_day
from domain.errors import Unavailable
from intake.limits import MAXIMUM_BODY, MAXIMUM_FILE
from sandbox.dev_issuer import DevelopmentIssuer
from tests.keys import RING
from tests.service import AUDIENCE, ISSUER, SAMPLES, Caller, calling
from tests.world import World

MOTHER = {"kind": "id_number", "number": "11010519491231002X"}
CHILD = [{"kind": "birth_certificate", "number": "T130000001"}]
TODAY = current_day()
_TRANSFER = {"type": "transfer_completed", "on": "2026-11-01", "scheme": "employee"}


@pytest_asyncio.fixture
async def caller(world: World, tmp_path: Path) -> AsyncIterator[Caller]:
    async with calling(world, tmp_path) as found:
        yield found


class AwayForNow:
    """A registry that does not answer, until it does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self.away = ledger, True

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._ledger, name)

        async def answer(*given: Any) -> Any:
            if self.away:
                raise Unavailable("the registry does not answer")
            return await call(*given)

        return answer


def _birth(number: str | None = "B-1", **more: Any) -> dict[str, Any]:
    return {
        "type": "birth",
        **({} if number is None else {"id": number}),
        "on": str(TODAY - timedelta(days=3)),
        "area": "130925",
        **more,
    }


# -- reporting ------------------------------------------------------------------------------------------------------


async def test_a_birth_is_answered_with_what_follows(caller: Caller) -> None:
    answer = await caller.report("county-hospital", CHILD, _birth())
    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert receipt["fact"] == "county-hospital:B-1"
    assert receipt["status"] == "newborn_window_open"
    assert receipt["decisions"]
    assert all({"zh", "en"} == set(text) for text in receipt["decisions"])
    assert any("S00" in clause for clause in receipt["clauses"])
    assert receipt["next_deadline"]["matter"].startswith("newborn")
    assert receipt["refused"] is None


async def test_the_same_report_again_gets_the_first_answer(caller: Caller) -> None:
    first = await caller.report("county-hospital", CHILD, _birth())
    again = await caller.report("county-hospital", CHILD, _birth())
    assert again.json() == first.json()


async def test_the_same_id_with_other_content_is_a_conflict(caller: Caller) -> None:
    first = await caller.report("county-hospital", CHILD, _birth())
    assert first.status_code == 200, first.text
    other = await caller.report("county-hospital", CHILD, _birth(name="parent"))
    assert other.status_code == 409, other.text + first.text
    assert other.json()["type"] == "urn:canbao:problem:conflict"
    assert other.headers["content-type"] == "application/problem+json"


async def test_two_senders_may_number_their_facts_alike(caller: Caller) -> None:
    first = await caller.report("county-bureau", CHILD, _birth())
    second = await caller.report("county-hospital", CHILD, _birth(name="parent"))
    assert (first.json()["fact"], second.json()["fact"]) == ("county-bureau:B-1", "county-hospital:B-1")


async def test_a_cloud_event_is_a_report(caller: Caller) -> None:
    event = {
        "specversion": "1.0",
        "id": "B-1",
        "source": "/maternity",
        "type": "cn.canbao.fact.birth",
        "someextension": "x",
        "data": {
            "person": {"documents": CHILD},
            "fact": {"on": str(TODAY - timedelta(days=3)), "area": "130925"},
        },
    }
    headers = caller.as_("county-hospital", **{"Content-Type": "application/cloudevents+json"})
    answer = await caller.http.post("/v1/events", content=json.dumps(event), headers=headers)
    plain = await caller.report("county-hospital", CHILD, _birth())
    assert answer.status_code == 200, answer.text
    assert answer.json() == plain.json()


async def test_each_of_several_reports_is_answered_by_itself(caller: Caller) -> None:
    wrong = [{"kind": "birth_certificate", "number": "T13000000"}]
    reports = [
        {"person": {"documents": CHILD}, "fact": _birth()},
        {"person": {"documents": wrong}, "fact": _birth("B-2")},
        {"person": {"documents": CHILD}, "fact": {"type": "paid", "on": str(TODAY), "scheme": "resident"}},
        {"person": {"documents": CHILD}, "fact": _birth(name="parent")},
        {"nothing": 1},
    ]
    headers = caller.as_("county-hospital")
    answer = await caller.http.post("/v1/reports/batch", json={"reports": reports}, headers=headers)
    assert answer.status_code == 200
    assert [item["status"] for item in answer.json()["answers"]] == [200, 422, 403, 409, 422]


async def test_an_idempotency_key_belongs_to_one_request(caller: Caller) -> None:
    headers = caller.as_("county-hospital", **{"Idempotency-Key": "k-1"})
    body = {"person": {"documents": CHILD}, "fact": _birth()}
    first = await caller.http.post("/v1/reports", json=body, headers=headers)
    again = await caller.http.post("/v1/reports", json=body, headers=headers)
    other = await caller.http.post("/v1/reports", json={**body, "fact": _birth("B-9")}, headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 409)
    assert again.json() == first.json()


@pytest.mark.parametrize("number", ["B-1", "出生 #1?", None])
async def test_an_answer_that_takes_longer_is_fetched_later(world: World, tmp_path: Path, number: str | None) -> None:
    await world.stop_workers()
    ledger = AwayForNow(world.ledger)
    await world.start_workers(registry=ledger)
    async with calling(world, tmp_path, patience=0.2) as hasty:
        answer = await hasty.report("county-hospital", CHILD, _birth(number))
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == answer.json()["status_at"]
        assert (await hasty.get("county-hospital", answer.json()["status_at"])).status_code == 202
        ledger.away = False
        async with asyncio.timeout(40):
            while (later := await hasty.get("county-hospital", answer.json()["status_at"])).status_code == 202:
                await asyncio.sleep(0.05)
        assert later.status_code == 200, later.text
        assert later.json()["status"] == "newborn_window_open"
        other = await hasty.get("county-bureau", answer.json()["status_at"])
        assert other.status_code == 404


async def test_without_a_worker_nothing_is_taken_and_it_says_when_to_come_again(world: World, tmp_path: Path) -> None:
    await world.stop_workers()
    async with calling(world, tmp_path, patience=1) as patient:
        answer = await patient.report("county-hospital", CHILD, _birth())
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        await world.start_workers()
        async with asyncio.timeout(30):
            while (answer := await patient.report("county-hospital", CHILD, _birth())).status_code == 503:
                await asyncio.sleep(0.1)
        assert answer.status_code == 200
        facts = await world.handle(answer.json()["person"]).query("facts", result_type=list[str])
        assert len(facts) == 1


async def test_without_the_registry_it_is_unavailable(world: World, tmp_path: Path) -> None:
    nowhere = connect_registry("postgresql://nobody@127.0.0.1:1/none", RING)
    async with calling(world, tmp_path) as caller:
        assert (await caller.http.get("/health/ready")).status_code == 200
    async with calling(world, tmp_path, database=nowhere) as caller:
        for answer in (await caller.http.get("/health/ready"), await caller.report("county-hospital", CHILD, _birth())):
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:canbao:problem:unavailable")
            assert answer.headers["Retry-After"]
        assert (await caller.http.get("/health/live")).status_code == 200
    await nowhere.close()


# -- who may say what -----------------------------------------------------------------------------------------------


async def test_who_is_not_known_is_not_heard(caller: Caller) -> None:
    other = DevelopmentIssuer(b"o" * 32, ISSUER, AUDIENCE)
    wrong = (
        None,
        "Bearer nonsense",
        f"Bearer {other.token('county-hospital')}",
        f"Bearer {caller.issuer.token('county-hospital', seconds=-100)}",
        f"Bearer {DevelopmentIssuer(b'i' * 32, ISSUER, 'another').token('county-hospital')}",
        f"Bearer {DevelopmentIssuer(b'i' * 32, 'http://else', AUDIENCE).token('county-hospital')}",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJjb3VudHktaG9zcGl0YWwifQ.",
    )
    body = {"person": {"documents": CHILD}, "fact": _birth()}
    for header in wrong:
        headers = {} if header is None else {"Authorization": header}
        answer = await caller.http.post("/v1/reports", json=body, headers=headers)
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    stranger = await caller.http.post("/v1/reports", json=body, headers=caller.as_("nobody-known"))
    assert stranger.status_code == 403


@pytest.mark.parametrize(
    ("sender", "fact", "named"),
    [
        ("county-hospital", {"type": "died", "on": "2026-11-01"}, "may not report died"),
        ("county-hospital", {"type": "birth", "on": "2026-11-01", "area": "130300"}, "130925 and not of 130300"),
        ("county-tax", {"type": "registered", "scheme": "resident", "on": "2026-11-01"}, "may not report"),
        ("machine-works", {"type": "employment_ended", "on": "2026-11-01"}, "its own people only"),
        (
            "tianjin-bureau",
            {**_TRANSFER, "from_area": "310000", "to_area": "440000"},
            "which the transfer does not concern",
        ),
    ],
)
async def test_what_a_sender_may_not_say_is_refused_and_written_down(
    caller: Caller, sender: str, fact: dict[str, Any], named: str
) -> None:
    answer = await caller.report(sender, CHILD, fact)
    assert answer.status_code == 403
    assert named in answer.json()["detail"]
    written = await caller.service.audit.of(sender)
    assert [entry.outcome for entry in written] == ["refused"]
    assert named in written[0].because


async def test_a_school_speaks_of_its_own_students(caller: Caller) -> None:
    student = [MOTHER]
    left = {"type": "school_left", "on": str(TODAY), "area": "130300"}
    entered = {"type": "school_entered", "on": "2026-09-01", "area": "130300"}
    assert (await caller.report("city-college", student, left)).status_code == 403
    receipt = await caller.report("city-college", student, entered)
    assert receipt.status_code == 200, receipt.text
    assert (await caller.report("city-college", student, left)).status_code == 200
    person = receipt.json()["person"]
    seen = await caller.get("city-college", f"/v1/people/{person}/coverage", on=str(TODAY))
    assert seen.status_code == 200, seen.text
    stranger = (await caller.report("county-bureau", CHILD, _birth())).json()["person"]
    await caller.recorded(stranger)
    assert (await caller.get("city-college", f"/v1/people/{stranger}/coverage", on=str(TODAY))).status_code == 403


async def test_nobody_takes_back_what_another_said(caller: Caller) -> None:
    anonymous = {"type": "birth", "on": str(TODAY - timedelta(days=3)), "area": "130925"}
    receipt = (await caller.report("county-bureau", CHILD, anonymous)).json()
    await caller.recorded(receipt["person"])
    back = {**anonymous, "corrects": receipt["fact"], "withdrawn": True, "id": "back"}
    assert (await caller.report("county-hospital", CHILD, back)).status_code == 403
    assert (await caller.report("county-bureau", CHILD, back)).status_code == 200


async def test_an_own_sender_takes_back_nothing_of_others_either(caller: Caller) -> None:
    student = [MOTHER]
    entered = {"type": "school_entered", "on": "2026-09-01", "area": "130300"}
    anonymous = {"type": "registered", "scheme": "resident", "plan_year": 2027, "on": "2026-10-01"}
    said = (await caller.report("county-bureau", student, anonymous)).json()
    assert (await caller.report("city-college", student, entered)).status_code == 200
    await caller.recorded(said["person"])
    back = {"type": "school_left", "on": "2026-10-01", "corrects": said["fact"], "withdrawn": True, "id": "x"}
    assert (await caller.report("city-college", student, back)).status_code == 403


async def test_nobody_dies_by_the_word_of_another_area(caller: Caller) -> None:
    enrolled = {"type": "also_enrolled", "scheme": "resident", "plan_year": 2027, "on": "2026-11-01", "area": "120000"}
    person = (await caller.report("tianjin-bureau", CHILD, enrolled)).json()["person"]
    await caller.recorded(person)
    body = {"person": {"key": person}, "fact": {"type": "died", "on": str(TODAY)}}
    answer = await caller.http.post("/v1/reports", json=body, headers=caller.as_("civil-affairs"))
    assert (answer.status_code, "does not belong" in answer.json()["detail"]) == (403, True)


async def test_a_key_of_nobody_begins_no_life(caller: Caller, world: World) -> None:
    body = {"person": {"key": "nobodyhasthiskey"}, "fact": _birth()}
    answer = await caller.http.post("/v1/reports", json=body, headers=caller.as_("county-hospital"))
    assert answer.status_code == 404
    with pytest.raises(RPCError, match="not found"):
        await world.handle("nobodyhasthiskey").describe()


async def test_a_report_that_was_never_taken_has_no_standing(caller: Caller) -> None:
    person = (await caller.report("county-hospital", CHILD, _birth())).json()["person"]
    never = await caller.get("county-hospital", f"/v1/people/{person}/reports/county-hospital:B-2")
    assert never.status_code == 404


async def test_more_than_a_senders_share_has_to_wait(caller: Caller) -> None:
    headers = caller.as_("village-agent")
    reports = {"reports": [{"nothing": 1}] * 100}
    assert (await caller.http.post("/v1/reports/batch", json=reports, headers=headers)).status_code == 200
    answer = await caller.http.post("/v1/reports/batch", json=reports, headers=headers)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


# -- reading --------------------------------------------------------------------------------------------------------


async def test_reading_about_a_person(caller: Caller, world: World) -> None:
    person = (await caller.report("county-bureau", CHILD, _birth())).json()["person"]
    await caller.recorded(person)
    cover = await caller.get("county-bureau", f"/v1/people/{person}/coverage", on=str(TODAY))
    assert cover.json()["covered"] in ("no", "unknown")
    timeline = await caller.get("county-bureau", f"/v1/people/{person}/timeline")
    assert [line["by"] for line in timeline.json()["lines"] if line["kind"] == "fact"] == ["county-bureau"]
    standing = await caller.get("county-bureau", f"/v1/people/{person}")
    assert standing.json()["status"] == "newborn_window_open"
    hospital = await caller.get("county-hospital", f"/v1/people/{person}/timeline")
    assert hospital.status_code == 403
    unknown = await caller.get("county-bureau", "/v1/people/zzzz/timeline")
    assert unknown.status_code == 404
    open_matters = await caller.get("county-bureau", "/v1/open")
    assert open_matters.status_code == 200
    assert {entry.act for entry in await caller.service.audit.of("county-bureau")} >= {
        "read coverage",
        "read timeline",
        "read open",
    }


async def test_documents_become_a_key(caller: Caller) -> None:
    headers = caller.as_("county-hospital")
    first = await caller.http.post("/v1/keys", json={"documents": CHILD}, headers=headers)
    person = (await caller.report("county-hospital", CHILD, _birth())).json()["person"]
    assert first.json() == {"key": person, "workflow_id": f"person-{person}", "task_queue": "canbao-lives"}
    refused = await caller.http.post("/v1/keys", json={"documents": CHILD}, headers=caller.as_("county-tax"))
    assert refused.status_code == 403


# -- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("documents", "fact", "named"),
    [
        ([{"kind": "id_number", "number": "110105194912310021"}], _birth(), "check character"),
        ([{"kind": "passport", "number": "987654321"}], _birth(), "country and number"),
        ([{"kind": "id_number"}], _birth(), "number: expected"),
        ([{"kind": "newborn", "mother": MOTHER, "born": "2026-02-30", "order": 1}], _birth(), "field born"),
        (CHILD, {**_birth(), "on": "2026-02-30"}, "on"),
        (CHILD, {**_birth(), "on": str(TODAY + timedelta(days=2))}, "after today"),
        (CHILD, {**_birth(), "area": "999999"}, "no division of GB/T 2260"),
        (CHILD, {**_birth(), "weather": "fine"}, "weather"),
        (CHILD, {**_birth(), "id": "a\u0000b"}, "id"),
        (CHILD, {"type": "flown", "on": "2026-11-01"}, "fact type"),
    ],
)
async def test_bad_input_is_named_by_field(
    caller: Caller, documents: list[dict[str, Any]], fact: dict[str, Any], named: str
) -> None:
    answer = await caller.report("county-hospital", documents, fact)
    assert answer.status_code == 422, answer.text
    assert named in answer.json()["detail"]
    assert not any(str(item.get("number")) in answer.text for item in documents if item.get("number"))


async def test_the_wrong_scheme_is_refused(caller: Caller) -> None:
    fact = {"type": "registered", "scheme": "pension", "on": str(TODAY)}
    answer = await caller.report("county-bureau", CHILD, fact)
    assert (answer.status_code, "scheme" in answer.json()["detail"]) == (422, True)


async def test_ten_megabytes_are_too_much(caller: Caller) -> None:
    headers = caller.as_("county-hospital", **{"Content-Type": "application/json"})
    large = b'{"person": "' + b"x" * (10 << 20) + b'"}'
    stated = await caller.http.post("/v1/reports", content=large, headers=headers)

    async def unstated() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 1 << 16):
            yield large[start : start + (1 << 16)]

    streamed = await caller.http.post("/v1/reports", content=unstated(), headers=headers)
    assert (stated.status_code, streamed.status_code) == (413, 413)
    assert stated.json()["type"] == "urn:canbao:problem:too-large"
    assert len(large) > MAXIMUM_BODY


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"null", b"[" * 100_000, b'{"person": NaN}', b"\xff\xfe", b'"\\ud800"']
)
async def test_what_is_no_report_is_no_fault(caller: Caller, body: bytes) -> None:
    headers = caller.as_("county-hospital", **{"Content-Type": "application/json"})
    answer = await caller.http.post("/v1/reports", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text


async def test_a_problem_speaks_the_language_that_was_asked_for(caller: Caller) -> None:
    body = {"person": {"documents": CHILD}, "fact": {"type": "died", "on": "2026-11-01"}}
    said = {}
    for language in ("zh-CN", "en", ""):
        headers = caller.as_("county-hospital", **({"Accept-Language": language} if language else {}))
        said[language] = (await caller.http.post("/v1/reports", json=body, headers=headers)).json()["detail"]
    assert "无权报送" in said["zh-CN"]
    assert "无权" not in said["en"]
    assert said["zh-CN"] in said[""]
    assert said["en"] in said[""]


async def test_no_number_stands_in_a_log_or_an_answer(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    numbers = ("T130000001", "11010519491231002X", "110105194912310021")
    answers = [
        await caller.report("county-hospital", [{"kind": "id_number", "number": number}, *CHILD], _birth())
        for number in numbers[1:]
    ]
    answers.append(await caller.report("county-hospital", CHILD, _birth(on=str(TODAY + timedelta(days=9)))))
    for number in numbers:
        assert number not in caplog.text
        assert all(number not in answer.text for answer in answers)


# -- files ----------------------------------------------------------------------------------------------------------


async def test_a_file_is_uploaded_checked_and_answered(caller: Caller) -> None:
    headers = caller.as_("county-tax", **{"Content-Type": "text/csv"})
    content = (SAMPLES / "county-tax" / "facts.csv").read_bytes()
    wrong = await caller.http.post("/v1/imports?amount=1.00", content=content, headers=headers)
    assert (wrong.status_code, "money: 1 stated, 1200 found" in wrong.json()["detail"]) == (422, True)
    taken = await caller.http.post("/v1/imports?name=税票.csv", content=content, headers=headers)
    assert taken.status_code == 202, taken.text
    answer = taken.json()
    assert (answer["name"], answer["check"]["amount"], answer["check"]["headcount"]) == ("税票.csv", "1200", 3)
    async with asyncio.timeout(30):
        while (await caller.get("county-tax", answer["status_at"])).json()["state"] == "running":
            await asyncio.sleep(0.05)
    result = await caller.get("county-tax", answer["result_at"])
    assert result.text.lstrip("\ufeff").splitlines()[1].startswith("3,已受理")
    assert (await caller.get("county-bureau", answer["status_at"])).status_code == 404
    again = await caller.http.post("/v1/imports", content=content, headers=headers)
    assert again.json()["id"] == answer["id"]
    empty = await caller.http.post("/v1/imports", content=b"", headers=headers)
    assert (empty.status_code, "upload: the file is empty" in empty.json()["detail"]) == (422, True)
    large = await caller.http.post("/v1/imports", content=b"x" * (MAXIMUM_FILE + 1), headers=headers)
    assert large.status_code == 413
