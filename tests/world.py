"""A world for lives to live in: a real server and a real registry, a bureau and a notice board that remember."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowUpdateFailedError,
)
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Replayer

from activities.assessment import Packs
from activities.packs_in_force import FixedPacks
from activities.ports import Notices, PaymentFeed, Registry
from adapters.keys.data_keys import DataKeys
from adapters.payload_codec import SealingCodec, Watch
from adapters.registry.campaigns import CampaignBooks
from adapters.registry.database import Database, open_registry
from adapters.registry.imports import ImportBooks
from adapters.registry.ledger import Ledger
from adapters.registry.money import MoneyBooks
from adapters.settings import Settings
from domain.cases import CaseStanding, RefundState
from domain.civil_time import current_day, first_instant
from domain.errors import Refused, Unavailable
from domain.facts import Fact, parse_fact
from domain.life import CoverageAnswer, Entry, OperationReceipt, Overview, Receipt
from domain.reconciliation import StatementPage
from intake.report import report
from policy.pack_library import PackLibrary, library
from worker import WORKFLOWS, Bureau, plugin, workers
from workflows.names import QUEUES, case_workflow_id, person_of, person_workflow_id
from workflows.person import PersonLifecycle

T = TypeVar("T")
ROLL_SUGGESTED_AT = 250
PUT_OFF = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
# The engine's own traces of a clock that was moved, which production never has.
SKIP_EVENTS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
}


async def connect_for_tests(address: str, namespace: str) -> Client:
    """A client without keys; `sealing` gives it some."""
    return await Client.connect(address, namespace=namespace, identity="canbao-tests")


def sealing(client: Client, keys: DataKeys, *, plain: bool = False, watch: Watch | None = None) -> Client:
    """A client of the same server whose payloads are sealed with these keys."""
    codec = SealingCodec(keys, person_of, watch, plain=plain)
    return Client(client.service_client, namespace=client.namespace, plugins=[plugin(codec)])


@dataclass
class BureauThatRemembers:
    """A tax bureau in memory, with the real one's rule of revisions; it can be away, and it can refuse."""

    levies: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    refunds: dict[str, tuple[int, RefundState]] = field(default_factory=dict)
    away: bool = False
    refusing: bool = False

    async def issue_levy(self, reference: str, revision: int, payload: str) -> None:
        self._answer("issue", reference, revision)
        if revision >= self.levies.get(reference, (0, "", ""))[0]:
            self.levies[reference] = (revision, "open", payload)

    async def cancel_levy(self, reference: str, revision: int) -> None:
        self._answer("cancel", reference, revision)
        if reference in self.levies:
            self.levies[reference] = (revision, "cancelled", self.levies[reference][2])

    async def request_refund(self, reference: str, revision: int, payload: str) -> None:
        self._answer("refund", reference, revision)
        if revision > self.refunds.get(reference, (0, None))[0]:
            state = RefundState(state="accepted", amount=json.loads(payload)["amount"])
            self.refunds[reference] = (revision, state)

    async def refund_state(self, reference: str) -> RefundState:
        if self.away:
            raise Unavailable("the tax bureau does not answer")
        return self.refunds[reference][1] if reference in self.refunds else RefundState(state="unknown")

    async def cancel_refund(self, reference: str, revision: int) -> RefundState:
        self._answer("cancel refund", reference, revision)
        held = self.refunds.get(reference)
        if held is not None and held[1].state == "accepted":
            self.refunds[reference] = (revision, RefundState(state="cancelled", amount=held[1].amount))
        return await self.refund_state(reference)

    async def statement(self, day: date, after: int = 0) -> StatementPage:
        if self.away:
            raise Unavailable("the tax bureau does not answer")
        return StatementPage.model_validate({"count": 0, "amount": "0", "lines": []})

    def pay_refund(self, reference: str, amount: str | None = None) -> None:
        revision, state = self.refunds[reference]
        self.refunds[reference] = (revision, RefundState(state="paid", amount=amount or state.amount))

    def fail_refund(self, reference: str, because: str) -> None:
        revision, state = self.refunds[reference]
        self.refunds[reference] = (revision, RefundState(state="failed", amount=state.amount, because=because))

    def _answer(self, what: str, reference: str, revision: int) -> None:
        if self.away:
            raise Unavailable("the tax bureau does not answer")
        if self.refusing:
            raise Refused("the tax bureau refused: 422")
        self.calls.append((what, reference, revision))


class NothingBooked:
    """A bureau that has booked nothing."""

    async def learn(self, progress: Callable[[int], None]) -> int:
        return 0


@dataclass
class BoardThatRemembers:
    """A notice board in memory: what was put up, by key, and what was corrected."""

    sent: dict[str, str] = field(default_factory=dict)
    corrected: dict[str, str] = field(default_factory=dict)

    async def send(self, key: str, person: str, payload: str, correction: bool) -> None:
        (self.corrected if correction else self.sent)[key] = payload


