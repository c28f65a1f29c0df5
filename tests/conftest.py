"""One Temporal development server per test run, shared by all test processes; a namespace for each of them."""

from __future__ import annotations

import asyncio
import os
import tempfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.registry.database import Database
from sandbox.postgresql_server import postgresql_server
from sandbox.processes import free_port
from sandbox.temporal_server import kind_name, temporal_server
from tests.registries import DIALECTS, SERVER, Registries, make_template
from tests.world import ROLL_SUGGESTED_AT, World, connect_for_tests
from workflows.search_attributes import SEARCH_ATTRIBUTES

_ADDRESS = "TEST_TEMPORAL_ADDRESS"
_RUN = ExitStack()
# The worker-process tests take one of their own, so that no other process serves their lives.
_PROCESSES = ("main", "gw0", "gw1", "gw2", "gw3")
NAMESPACES = (
    *_PROCESSES,
    *(f"{name}-{dialect}" for name in _PROCESSES for dialect in DIALECTS),
    "worker-process",
    "versions",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--registry",
        default="both",
        choices=("both", *DIALECTS),
        help="the database of the tests' registries: half of the tests on each (both), or all of them on one",
    )


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
    if SERVER not in os.environ:
        os.environ[SERVER] = _RUN.enter_context(postgresql_server(durable=False))
    asyncio.run(make_template(os.environ[SERVER]))


def pytest_unconfigure(config: pytest.Config) -> None:
    _RUN.close()


@pytest.fixture(scope="session")
def temporal_address() -> str:
    return os.environ[_ADDRESS]


@pytest.fixture(scope="session")
def namespace() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture
def registry_of_test(request: pytest.FixtureRequest) -> str:
    """Which database a test's world has: each has half of the tests, unless the run was told which one has all."""
    asked = str(request.config.getoption("registry"))
    return asked if asked in DIALECTS else DIALECTS[zlib.crc32(request.node.nodeid.encode()) % len(DIALECTS)]


@pytest_asyncio.fixture
async def world(
    tmp_path: Path, temporal_address: str, namespace: str, registries: Registries, registry_of_test: str
) -> AsyncIterator[World]:
    """A running world; when the test is over, every history that it made is replayed."""
    client = await connect_for_tests(temporal_address, namespace)
    async with World.running(client, tmp_path, await registries.new(registry_of_test, tmp_path)) as running:
        yield running
    await running.replay_everything()
    await running.end_everything()


@pytest_asyncio.fixture(scope="session")
async def lasting_worlds(
    tmp_path_factory: pytest.TempPathFactory, temporal_address: str, namespace: str
) -> AsyncIterator[Callable[[str], Awaitable[World]]]:
    """One world per database, begun when it is first asked for."""
    async with AsyncExitStack() as stack:
        registries = Registries(stack)
        begun: dict[str, World] = {}

        async def lasting(dialect: str) -> World:
            if dialect not in begun:
                # A namespace of its own: workers of two worlds would take one another's work.
                client = await connect_for_tests(temporal_address, f"{namespace}-{dialect}")
                folder = tmp_path_factory.mktemp(dialect)
                address = await registries.new(dialect, folder)
                begun[dialect] = await stack.enter_async_context(World.running(client, folder, address))
            return begun[dialect]

        yield lasting


@pytest_asyncio.fixture
async def shared_world(
    lasting_worlds: Callable[[str], Awaitable[World]], registry_of_test: str
) -> AsyncIterator[World]:
    """One world for all tests that disturb nothing in it: starting workers costs more than a life."""
    lasting = await lasting_worlds(registry_of_test)
    lasting.keys.clear()
    yield lasting
    await lasting.replay_everything()


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Both databases of the registry, one after the other."""
    return str(request.param)


@pytest_asyncio.fixture
async def registries() -> AsyncIterator[Registries]:
    """Makes empty registries."""
    async with AsyncExitStack() as stack:
        yield Registries(stack)


@pytest_asyncio.fixture
async def database(dialect: str, registries: Registries, tmp_path: Path) -> Database:
    """An empty registry, on each database."""
    return await registries.opened(dialect, tmp_path)
