"""The state of a life while it runs, which the parts of the loop share.

The parts stand in modules of their own, passed through the workflow sandbox: what stands in the workflow's own module
is loaded again for every life and held in memory as often. So nothing here may ask the machine for the time, for
randomness or for anything else that another replay would see differently.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from domain.bilingual import Text
from domain.civil_time import civil_day
from domain.life import Deadline, Life, Step
from workflows.operator_view import attributes, details


class LifeState:
    """What a life knows, what the last assessment found, and what is under way."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.step = Step()
        self.woken = True
        # Facts that are admitted and not judged yet; their senders wait for the receipt.
        self.unanswered: list[str] = []
        self.conflicting: dict[str, Text] = {}
        self.timers: dict[str, tuple[Deadline, asyncio.Task[None]]] = {}
        self.effects: dict[str, asyncio.Task[None]] = {}
        self.recording: asyncio.Task[None] | None = None
        self.record_trouble = ""
        # What the search attributes say. A run inherits those of the one before it, and states them once more.
        self.shown: dict[SearchAttributeKey[Any], Any] = {}

    def must_judge(self) -> bool:
        return self.woken or bool(self.unanswered)

    def today(self) -> date:
        return civil_day(workflow.now(), self.life.clock_shift_days)

    def show(self) -> None:
        """Details, and those search attributes that have changed: each is a payload, and each upsert an event."""
        workflow.set_current_details(details(self.step.details, self.life.slots, self.record_trouble))
        now = attributes(self.life.key, self.step, self.life.slots, self.today())
        changed = [
            key.value_unset() if value is None else key.value_set(value)
            for key, value in now.items()
            if key not in self.shown or self.shown[key] != value
        ]
        self.shown = now
        if changed:
            workflow.upsert_search_attributes(changed)