@dataclass
class Unread:
    """Remembers what the codec could not open."""

    kinds: list[str] = field(default_factory=list)

    def unreadable(self, kind: str) -> None:
        self.kinds.append(kind)


@dataclass
class World:
    client: Client
    skipper: TimeSkipper
    database: Database
    ledger: Ledger
    bureau: BureauThatRemembers
    board: BoardThatRemembers
    settings: Settings
    unread: Unread
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    """Behind the keys of people: another in every world, since a server answers again for a life that has ended."""
    keys: list[str] = field(default_factory=list)
    shifts: dict[str, int] = field(default_factory=dict)
    cases: list[str] = field(default_factory=list)
    _workers: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    @asynccontextmanager
    async def running(cls, client: Client, folder: Path, address: str = "") -> AsyncIterator[World]:
        """A world whose registry is at an address; in a file in the folder without one."""
        settings = Settings(
            data=folder, database_url=address, shifted_clocks=True, metrics_address="", shutdown_seconds=5
        )
        database = open_registry(settings)
        await database.prepare()
        unread = Unread()
        client = sealing(client, database.keys, watch=unread)
        skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=1000))
        bureau, board = BureauThatRemembers(), BoardThatRemembers()
        world = cls(skipper.client, skipper, database, Ledger(database), bureau, board, settings, unread)
        await world.start_workers()
        try:
            yield world
        finally:
            await world.stop_workers()
            await database.close()

    async def start_workers(
        self,
        *,
        registry: Registry | None = None,
        bureau: Bureau | None = None,
        feed: PaymentFeed | None = None,
        notices: Notices | None = None,
        packs: PackLibrary | Packs | None = None,
        settings: Settings | None = None,
        stack: AsyncExitStack | None = None,
        client: Client | None = None,
        queues: Sequence[str] = QUEUES,
        campaigns: CampaignBooks | None = None,
    ) -> None:
        for worker in workers(
            client or self.client,
            settings or self.settings,
            packs=FixedPacks(packs or library()) if packs is None or isinstance(packs, PackLibrary) else packs,
            registry=registry or self.ledger,
            reports=self.ledger,
            bureau=bureau or self.bureau,
            money=MoneyBooks(self.database),
            feed=feed or NothingBooked(),
            notices=notices or self.board,
            lines=ImportBooks(self.database),
            campaigns=campaigns or CampaignBooks(self.database),
            queues=queues,
        ):
            await (stack or self._workers).enter_async_context(worker)

    async def stop_workers(self) -> None:
        await self._workers.aclose()
        self._workers = AsyncExitStack()

    # -- people -------------------------------------------------------------------------------------------------------

    def person(self, first_day: date) -> str:
        """A new person, whose clock will stand on `first_day` when the first fact comes."""
        key = f"test{uuid.uuid4().hex[:20]}"
        self.keys.append(key)
        self.shifts[key] = (first_day - current_day()).days
        return key

    def handle(self, key: str) -> WorkflowHandle[PersonLifecycle, str]:
        return self.client.get_workflow_handle_for(PersonLifecycle.run, person_workflow_id(key))

    async def report(self, key: str, fact: Fact | dict[str, Any]) -> Receipt:
        parsed = parse_fact(fact) if isinstance(fact, dict) else fact
        return await report(self.client, key, parsed, "tests", self.shifts[key])

    async def live(self, facts: Sequence[dict[str, Any]], *, until: date | None = None, settling: bool = False) -> str:
        """A life from its first fact on: each is reported on the day on which it became known.

        `settling` waits after each until nothing is under way, so that the same facts leave the same history.
        """
        parsed = sorted((parse_fact(fact) for fact in facts), key=lambda fact: fact.known_on)
        key = self.person(parsed[0].known_on)
        for position, fact in enumerate(parsed):
            if position:
                await self.move_to(key, fact.known_on)
            await self.report(key, fact)
            if settling or fact.type == "died":
                await self.settled(key)  # it may end by itself, and what comes later begins it again
        if until is not None:
            await self.move_to(key, until)
        await self.settled(key)
        return key

    async def move_to(self, key: str, day: date) -> None:
        """Move a life's clock to noon of a civil day; one that has ended will begin again on that day."""
        handle = self.handle(key)
        if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
            self.shifts[key] = (day - current_day()).days
            return
        target = first_instant(day, self.shifts[key]) + timedelta(hours=12)
        now = (await self.skipper.get_current_time(handle)).astimezone(UTC)
        if target > now:
            await self.skipper.fast_forward(handle, target - now)

    async def settled(self, key: str) -> None:
        """Wait until nothing that the life set going is under way any more.

        A task that a stopped worker took with it comes back after its 30 seconds.
        """
        await self.rests(self.handle(key))

    async def rests(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Wait until a workflow only waits."""
        async with asyncio.timeout(50):
            while True:
                description = (await handle.describe()).raw_description
                if not description.pending_activities and not description.HasField("pending_workflow_task"):
                    return
                await asyncio.sleep(0.02)

    async def covered(self, key: str, on: date) -> CoverageAnswer:
        return await self._ask_life(lambda: self.handle(key).query(PersonLifecycle.coverage, on))

    async def overview(self, key: str) -> Overview:
        return await self._ask_life(lambda: self.handle(key).query(PersonLifecycle.overview))

    async def _ask_life(self, query: Callable[[], Awaitable[T]]) -> T:
        """Ask again while the life is between two runs."""
        while True:
            try:
                return await query()
            except RPCError as error:
                if "not scheduled yet" not in str(error):
                    raise
                await asyncio.sleep(0.05)

    async def timeline(self, key: str) -> list[Entry]:
        return await self.handle(key).query(PersonLifecycle.timeline)

    # -- cases and operators ------------------------------------------------------------------------------------------

    def case(self, key: str, slot: str) -> WorkflowHandle[Any, str]:
        """The workflow of a case that a life opened."""
        workflow_id = case_workflow_id(key, slot)
        if workflow_id not in self.cases:
            self.cases.append(workflow_id)
        return self.client.get_workflow_handle(workflow_id, result_type=str)

    async def case_stands(self, key: str, slot: str, stage: str) -> CaseStanding:
        """Wait until a case has reached a stage (a part of its English name)."""
        async with asyncio.timeout(20):
            while True:
                try:
                    standing: CaseStanding | None = await self.case(key, slot).query(
                        "standing", result_type=CaseStanding
                    )
                except RPCError:
                    standing = None  # not started yet
                if standing is not None and stage in f"{standing.stage.en} {standing.trouble}":
                    return standing
                await asyncio.sleep(0.02)

    async def answer(self, key: str, slot: str, letter: str, *, accepted: bool = True, **more: Any) -> OperationReceipt:
        """An agency's answer to a letter, once it was written."""
        async with asyncio.timeout(20):
            while True:
                standing = await self.case(key, slot).query("standing", result_type=CaseStanding)
                if letter in standing.letters:
                    break
                await asyncio.sleep(0.02)
        agency = standing.letters[letter].to
        return await self.ask(self.case(key, slot), "answer", actor=agency, letter=letter, accepted=accepted, **more)

    async def pass_days(self, handle: WorkflowHandle[Any, Any], days: float) -> None:
        """Move a workflow's clock ahead."""
        await self.skipper.fast_forward(handle, timedelta(days=days))

    async def ask(
        self, handle: WorkflowHandle[Any, Any], verb: str, actor: str = "clerk-7", role: str = "clerk", **more: Any
    ) -> OperationReceipt:
        """An operator's update."""
        request = {"actor": actor, "role": role, "reason": "because the file says so", **more}
        try:
            receipt: OperationReceipt = await handle.execute_update(verb, request, result_type=OperationReceipt)
        except WorkflowUpdateFailedError as error:
            raise Refused(str(error.cause)) from None
        return receipt

    # -- histories ----------------------------------------------------------------------------------------------------

    async def histories(self, key: str) -> list[WorkflowHistory]:
        """The histories of all runs of a life that followed one another, the latest first."""
        return await self.histories_of(person_workflow_id(key))

    async def histories_of(self, workflow_id: str) -> list[WorkflowHistory]:
        histories = []
        run: str | None = None
        while True:
            handle = self.client.get_workflow_handle(workflow_id, run_id=run)
            histories.append(await handle.fetch_history())
            started = histories[-1].events[0].workflow_execution_started_event_attributes
            run = started.continued_execution_run_id
            if not run:
                return histories

    async def event_count(self, key: str) -> int:
        """How many events a life left, without those that only a moved clock leaves."""
        return sum(
            event.event_type not in SKIP_EVENTS for history in await self.histories(key) for event in history.events
        )

    async def end_everything(self) -> None:
        """End what still runs, so that no later test's workers go on with it."""
        for workflow_id in [*map(person_workflow_id, self.keys), *self.cases]:
            with contextlib.suppress(RPCError):  # it has ended, or never began
                await self.client.get_workflow_handle(workflow_id).terminate()

    async def replay_everything(self) -> None:
        """Every history replays with today's code, and no workflow task of any ever failed."""
        codec = SealingCodec(self.database.keys, person_of)
        replayer = Replayer(workflows=WORKFLOWS, plugins=[plugin(codec)])
        try:
            for workflow_id in [*map(person_workflow_id, self.keys), *self.cases]:
                try:
                    histories = await self.histories_of(workflow_id)
                except RPCError:
                    continue  # nothing was admitted, or the test never started this life
                for history in histories:
                    assert not (failed := failed_tasks(history)), failed
                    await replayer.replay_workflow(history)
        finally:
            await self.database.close()  # keys that this process did not hold were asked for once more


def failed_tasks(history: WorkflowHistory) -> list[str]:
    """What failed tasks of a workflow said; one that the server put off, because a signal came meanwhile, is none."""
    return [
        event.workflow_task_failed_event_attributes.failure.message
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        and event.workflow_task_failed_event_attributes.cause != PUT_OFF
    ]
