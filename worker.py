"""The worker process, and the composition root: here, and nowhere else, adapters are chosen and put together.

`python worker.py` serves lives, registry, tax and notices until SIGTERM or Ctrl-C, then finishes what it has in hand.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import (
    Client,
    Plugin,
)
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.converter import PayloadCodec
from temporalio.envconfig import ClientConfig
from temporalio.plugin import SimplePlugin
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from activities.assessment import AssessmentActivities, Packs
from activities.campaigns import CampaignActivities, CampaignLedger
from activities.cases import CaseActivities
from activities.imports import ImportActivities, Lines
from activities.notices import NoticeActivities
from activities.packs_in_force import PacksInForce
from activities.policy_notices import PolicyNoticeActivities
from activities.ports import MoneyLedger, NoticeReports, Notices, PaymentFeed, Registry, Statements, TaxBureau
from activities.reconciliation import ReconciliationActivities
from activities.registry import RegistryActivities
from activities.tax import TaxActivities
from adapters.keys.data_keys import DataKeys
from adapters.notices import NoticeLog
from adapters.payload_codec import SealingCodec
from adapters.payload_converter import data_converter
from adapters.registry.campaigns import CampaignBooks
from adapters.registry.database import Database
from adapters.registry.feeds import Feeds
from adapters.registry.imports import ImportBooks
from adapters.registry.ledger import Ledger
from adapters.registry.money import MoneyBooks
from adapters.registry.published_packs import PublishedPacks
from adapters.settings import Settings
from adapters.tax.client import TaxBureauClient
from domain.errors import ConfigurationError, Unavailable
from domain.facts import Fact, parse_fact
from domain.life import Receipt
from intake.cases import CaseDesk
from intake.report import report
from intake.tax_payments import TAX_SENDER, PaymentDesk
from policy.pack_library import library
from workflows.batch import Batch
from workflows.campaign import Campaign
from workflows.duplicates import Duplicates
from workflows.names import (
    CASES_QUEUE,
    INTAKE_QUEUE,
    LIVES_QUEUE,
    NOTICES_QUEUE,
    POLICY_QUEUE,
    QUEUES,
    REGISTRY_QUEUE,
    TAX_QUEUE,
    person_of,
)
from workflows.notice import Notice
from workflows.person import PersonLifecycle
from workflows.reconciliation import Reconciliation
from workflows.refund import Refund
from workflows.search_attributes import SEARCH_ATTRIBUTES
from workflows.shifted_clocks import RefuseShiftedClocks
from workflows.transfer import Transfer

WORKFLOWS: list[type] = [PersonLifecycle, Refund, Transfer, Duplicates, Notice, Reconciliation, Batch, Campaign]
# The deployments whose versions `docs/upgrading.md` makes current: the workflows, and the rules for pinned lives.
DEPLOYMENT, POLICY_DEPLOYMENT = "canbao", "canbao-policy"
_REGISTRATION_SECONDS = 15
HEARTBEATS = timedelta(seconds=2)
UNREADABLE_METRIC = "canbao_unreadable_payloads"

# Without the sandbox a life costs half the processor time and less memory. It would load the workflow's module anew for
# each, and guard nothing more, since all that the module uses has to be passed through. What it would refuse (clocks,
# randomness, input and output) is refused by a check of the source in the tests, and by the replays.
RUNNER = UnsandboxedWorkflowRunner()


def plugin(codec: PayloadCodec | None) -> SimplePlugin:
    """What client, worker and replayer must agree on; None for histories of releases that sealed nothing."""
    return SimplePlugin("canbao", data_converter=data_converter(codec), workflow_runner=RUNNER)


async def connect(
    keys: DataKeys, settings: Settings, plugins: Sequence[Plugin] = (), *, metrics: bool = False
) -> Client:
    """A client by the standard Temporal environment and profiles; `metrics` has its process serve them.

    Raises Unavailable when no server answers at the address.
    """
    config = ClientConfig.load_client_connect_config()
    address = config.setdefault("target_host", "localhost:7233")
    runtime = None
    if metrics and settings.metrics_address:
        served = PrometheusConfig(bind_address=settings.metrics_address, durations_as_seconds=True)
        runtime = Runtime(telemetry=TelemetryConfig(metrics=served))
    codec = SealingCodec(keys, person_of, Unreadable(runtime), plain=settings.plain_payloads)
    try:
        return await Client.connect(**config, plugins=[plugin(codec), *plugins], runtime=runtime)
    except (RuntimeError, RPCError):
        raise Unavailable(
            f"no Temporal server answers at {address}; start one, or set TEMPORAL_ADDRESS",
            f"{address}没有 Temporal 服务器答复;请启动服务器,或设置 TEMPORAL_ADDRESS",
        ) from None


class Unreadable:
    """Counts the messages that could not be opened, in the metric `canbao_unreadable_payloads`."""

    def __init__(self, runtime: Runtime | None) -> None:
        self._counter = None if runtime is None else runtime.metric_meter.create_counter(UNREADABLE_METRIC)

    def unreadable(self, kind: str) -> None:
        if self._counter is not None:
            self._counter.add(1, {"kind": kind})


class Bureau(TaxBureau, Statements, Protocol):
    """All that is asked of the tax bureau."""


def workers(
    client: Client,
    settings: Settings,
    *,
    packs: Packs,
    registry: Registry,
    reports: NoticeReports,
    bureau: Bureau,
    money: MoneyLedger,
    feed: PaymentFeed,
    notices: Notices,
    lines: Lines,
    campaigns: CampaignLedger,
    queues: Sequence[str] = QUEUES,
) -> list[Worker]:
    """One worker per task queue that is asked for, not started yet."""
    shutdown = timedelta(seconds=settings.shutdown_seconds)
    rules, ledger = AssessmentActivities(packs), RegistryActivities(registry)
    lives = Worker(
        client,
        task_queue=LIVES_QUEUE,
        workflows=WORKFLOWS,
        activities=[rules.advance, ledger.read, ledger.record],
        deployment_config=_deployment(DEPLOYMENT, settings),
        max_cached_workflows=settings.cached_lives,
        interceptors=[] if settings.shifted_clocks else [RefuseShiftedClocks()],
        # An activity that a worker gives itself goes past the rate limit of its queue.
        disable_eager_activity_execution=True,
        graceful_shutdown_timeout=shutdown,
    )
    tax, notifier = TaxActivities(bureau), NoticeActivities(notices)
    policy = Worker(
        client,
        task_queue=POLICY_QUEUE,
        activities=[rules.advance],
        deployment_config=_deployment(POLICY_DEPLOYMENT, settings),
        graceful_shutdown_timeout=shutdown,
    )
    desk = CaseDesk(client)

    async def report_line(person: str, fact: str, sender: str) -> Receipt:
        return await report(client, person, parse_fact(fact), sender)

    imports = ImportActivities(lines, report_line)
    collections = CampaignActivities(packs, campaigns, notices, report_line)
    reconciliation = ReconciliationActivities(bureau, money, feed)
    cases, policy_notices = CaseActivities(desk), PolicyNoticeActivities(reports, desk)
    others: tuple[tuple[str, list[Callable[..., Any]]], ...] = (
        (REGISTRY_QUEUE, [ledger.read, ledger.record, ledger.keep_operation, ledger.months, ledger.continuity]),
        (
            TAX_QUEUE,
            [
                *(tax.levy, tax.request_refund, tax.refund_state, tax.cancel_refund),
                *(reconciliation.learn_payments, reconciliation.days, reconciliation.compare),
            ],
        ),
        (CASES_QUEUE, [cases.carry, cases.report, policy_notices.tell]),
        (NOTICES_QUEUE, [notifier.notify]),
        (
            INTAKE_QUEUE,
            [
                *(imports.carry, imports.end),
                *(collections.window, collections.register, collections.remind, collections.counts),
                collections.list_not_enrolled,
            ],
        ),
    )
    served = [
        lives,
        policy,
        *(
            Worker(
                client,
                task_queue=queue,
                activities=activities,
                max_concurrent_activities=settings.activity_slots,
                max_task_queue_activities_per_second=settings.tax_calls_per_second if queue == TAX_QUEUE else None,
                graceful_shutdown_timeout=shutdown,
                # An activity learns with a heartbeat that it is cancelled.
                max_heartbeat_throttle_interval=HEARTBEATS,
            )
            for queue, activities in others
        ),
    ]
    return [worker for worker in served if worker.task_queue in queues]


def _deployment(name: str, settings: Settings) -> WorkerDeploymentConfig | None:
    """The version that a worker serves, where releases are told apart by a build id.

    Every workflow is pinned to the version that runs it. It is said here and not at the workflows, because a server
    refuses it from a worker that is not versioned.
    """
    if not settings.build_id:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(name, settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


@asynccontextmanager
async def serving(
    client: Client, settings: Settings, database: Database, queues: Sequence[str] = QUEUES
) -> AsyncIterator[None]:
    """Serve task queues on an open registry while the block runs; leaving it finishes what is in hand.

    Raises ConfigurationError where the data folder cannot be used.
    """
    notices = NoticeLog(settings.notice_file)
    notices.check()
    ledger = Ledger(database)
    async with AsyncExitStack() as stack:
        bureau = await stack.enter_async_context(TaxBureauClient(settings.tax_address))
        money = MoneyBooks(database)

        async def report_payment(person: str, fact: Fact) -> Receipt:
            return await report(client, person, fact, TAX_SENDER)

        for worker in workers(
            client,
            settings,
            packs=PacksInForce(library(), PublishedPacks(database)),
            registry=ledger,
            reports=ledger,
            bureau=bureau,
            money=money,
            feed=PaymentDesk(bureau, Feeds(database), money, report_payment),
            notices=notices,
            lines=ImportBooks(database),
            campaigns=CampaignBooks(database),
            queues=queues,
        ):
            await stack.enter_async_context(worker)
        yield


async def missing_search_attributes(client: Client) -> list[str]:
    """The search attributes that the namespace lacks, asked in the way that needs the least rights."""
    missing = []
    for key in SEARCH_ATTRIBUTES:
        try:
            await client.count_workflows(f"{key.name} IS NULL")
        except RPCError:
            missing.append(key.name)
    return missing


async def register_search_attributes(client: Client) -> None:
    """Register what is missing. Raises ConfigurationError where the server does not let us."""
    missing = set(await missing_search_attributes(client))
    if not missing:
        return
    kinds = {key.name: IndexedValueType.ValueType(int(key.indexed_value_type)) for key in SEARCH_ATTRIBUTES}
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={name: kinds[name] for name in sorted(missing)}
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        raise ConfigurationError(
            f"the search attributes cannot be registered: {error}", f"搜索属性无法登记:{error}"
        ) from None
    # The server takes a moment until every part of it knows them.
    deadline = time.monotonic() + _REGISTRATION_SECONDS
    while await missing_search_attributes(client) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    from cli.main import main

    main(["worker", *sys.argv[1:]])
