"""Any language: the published schema, and Temporal's own command line starting and feeding a life without our code."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from demo.make_samples import id_number
from domain.facts import FACT_TYPES, parse_fact
from domain.life import Receipt
from intake.schemas import published
from sandbox.processes import program
from tests.codec import codec_server
from tests.service import calling
from tests.world import World

ROOT = Path(__file__).parent.parent
SCHEMA = published()


def _valid(name: str, content: Any) -> bool:
    schema = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    return not list(jsonschema.Draft202012Validator(schema).iter_errors(content))


def test_the_published_schema_is_the_one_of_this_program() -> None:
    """A change of it is a change of the contract: `./do docs` writes it anew, and it must only grow."""
    held = json.loads((ROOT / "docs" / "schema" / "v1.json").read_text(encoding="utf-8"))
    assert held == json.loads(json.dumps(SCHEMA))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_fact_type_is_in_it() -> None:
    assert set(SCHEMA["$defs"]["Fact"]["discriminator"]["mapping"]) == set(FACT_TYPES)


@pytest.mark.parametrize(
    ("fact", "valid"),
    [
        ({"type": "birth", "on": "2026-11-01", "area": "130925"}, True),
        ({"type": "paid", "on": "2026-11-01", "scheme": "resident", "plan_year": 2027, "amount": "400.00"}, True),
        ({"type": "covered_before", "scheme": "resident", "from": "2020-01-01", "to": "2020-12-31"}, True),
        ({"type": "birth"}, False),
        ({"type": "birth", "on": "yesterday"}, False),
        ({"type": "birth", "on": "2026-11-01", "weather": "fine"}, False),
        ({"type": "paid", "on": "2026-11-01", "scheme": "pension"}, False),
        ({"type": "paid", "on": "2026-11-01", "scheme": "resident", "amount": "4.001"}, False),
    ],
)
def test_the_schema_admits_what_the_contract_admits(fact: dict[str, Any], valid: bool) -> None:
    assert _valid("Fact", fact) is valid
    if valid:
        parse_fact(fact)
    else:
        with pytest.raises(ValueError, match="field"):
            parse_fact(fact)


async def test_the_command_line_of_temporal_starts_and_feeds_a_life(world: World, tmp_path: Path) -> None:
    """What docs/intake.md tells an intake system in another language to do, done with the Temporal CLI."""
    async with calling(world, tmp_path) as caller, codec_server(world, tmp_path) as codec:
        document = {"kind": "id_number", "number": id_number("1980-04-04", 12)}
        headers = caller.as_("county-bureau")
        key = (await caller.http.post("/v1/keys", json={"documents": [document]}, headers=headers)).json()
        fact = {"type": "registered", "id": "J-1", "scheme": "resident", "plan_year": 2017, "on": "2016-11-01"}
        fact["area"] = "130925"
        start = {"key": key["key"]}
        assert _valid("Fact", fact)
        assert _valid("WorkflowInput", start)
        temporal = SCHEMA["x-temporal"]
        command = [
            *(program("temporal"), "workflow", "execute-update-with-start"),
            *("--address", world.client.service_client.config.target_host, "--namespace", world.client.namespace),
            *(
                "--type",
                temporal["workflow_type"],
                "--task-queue",
                key["task_queue"],
                "--workflow-id",
                key["workflow_id"],
            ),
            *("--id-conflict-policy", "UseExisting", "--input", json.dumps(start)),
            *("--update-name", temporal["update"]["name"], "--update-id", "J-1"),
            *("--update-input", json.dumps(fact), "--update-input", json.dumps("java-intake"), "--output", "json"),
            *codec.arguments("county-bureau"),
        ]
        world.keys.append(key["key"])
        world.shifts[key["key"]] = 0
        for _ in range(2):  # the same again is the same
            process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            out, err = await process.communicate()
            assert process.returncode == 0, err.decode()
            receipt = json.loads(out)["updateResult"]
            assert _valid("Receipt", receipt)
            assert Receipt.model_validate(receipt).status == "awaiting_payment"
        facts = [json.loads(text) for text in await world.handle(key["key"]).query("facts", result_type=list[str])]
        assert [(held["id"], held["recorded_on"]) for held in facts] == [("J-1", receipt["recorded_on"])]
        async with asyncio.timeout(10):
            while not (lines := await caller.service.reader.history(key["key"])):
                await asyncio.sleep(0.02)
        assert lines[0].by == "java-intake"


def test_the_schema_is_what_the_console_prints() -> None:
    printed = subprocess.run([program("canbao"), "schema"], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(printed.stdout) == json.loads(json.dumps(SCHEMA))
