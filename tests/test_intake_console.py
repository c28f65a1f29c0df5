"""The console's side of intake: files, tokens, keys that are one person, collections."""

from __future__ import annotations

import asyncio
import base64
import csv
import os
import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest
from python_calamine import load_workbook

from adapters.registry.identities import Identities
from adapters.secrets import load_or_create
from domain.civil_time import current_day
from domain.identity_documents import IdentityDocument
from intake.tokens import Tokens
from sandbox.dev_issuer import DevelopmentIssuer
from sandbox.processes import program
from tests.service import AUDIENCE, ISSUER, SAMPLES, adopt
from tests.world import World


async def _canbao(world: World, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": world.client.namespace,
        "CANBAO_DATA": str(folder),
        "CANBAO_DATABASE_URL": world.settings.database_url,
        "CANBAO_SENDERS": str(SAMPLES),
    }
    return await asyncio.to_thread(
        subprocess.run,
        [program("canbao"), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


async def test_a_file_is_handed_over_checked_and_answered(world: World, tmp_path: Path) -> None:
    file = tmp_path / "facts.csv"
    shutil.copy(SAMPLES / "village-agent" / "facts.csv", file)
    wrong = await _canbao(world, tmp_path, "import", str(file), "--sender", "village-agent", "--headcount", "4")
    assert wrong.returncode == 2
    assert "headcount: 4 stated, 3 found" in wrong.stdout
    assert "nothing was taken" in wrong.stderr
    checked = await _canbao(world, tmp_path, "import", str(file), "--sender", "village-agent", "--check")
    assert (checked.returncode, "3 lines, 0 not usable; 3 people" in checked.stdout) == (0, True), checked.stderr
    assert not (tmp_path / "facts.result.csv").exists()
    done = await _canbao(world, tmp_path, "import", str(file), "--sender", "village-agent")
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "facts.result.csv").open(encoding="utf-8-sig", newline="") as opened:
        assert [row[1] for row in csv.reader(opened)] == ["outcome", "taken", "taken", "taken"]
    workbook = tmp_path / "result.xlsx"
    again = await _canbao(
        world, tmp_path, "--lang", "zh", "import", str(file), "--sender", "village-agent", "--result", str(workbook)
    )
    assert "已受理3" in again.stdout
    rows = load_workbook(workbook).get_sheet_by_index(0).to_python()
    assert [row[1] for row in rows] == ["结果", "已受理", "已受理", "已受理"]
    nobody = await _canbao(world, tmp_path, "import", str(file), "--sender", "nobody")
    assert (nobody.returncode, "there is no sender nobody" in nobody.stderr) == (2, True)
    await adopt(world, world.database)


async def test_keys_are_merged_and_parted_by_an_operator(world: World, tmp_path: Path) -> None:
    identities = Identities(world.database, load_or_create(tmp_path / "person-key.secret"))
    one, other = [
        await identities.person([IdentityDocument("passport", f"GBR/55500000{number}")]) for number in range(2)
    ]
    for key in (one, other):
        world.keys.append(key)
        world.shifts[key] = 0
        await world.report(key, {"type": "hukou_registered", "on": str(current_day()), "area": "130925"})
        await world.settled(key)
    because = ("--by", "clerk-7", "--reason", "one person, two passports")
    merged = await _canbao(world, tmp_path, "identity", "merge", one, other, *because)
    assert merged.returncode == 0, merged.stderr
    for key, told in ((one, other), (other, one)):
        facts = await world.handle(key).query("facts", result_type=list[str])
        assert any('"merged"' in text and told in text for text in facts)
    parted = await _canbao(world, tmp_path, "identity", "part", one, *because)
    assert (parted.returncode, "two people again" in parted.stdout) == (0, True), parted.stderr
    shown = await _canbao(world, tmp_path, "identity", "show", one)
    assert f"{one} → {other} clerk-7" in " ".join(shown.stdout.split())
    refused = await _canbao(world, tmp_path, "identity", "merge", one, "nobody", *because)
    assert (refused.returncode, "there is no person nobody" in refused.stderr) == (2, True)


async def test_a_collection_is_opened_and_read(world: World, tmp_path: Path) -> None:
    year = current_day().year + 1
    refused = await _canbao(world, tmp_path, "campaign", "open", "430100", str(year))
    assert (refused.returncode, "cannot begin" in refused.stderr) == (2, True), refused.stdout
    past = await _canbao(world, tmp_path, "campaign", "open", "130925", "2017", "--target", "95", "--remind", "7,1")
    assert (past.returncode, "2016-10-20 → 2016-12-20" in past.stdout) == (0, True), past.stderr
    world.cases.append("campaign-130925-2017")
    await world.client.get_workflow_handle("campaign-130925-2017").result()
    shown = await _canbao(world, tmp_path, "campaign", "status", "130925", "2017")
    assert (shown.returncode, "closed" in shown.stdout) == (0, True), shown.stderr
    listed = await _canbao(world, tmp_path, "--lang", "zh", "campaign", "list", "130925", "2017")
    assert listed.stdout.splitlines()[0] == "登记号,统筹区,状态,原因"
    nowhere = await _canbao(world, tmp_path, "campaign", "status", "130925", "1999")
    assert (nowhere.returncode, "no collection" in nowhere.stderr) == (2, True)
    malformed = await _canbao(world, tmp_path, "campaign", "open", "130925", "2017", "--remind", "soon")
    assert (malformed.returncode, "--remind takes days" in malformed.stderr) == (2, True)


async def test_the_development_issuer_gives_tokens_to_who_knows_the_secret(tmp_path: Path) -> None:
    issuer = DevelopmentIssuer(b"i" * 32, ISSUER, AUDIENCE)
    keys = tmp_path / "keys.json"
    issuer.publish(keys)
    assert '"d"' not in keys.read_text(encoding="utf-8")  # the private part of a key
    secret = issuer.client_secret("county-hospital")
    form = {"grant_type": "client_credentials", "client_id": "county-hospital", "client_secret": secret}
    transport = httpx2.ASGITransport(issuer.app())
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
        granted = await http.post("/token", data=form)
        assert granted.status_code == 200
        token = granted.json()["access_token"]
        assert await Tokens(str(keys), ISSUER, AUDIENCE).sender(f"Bearer {token}") == "county-hospital"
        basic = base64.b64encode(f"county-hospital:{secret}".encode()).decode()
        by_header = await http.post(
            "/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}
        )
        assert by_header.status_code == 200
        assert (await http.post("/token", data={**form, "client_secret": "x"})).status_code == 401
        assert (await http.post("/token", data={**form, "grant_type": "password"})).status_code == 400
        assert (await http.get("/jwks.json")).json()["keys"][0]["kty"] == "EC"


async def test_keys_that_cannot_be_fetched_are_not_fetched_again_and_again(tmp_path: Path) -> None:
    """Whoever makes tokens up must not have the issuer asked for each; the keys at hand go on."""
    now = [1000.0]
    issuer = DevelopmentIssuer(b"i" * 32, ISSUER, AUDIENCE)
    file = tmp_path / "keys.json"
    issuer.publish(file)
    tokens = Tokens(str(file), ISSUER, AUDIENCE)
    token = issuer.token("county-hospital")
    assert await tokens.sender(f"Bearer {token}") == "county-hospital"
    file.unlink()
    tokens._now = lambda: now[0]
    fetched = 0
    real = tokens._fetch

    async def counted() -> None:
        nonlocal fetched
        fetched += 1
        await real()

    tokens._fetch = counted  # type: ignore[method-assign]
    tokens._tried = tokens._fetched = now[0] - 1000
    for _ in range(5):
        with pytest.raises(Exception, match="not accepted"):
            await tokens.sender("Bearer made.up.token")
    assert fetched <= 2
