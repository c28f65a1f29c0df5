"""Histories of earlier builds, committed, which today's code must still replay.

They are made by hand with `python -m tests.record_histories`, when a release changes what a life does; those of
released versions stay.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from tests.record_histories import COMMANDS, STORIES, commands
from tests.world import World
from worker import WORKFLOWS, plugin

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def _history(text: str) -> WorkflowHistory:
    """A history under the id that it had: a life knows by its id whose it is."""
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


def test_there_are_histories() -> None:
    assert len(HISTORIES) >= 3


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_committed_history_replays(file: Path) -> None:
    history = _history(file.read_text(encoding="utf-8"))
    await Replayer(workflows=WORKFLOWS, plugins=[plugin(None)]).replay_workflow(history)


@pytest.mark.parametrize("story", STORIES)
async def test_a_life_gives_the_commands_that_are_on_record(shared_world: World, story: str) -> None:
    """A change here is a change for running lives: record again (`python -m tests.record_histories`) and say so."""
    on_record = COMMANDS.read_text(encoding="utf-8")
    assert await commands(shared_world, story) in on_record


async def test_a_history_that_does_not_fit_is_noticed() -> None:
    text = HISTORIES[0].read_text(encoding="utf-8")
    broken = text.replace('"tax.levy"', '"tax.forget"')
    assert broken != text
    history = _history(broken)
    with pytest.raises(Exception, match=r"TMPRL1100|[Nn]ondeterminism"):
        await Replayer(workflows=WORKFLOWS, plugins=[plugin(None)]).replay_workflow(history)
