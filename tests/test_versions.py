"""A release under sleeping lives: each is pinned, judged by the current one, and moved where it rolls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest_asyncio
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.service import RPCError

from policy.pack_library import PackLibrary, library
from tests.facts import birth, registered
from tests.world import World, connect_for_tests, sealing
from worker import DEPLOYMENT, POLICY_DEPLOYMENT
from workflows.person import PersonLifecycle


class LaterPacks:
    """The rules of a later release, which are the same and count how often they are asked."""

    asked = 0

    async def current(self, at_least: str) -> tuple[str, PackLibrary]:
        self.asked += 1
        return at_least, library()


@pytest_asyncio.fixture
async def versioned(tmp_path: Path, temporal_address: str) -> AsyncIterator[World]:
    """A world without workers, in a namespace whose deployments are its own."""
    client = await connect_for_tests(temporal_address, "versions")
    async with World.running(client, tmp_path) as running:
        await running.stop_workers()
        yield running
    await running.replay_everything()


async def _make_current(world: World, build_id: str) -> None:
    for deployment in (DEPLOYMENT, POLICY_DEPLOYMENT):
        request = SetWorkerDeploymentCurrentVersionRequest(
            namespace=world.client.namespace, deployment_name=deployment, build_id=build_id, identity="test"
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    await world.client.workflow_service.set_worker_deployment_current_version(request)
                    break
                except RPCError:
                    await asyncio.sleep(0.1)  # its workers have not polled yet


async def _version(world: World, key: str) -> str:
    info = (await world.handle(key).describe()).raw_description.workflow_execution_info
    return info.versioning_info.deployment_version.build_id


async def test_a_sleeping_life_moves_to_the_release_that_is_current_once(
    versioned: World, temporal_address: str
) -> None:
    world = versioned
    await world.start_workers(settings=world.settings.model_copy(update={"build_id": "b1"}))
    await _make_current(world, "b1")
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
    assert await _version(world, key) == "b1"
    later = LaterPacks()
    async with AsyncExitStack() as stack:
        release = world.settings.model_copy(update={"build_id": "b2"})
        other_process = sealing(await connect_for_tests(temporal_address, "versions"), world.database.keys)
        await world.start_workers(packs=later, settings=release, stack=stack, client=other_process)
        await _make_current(world, "b2")
        assert await _version(world, key) == "b1", "nothing wakes it but a nudge"
        await world.pass_days(world.handle(key), 1)
        async with asyncio.timeout(30):
            while await _version(world, key) != "b2":  # the server takes a moment to tell its queues
                await world.handle(key).signal(PersonLifecycle.nudge)
                await asyncio.sleep(1.5)
        assert later.asked, "the old run judged by the rules of the current release before it rolled"
        await world.settled(key)
        assert (await world.overview(key)).runs == 2
        await world.handle(key).signal(PersonLifecycle.nudge)
        await world.settled(key)
        assert (await world.overview(key)).runs == 2, "it does not roll again"
        assert [state for _, state, _ in world.bureau.levies.values()] == ["open"]
