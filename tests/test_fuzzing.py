"""The running service under a fuzzer that reads its contract: no fault, and every answer as the contract says."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.processes import answers, free_port, program, running
from tests.service import SAMPLES, adopt
from tests.world import World

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@asynccontextmanager
async def _served(world: World, folder: Path) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """The service as a process of its own, and the environment of its commands."""
    port = free_port()
    environment = {
        **os.environ,
        "TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": world.client.namespace,
        "CANBAO_DATA": str(folder),
        "CANBAO_DATABASE_URL": world.settings.database_url,
        "CANBAO_SENDERS": str(SAMPLES),
        "CANBAO_ANSWER_SECONDS": "2",
    }
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), program("canbao"), "serve"]
    with running([*command, "--port", str(port)], folder / "serve.log", lambda: answers(port), "the service"):
        yield f"http://127.0.0.1:{port}", environment


@pytest.mark.timeout(300)
async def test_no_request_that_the_contract_describes_or_forbids_is_a_fault(world: World, tmp_path: Path) -> None:
    async with _served(world, tmp_path) as (address, environment):
        issued = [program("canbao"), "dev-issuer", "--token", "county-bureau"]
        token = await asyncio.to_thread(
            subprocess.check_output, issued, env=environment, text=True, timeout=60, stderr=subprocess.STDOUT
        )
        command = [
            *(program("schemathesis"), "run", f"{address}/openapi.json", "--checks", CHECKS),
            *("--header", f"Authorization: Bearer {token.strip()}", "--max-examples", "8", "--seed", "20261122"),
            *("--mode", "all", "--phases", "examples,coverage,fuzzing", "--workers", "1", "--no-color"),
            *("--generation-database", "none", "--continue-on-failure", "--suppress-health-check", "all"),
        ]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=280, cwd=tmp_path, check=False
        )
        await adopt(world, world.database)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        log = (tmp_path / "serve.log").read_text(encoding="utf-8")
        assert "Traceback" not in log, log[-3000:]
