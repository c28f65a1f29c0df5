"""The state of a life while it runs, which the parts of the loop share.

Nothing in these modules may ask the machine for the time, for randomness or for anything else that another replay would
see differently: that is what `workflow` is for, and the tests read the source for it.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from domain.bilingual import Text
from domain.carried import as_text, at_rest, settled_slot, unpack
from domain.civil_time import civil_day
from domain.life import Deadline, Entry, Life, Slot, Step
from workflows.operator_view import attributes, details


class LifeState:
    """What a life knows, what the last assessment found, and what is under way."""

    def __init__(self, life: Life) -> None:
        self.life = unpack(life)
        self.step = self.life.step or Step()
        self.woken = True
        self.judging = False
        # The civil year in which this run began: a life goes on in a new run once the year has turned.
        self.began = self.today().year
        # Facts that are admitted and not judged yet; their senders wait for the receipt.
        self.unanswered: list[str] = []
        # Those that are being judged right now.
        self.answering: list[str] = []
        # Cases that were opened before this life began anew.
        self.reopening: list[str] = []
        self.conflicting: dict[str, Text] = {}
        self.timers: dict[str, tuple[Deadline, asyncio.Task[None]]] = {}
        self.effects: dict[str, asyncio.Task[None]] = {}
        # Calls to systems outside that have not come back.
        self.calls = 0
        self.recording: asyncio.Task[None] | None = None
        self.registry_away = False
        self.rules_failing_since: date | None = None
        self.record_trouble = ""
        self.record_again = False
        # What the search attributes say. A run inherits those of the one before it, and states them once more.
        self.shown: dict[SearchAttributeKey[Any], Any] = {}

    def must_judge(self) -> bool:
        return self.woken or bool(self.unanswered)

    def today(self) -> date:
        return civil_day(workflow.now(), self.life.clock_shift_days)

    def deadlines(self) -> list[Deadline]:
        """What falls due by the rules, and by when a second person must have looked at what was proposed."""
        proposals = [
            Deadline(
                matter="approval",
                on=proposal.lapses_on,
                wake_on=proposal.lapses_on,
                summary=f"待复核 · waits for approval: {proposal.verb} {proposal.id}",
            )
            for proposal in self.life.proposals.values()
        ]
        return [*self.step.deadlines, *proposals]

    def slot(self, name: str) -> Slot | None:
        """Where an effect stands, also one that came to rest in an earlier run."""
        return self.life.slots.get(name) or settled_slot(self.life, name)

    def keep_slot(self, name: str, slot: Slot) -> None:
        """Take over where an effect stands, for the ledger too."""
        self.life.settled_slots.pop(name, None)
        self.life.slots[name] = slot
        if name not in self.life.unrecorded_slots:
            self.life.unrecorded_slots.append(name)

    def remember_slot(self, name: str, slot: Slot) -> None:
        """Take over where an effect stands from the ledger, which knows it."""
        if at_rest(slot):
            self.life.slots.pop(name, None)
            self.life.settled_slots[name] = as_text(slot)
        else:
            self.keep_slot(name, slot)

    def note(self, what: Text, by: str = "") -> None:
        """A line of the timeline."""
        self.life.timeline.append(Entry(on=self.today(), what=what, by=by))

    def show(self) -> None:
        """Details, and those search attributes that have changed: each is a payload, and each upsert an event."""
        workflow.set_current_details(details(self.step.details, self.life, self.record_trouble))
        now = attributes(self.life, self.step, self.deadlines(), self.today())
        changed = [
            key.value_unset() if value is None else key.value_set(value)
            for key, value in now.items()
            if key not in self.shown or self.shown[key] != value
        ]
        self.shown = now
        if changed:
            workflow.upsert_search_attributes(changed)
