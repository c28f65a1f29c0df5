"""Operators at the command line: `canbao person`, `canbao case`, `canbao notice`, and Temporal's own tool alone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

from adapters.registry.published_packs import PublishedPacks
from sandbox.processes import program
from tests.codec import OPERATOR, codec_server
from tests.facts import NANNING, YANSHAN, birth, paid, registered
from tests.test_notices import CHANGED
from tests.test_refunds import ASKED, MOVED, SLOT
from tests.world import World
from workflows.names import case_workflow_id, person_workflow_id

LEVY = f"levy/resident/{YANSHAN}/2017/basic"


async def _run(world: World, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": world.client.namespace,
        "CANBAO_DATA": str(world.settings.data),
        "CANBAO_DATABASE_URL": world.settings.database_url,
        "LANG": "C",
        "COLUMNS": "200",
    }
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, env=environment, timeout=60, check=False
    )


async def _canbao(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await _run(world, program("canbao"), *arguments)


async def test_a_life_is_shown_explained_and_previewed(world: World) -> None:
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
    shown = await _canbao(world, "person", "show", key)
    assert "awaiting payment" in shown.stdout
    assert "2017-05-31" in shown.stdout
    before = await world.event_count(key)
    payment = json.dumps(paid("2017-03-05", 2017, amount="150"))
    preview = await _canbao(world, "person", "preview", key, payment)
    assert "+ cover resident 130925 2017-03-01 → 2017-12-31" in preview.stdout, preview.stderr
    assert await world.event_count(key) == before
    reported = await _canbao(world, "person", "report", person_workflow_id(key), payment)
    assert reported.returncode == 0, reported.stderr
    explained = await _canbao(world, "person", "explain", key, "--lang", "zh")
    assert "S002:L337" in explained.stdout
    assert "缴费" in explained.stdout
    assert '"type":"paid"' in (await _canbao(world, "person", "facts", key)).stdout
    assert "covered from 2017-03-01" in (await _canbao(world, "person", "timeline", key)).stdout


async def test_an_operator_acts_and_is_refused_in_one_sentence(world: World) -> None:
    key = await world.live([registered("2022-03-14", 2022, NANNING, "ordinary")])
    who = ("--actor", "clerk-7", "--reason", "notice 12")
    done = await _canbao(world, "person", "resolve", key, "question=late.price", "answer=individual", *who)
    assert done.returncode == 0, done.stderr
    refused = await _canbao(world, "person", "resolve", key, "question=late.price", "answer=individual2", *who)
    assert refused.returncode == 2
    assert "no question late.price is open" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    nobody = await _canbao(world, "person", "show", "nobody")
    assert nobody.returncode == 2
    assert "there is no workflow person-nobody" in nobody.stderr
    wrong = await _canbao(world, "person", "retry", key, "levy", *who)
    assert "NAME=VALUE is expected" in wrong.stderr


async def test_a_case_is_shown_and_settled_by_two(world: World) -> None:
    key = await world.live([*MOVED, ASKED])
    await world.case_stands(key, SLOT, "accepted by the tax bureau")
    case = case_workflow_id(key, SLOT)
    assert "accepted by the tax bureau" in (await _canbao(world, "case", "show", case)).stdout
    fields = (f"slot={SLOT}", "evidence=receipt 12")
    proposed = await _canbao(world, "case", "settle", case, *fields, "--actor", "clerk-7", "--reason", "paid in cash")
    assert "a second person must approve operation:" in proposed.stdout
    proposal = proposed.stdout.split()[-1]
    reviewer = ("--actor", "head-2", "--role", "reviewer", "--reason", "seen")
    approved = await _canbao(world, "case", "approve", case, f"proposal={proposal}", *reviewer)
    assert approved.returncode == 0, approved.stderr
    assert await world.case(key, SLOT).result() == "settled by other means"


async def test_temporals_own_tool_can_do_all_of_it(world: World, tmp_path: Path) -> None:
    world.bureau.refusing = True
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
    world.bureau.refusing = False
    request = {"actor": "clerk-7", "role": "clerk", "reason": "the bureau says it is mended", "slot": LEVY}
    update = ["workflow", "update", "execute", "--workflow-id", person_workflow_id(key), "--name", "retry"]
    async with codec_server(world, tmp_path) as codec:
        through = codec.arguments(OPERATOR)
        done = await _run(world, program("temporal"), *update, "--input", json.dumps(request), *through)
        assert done.returncode == 0, done.stderr
        await world.settled(key)
        assert [state for _, state, _ in world.bureau.levies.values()] == ["open"]
        unknown = json.dumps({**request, "slot": "levy/none"})
        wrong = await _run(world, program("temporal"), *update, "--input", unknown, *through)
        assert "there is no effect levy/none" in wrong.stdout + wrong.stderr
    plain = await _run(world, program("temporal"), *update, "--input", json.dumps(request))
    assert plain.returncode != 0
    assert "plain" in world.unread.kinds


async def test_a_notice_is_applied_and_watched(world: World, tmp_path: Path) -> None:
    await world.live([registered("2022-03-14", 2022, NANNING, "ordinary")])
    file = tmp_path / YANSHAN / "2017.yaml"
    file.parent.mkdir()
    file.write_text(CHANGED, encoding="utf-8")
    given = ("notice", "apply", str(file), "--by", "head-2", "--reason", "notice 3", "--wait")
    applied = await _canbao(world, *given)
    assert applied.returncode == 0, applied.stderr
    assert "told 0, changed 0, ended 0, unreachable 0" in applied.stdout
    assert "this notice was already given" in (await _canbao(world, *given)).stdout
    assert "done" in (await _canbao(world, "notice", "status", str(file))).stdout
    assert await PublishedPacks(world.database).digest()
    broken = tmp_path / YANSHAN / "broken.yaml"
    broken.write_text("area: '130925'\ncolour: red\n", encoding="utf-8")
    refused = await _canbao(world, "packs", "publish", str(broken), "--by", "head-2", "--reason", "notice 4")
    assert refused.returncode == 2
    assert "broken.yaml" in refused.stderr


async def test_sleepers_are_nudged(world: World) -> None:
    key = await world.live([birth("2017-03-01")])
    before = await world.event_count(key)
    nudged = await _canbao(world, "nudge", "--rate", "500", "--query", f'PersonKey="{key}"')
    assert "nudged: 1" in nudged.stdout, nudged.stderr
    await world.settled(key)
    assert await world.event_count(key) > before
    assert (await world.ledger.read(key)).sequence == 1, "a nudge that changes nothing records nothing"
