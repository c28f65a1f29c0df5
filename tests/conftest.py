"""One Temporal development server per test run, shared by all test processes; a namespace for each of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.processes import free_port
from sandbox.temporal_server import kind_name, temporal_server
from tests.world import ROLL_SUGGESTED_AT, World, connect_for_tests
from workflows.search_attributes import SEARCH_ATTRIBUTES

_ADDRESS = "TEST_TEMPORAL_ADDRESS"
_RUN = ExitStack()
# The worker-process tests take one of their own, so that no other process serves their lives.
_PROCESSES = ("main", "gw0", "gw1", "gw2", "gw3")
NAMESPACES = (*_PROCESSES, *(f"{name}-shared" for name in _PROCESSES), "worker-process", "versions")


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process starts the server; the test processes find its address in the environment."""
    for name in [name for name in os.environ if name.startswith(("CANBAO_", "TEMPORAL_"))]:
        del os.environ[name]
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    folder = Path(_RUN.enter_context(tempfile.TemporaryDirectory(prefix="canbao-tests-")))
    port = free_port()
    _RUN.enter_context(
        temporal_server(
            port=port,
            log=folder / "temporal.log",
            namespaces=NAMESPACES,
            search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
            # Rolling is made cheap to test: a life is asked to roll after far fewer events than in production.
            dynamic_config={"limit.historyCount.suggestContinueAsNew": str(ROLL_SUGGESTED_AT)},
        )
    )
    os.environ[_ADDRESS] = f"127.0.0.1:{port}"


def pytest_unconfigure(config: pytest.Config) -> None:
    _RUN.close()


@pytest.fixture(scope="session")
def temporal_address() -> str:
    return os.environ[_ADDRESS]


@pytest.fixture(scope="session")
def namespace() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest_asyncio.fixture
async def world(tmp_path: Path, temporal_address: str, namespace: str) -> AsyncIterator[World]:
    """A running world; when the test is over, every history that it made is replayed."""
    client = await connect_for_tests(temporal_address, namespace)
    async with World.running(client, tmp_path) as running:
        yield running
    await running.replay_everything()


@pytest_asyncio.fixture(scope="session")
async def lasting_world(
    tmp_path_factory: pytest.TempPathFactory, temporal_address: str, namespace: str
) -> AsyncIterator[World]:
    # A namespace of its own: workers of two worlds would take one another's work.
    client = await connect_for_tests(temporal_address, f"{namespace}-shared")
    async with World.running(client, tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest_asyncio.fixture
async def shared_world(lasting_world: World) -> AsyncIterator[World]:
    """One world for all tests that disturb nothing in it: starting workers costs more than a life."""
    lasting_world.keys.clear()
    yield lasting_world
    await lasting_world.replay_everything()
