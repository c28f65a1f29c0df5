"""The codec server: clear text for those who may see it, written down before it is given; nothing for others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.converter import WorkflowSerializationContext

from adapters.payload_codec import AREA, KEY_ID, WORKFLOW_ID, SealingCodec, is_sealed
from domain.errors import ConfigurationError
from domain.operators import Operators
from domain.senders import Sender
from intake.codec_server.viewers import Viewers
from intake.operator_list import OperatorList
from intake.yaml_files import read_model
from tests.codec import OPERATOR, STRANGER, CodecServer, codec_server, endpoint
from tests.facts import KUNMING, registered
from tests.world import World
from workflows.names import person_of, person_workflow_id

PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"serious_illness": true}')
UI = "http://127.0.0.1:8233"


async def _sealed(world: World, workflow_id: str) -> Payload:
    codec = SealingCodec(world.database.keys, person_of)
    return (await codec.with_context(WorkflowSerializationContext("default", workflow_id)).encode([PLAIN]))[0]


def _body(payloads: Sequence[Payload]) -> dict[str, Any]:
    return json_format.MessageToDict(Payloads(payloads=payloads))


def _payloads(answer: httpx2.Response) -> list[Payload]:
    assert answer.status_code == 200, answer.text
    return list(json_format.Parse(answer.text, Payloads()).payloads)


async def _decode(server: CodecServer, who: str, *payloads: Payload, **headers: str) -> httpx2.Response:
    return await server.http.post("/decode", json=_body(payloads), headers={**server.as_(who), **headers})


async def _life(world: World, area: str) -> str:
    key = await world.live([registered("2016-11-10", 2017, area, "ordinary")])
    await world.settled(key)
    return key


async def test_an_operator_sees_their_own_area_and_it_is_written_down(world: World, tmp_path: Path) -> None:
    here, there = await _life(world, "130925"), await _life(world, KUNMING)
    of_here, of_there = await _sealed(world, person_workflow_id(here)), await _sealed(world, person_workflow_id(there))
    async with codec_server(world, tmp_path) as server:
        assert _payloads(await _decode(server, OPERATOR, of_here, PLAIN)) == [PLAIN, PLAIN]
        assert _payloads(await _decode(server, "cangzhou-reviewer", of_here)) == [PLAIN]
        assert _payloads(await _decode(server, "head-office", of_here, of_there)) == [PLAIN, PLAIN]
        for who, payloads in ((STRANGER, [of_here]), (OPERATOR, [of_there]), (OPERATOR, [of_here, of_there])):
            refused = await _decode(server, who, *payloads)
            assert refused.status_code == 403, refused.text
            assert "may not see this person" in refused.json()["detail"]
        lines = await server.audit.lines(person=here)
        assert [(line.sender, line.act, line.outcome, line.way) for line in reversed(lines)] == [
            (OPERATOR, "decode", "done", "codec"),
            ("cangzhou-reviewer", "decode", "done", "codec"),
            ("head-office", "decode", "done", "codec"),
            (STRANGER, "decode", "refused", "codec"),
            *([(OPERATOR, "decode", "done", "codec")] if here < there else []),
        ]


@pytest.mark.parametrize("who", ["auditor", "technician", "county-hospital", "nobody-at-all"])
async def test_whoever_reads_no_personal_data_sees_none(world: World, tmp_path: Path, who: str) -> None:
    key = await _life(world, "130925")
    async with codec_server(world, tmp_path) as server:
        for payload in (await _sealed(world, person_workflow_id(key)), await _sealed(world, "import-1")):
            refused = await _decode(server, who, payload)
            assert refused.status_code == 403
            assert b"illness" not in refused.content


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}])
async def test_without_a_token_nobody_sees_anything(world: World, tmp_path: Path, header: dict[str, str]) -> None:
    body: dict[str, Any] = _body([await _sealed(world, "person-a")])
    async with codec_server(world, tmp_path) as server:
        glass = {"person": "abc", "reason": "because of something"}
        for verb, content in (("decode", body), ("encode", body), ("as/x/decode", body), ("break-glass", glass)):
            refused = await server.http.post(f"/{verb}", json=content, headers=header)
            assert refused.status_code == 401, refused.text


async def test_a_token_in_the_path_counts_only_where_that_is_switched_on(world: World, tmp_path: Path) -> None:
    key = await _life(world, "130925")
    payload = await _sealed(world, person_workflow_id(key))
    async with codec_server(world, tmp_path) as server:
        path = endpoint(server.port, OPERATOR)
        assert _payloads(await server.http.post(f"{path}/decode", json=_body([payload]))) == [PLAIN]
    async with codec_server(world, tmp_path, token_in_path=False) as server:
        path = endpoint(server.port, OPERATOR)
        assert (await server.http.post(f"{path}/decode", json=_body([payload]))).status_code == 401


async def test_what_a_form_sends_is_sealed_with_the_intake_key(world: World, tmp_path: Path) -> None:
    async with codec_server(world, tmp_path) as server:
        answer = await server.http.post("/encode", json=_body([PLAIN, PLAIN]), headers=server.as_(OPERATOR))
        sealed = _payloads(answer)
        for payload in sealed:
            assert is_sealed(payload)
            assert payload.metadata[KEY_ID].startswith(b"intake-")
            assert payload.metadata[WORKFLOW_ID] == b""
        again = await server.http.post("/encode", json=_body(sealed), headers=server.as_(OPERATOR))
        assert _payloads(again) == sealed, "what is sealed is not sealed twice"
        assert _payloads(await _decode(server, OPERATOR, sealed[0])) == [PLAIN]
        for who in (STRANGER, "county-bureau-of-nowhere", "county-hospital"):
            assert (await _decode(server, who, sealed[0])).status_code == 403
        assert _payloads(await _decode(server, "county-bureau", sealed[0])) == [PLAIN]
        key = await _life(world, KUNMING)
        mixed = [sealed[0], await _sealed(world, person_workflow_id(key))]
        shown = _payloads(await _decode(server, STRANGER, *mixed))
        assert shown == [sealed[0], PLAIN], "what may not be seen stays sealed beside what may"
        refused = await server.http.post("/encode", json=_body([PLAIN]), headers=server.as_("technician"))
        assert refused.status_code == 403
        assert [(line.act, line.outcome) for line in await server.audit.of("technician")] == [("encode", "refused")]


async def test_a_sender_that_speaks_with_temporal_itself_reads_what_it_may_read(world: World, tmp_path: Path) -> None:
    here, there = await _life(world, "130925"), await _life(world, KUNMING)
    async with codec_server(world, tmp_path) as server:
        assert _payloads(await _decode(server, "county-bureau", await _sealed(world, person_workflow_id(here)))) == [
            PLAIN
        ]
        refused = await _decode(server, "county-bureau", await _sealed(world, person_workflow_id(there)))
        assert refused.status_code == 403


async def test_a_reviewer_breaks_the_glass_with_a_reason(world: World, tmp_path: Path) -> None:
    key = await _life(world, KUNMING)
    payload = await _sealed(world, person_workflow_id(key))
    glass = {"person": key, "reason": "the person stands at our counter, transfer of 3 May"}
    async with codec_server(world, tmp_path) as server:
        for who, status in (("cangzhou-reviewer", 204), (OPERATOR, 403), ("county-bureau", 403)):
            assert (await _decode(server, who, payload)).status_code == 403
            answer = await server.http.post("/break-glass", json=glass, headers=server.as_(who))
            assert answer.status_code == status, answer.text
        empty = await server.http.post(
            "/break-glass", json={**glass, "reason": " "}, headers=server.as_("cangzhou-reviewer")
        )
        assert empty.status_code == 422
        for strange in ("130925198004040019", "nobody", "\ud800"):
            unknown = await server.http.post(
                "/break-glass",
                content=json.dumps({**glass, "person": strange}),
                headers=server.as_("cangzhou-reviewer"),
            )
            assert unknown.status_code in (404, 422)
        written = str(await server.audit.lines(limit=1000))
        assert "130925198004040019" not in written
        assert _payloads(await _decode(server, "cangzhou-reviewer", payload)) == [PLAIN]
        assert (await _decode(server, OPERATOR, payload)).status_code == 403
        (line,) = [line for line in await server.audit.lines(person=key) if line.reason and line.outcome == "done"]
        assert (line.sender, line.act, line.reason) == ("cangzhou-reviewer", "break the glass", glass["reason"])


async def test_only_the_named_web_ui_may_ask_from_a_browser(world: World, tmp_path: Path) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-namespace"}
    async with codec_server(world, tmp_path, ui=[UI]) as server:
        allowed = await server.http.options("/decode", headers={"Origin": UI, **asked})
        assert allowed.headers["access-control-allow-origin"] == UI
        for origin in ("http://127.0.0.1:8234", "http://evil.test", "null"):
            refused = await server.http.options("/decode", headers={"Origin": origin, **asked})
            assert "access-control-allow-origin" not in refused.headers
        error = await server.http.post("/decode", json={}, headers={"Origin": UI})
        assert (error.status_code, error.headers["access-control-allow-origin"]) == (401, UI)


@pytest.mark.parametrize("body", [b"", b"{", b'{"payloads": 3}', b'{"payloads": [{"data": 7}]}', b"\xff"])
async def test_what_is_no_payloads_is_refused_in_a_sentence(world: World, tmp_path: Path, body: bytes) -> None:
    async with codec_server(world, tmp_path) as server:
        answer = await server.http.post("/decode", content=body, headers=server.as_(OPERATOR))
        assert answer.status_code == 422
        assert "Payloads are expected" in answer.json()["detail"]
        other = await server.http.post("/decipher", content=b"{}", headers=server.as_(OPERATOR))
        assert other.status_code == 422


async def test_another_namespace_and_what_cannot_be_opened(world: World, tmp_path: Path) -> None:
    key = await _life(world, "130925")
    payload = await _sealed(world, person_workflow_id(key))
    async with codec_server(world, tmp_path) as server:
        elsewhere = await _decode(server, OPERATOR, payload, **{"X-Namespace": "somewhere"})
        assert elsewhere.status_code == 403
        here = await _decode(server, OPERATOR, payload, **{"X-Namespace": world.client.namespace})
        assert _payloads(here) == [PLAIN]
        damaged = Payload()
        damaged.CopyFrom(payload)
        damaged.data = damaged.data[:-1]
        assert _payloads(await _decode(server, OPERATOR, damaged, payload)) == [damaged, PLAIN]
        placed = Payload()
        placed.CopyFrom(payload)
        placed.metadata[WORKFLOW_ID], placed.metadata[AREA] = b"import-1", b"abc"
        assert (await _decode(server, "county-bureau", placed)).status_code == 403
        claimed = Payload()
        claimed.CopyFrom(payload)
        claimed.metadata[WORKFLOW_ID] = b"person-130925198004040019"
        assert (await _decode(server, OPERATOR, claimed)).status_code == 403
        assert "130925198004040019" not in str(await server.audit.lines(limit=1000))
        lent = Payload()
        lent.CopyFrom(payload)
        lent.metadata[WORKFLOW_ID] = b"import-1"  # so that nobody asks whose it is
        assert (await _decode(server, OPERATOR, lent)).status_code == 403
        lent.metadata[KEY_ID] = b"system/" + payload.metadata[KEY_ID].partition(b"/")[2]
        assert _payloads(await _decode(server, OPERATOR, lent)) == [lent]


async def test_a_large_page_passes_wherever_the_server_is_mounted(world: World, tmp_path: Path) -> None:
    large = Payload(metadata=PLAIN.metadata, data=b"x" * (2 << 20))
    async with codec_server(world, tmp_path) as server:
        for path in ("/encode", "/default/encode"):
            answer = await server.http.post(path, json=_body([large]), headers=server.as_(OPERATOR))
            assert answer.status_code == 200, path


def test_who_is_taken_off_the_list_sees_nothing_any_more(tmp_path: Path) -> None:
    file, clock = tmp_path / "operators.yaml", [0.0]
    one = "  - {id: a-clerk, name: {zh: 甲, en: A}, role: clerk, area: '130925'}\n"
    file.write_text("operators:\n" + one + one.replace("a-clerk", "b-clerk"), encoding="utf-8")
    operators = OperatorList(file, now=lambda: clock[0])
    assert operators.current().get("b-clerk") is not None
    file.write_text("operators:\n" + one, encoding="utf-8")
    clock[0] = 6
    assert operators.current().get("b-clerk") is None
    assert operators.current().get("a-clerk") is not None


def test_a_list_of_operators_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "operators.yaml"
    one = "  - {id: a-clerk, name: {zh: 甲, en: A}, role: clerk, area: '130925'}\n"
    for content, because in (
        ("operators: 3\n", "field operators"),
        (f"operators:\n{one}{one}", "a-clerk is listed twice"),
        ("operators:\n" + one.replace("130925", "999999"), "999999 is no division"),
        ("operators:\n" + one.replace("clerk,", "king,"), "field operators.0.role"),
    ):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=because):
            read_model(file, Operators)


@pytest.mark.parametrize(
    ("people", "reads", "owner", "area", "sees"),
    [
        ("area", ["timeline"], "intake-2026-11", "130925", True),
        ("area", ["timeline"], "intake-2026-11", "130900", False),
        ("area", ["timeline"], "intake-2026-11", "", False),
        ("area", ["timeline"], "system", "130925", False),
        ("area", ["coverage"], "intake-2026-11", "130925", False),
        ("own", ["timeline"], "intake-2026-11", "130925", False),
    ],
)
def test_what_belongs_to_nobodys_workflow_is_for_senders_of_the_whole_area(
    people: str, reads: list[str], owner: str, area: str, sees: bool
) -> None:
    name = {"zh": "甲", "en": "A"}
    claims = ["school_entered"] if people == "own" else []
    sender = Sender.model_validate(
        {
            "id": "a-sender",
            "name": name,
            "kind": "school",
            "area": "130925",
            "reports": ["school_entered"],
            "reads": reads,
            "people": people,
            "claims": claims,
        }
    )
    assert Viewers.sees_of_nobody(sender, owner, area) is sees
