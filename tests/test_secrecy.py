"""Lives under seal: what Temporal keeps of them, messages that cannot be read, keys that change and come back."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy

from adapters.keys.ciphers import Cipher
from adapters.keys.data_keys import DataKey, DataKeys
from adapters.keys.ring import LocalRing
from adapters.payload_converter import data_converter
from adapters.registry.data_keys import DataKeyTable
from adapters.registry.identities import Identities
from domain.errors import Refused, Unavailable
from domain.facts import parse_fact
from domain.identity_documents import IdentityDocument
from domain.life import Life
from domain.status import Status
from intake.report import report
from tests.facts import birth, paid, registered
from tests.keys import RingInMemory, StoreInMemory
from tests.test_refunds import ASKED, MOVED, SLOT
from tests.world import World, failed_tasks, sealing
from workflows.names import LIVES_QUEUE, person_workflow_id
from workflows.person import PersonLifecycle

HOUSEHOLD = "householder Li Ming 130925198004040019"
CERTIFICATE = IdentityDocument("birth_certificate", "T130000017")


def _plain(world: World) -> Client:
    """A client that seals nothing."""
    return Client(world.client.service_client, namespace=world.client.namespace, data_converter=data_converter(None))


def _outsider(world: World, key: str) -> WorkflowHandle[object, object]:
    """A life as somebody sees it who has no keys."""
    plain = _plain(world)
    return plain.get_workflow_handle(person_workflow_id(key))


async def _stored(world: World, key: str) -> bytes:
    """All that Temporal keeps of a life, byte by byte."""
    histories = await world.histories(key)
    description = await _outsider(world, key).describe()
    events = [event.SerializeToString() for history in histories for event in history.events]
    return b"".join([*events, description.raw_description.SerializeToString()])


async def test_nothing_that_temporal_keeps_of_a_life_is_clear(world: World) -> None:
    identities = Identities(world.database, world.secret)
    facts = [
        birth("2017-03-01", id="hospital:Li Ming 17"),
        registered("2017-03-01", 2017, household=HOUSEHOLD),
        paid("2017-03-01", 2017, amount="150"),
    ]
    key = await identities.person([CERTIFICATE], "李小明")
    world.keys.append(key)
    world.shifts[key] = world.shifts[world.person(parse_fact(facts[0]).on)]
    for fact in facts:
        await world.report(key, fact)
    await world.settled(key)
    details = await world.handle(key).query("__temporal_workflow_metadata", result_type=dict)
    assert "李小明 · birth_certificate T130000017" in str(details)
    stored = await _stored(world, key)
    words = [
        "Li Ming",
        "130925198004040019",
        "李小明",
        "T130000017",
        "新生儿",
        "newborn window",
        '"amount"',
        "household",
    ]
    assert [word for word in words if word.encode() in stored] == []
    # What stands in clear is what the engine needs, and search attributes.
    assert b"EnrollmentStatus" in stored
    assert b"newborn_window" in stored


async def test_what_fails_is_sealed_too(world: World) -> None:
    """An activity that fails, and an update that is refused, carry words; the engine keeps neither."""
    world.bureau.refusing = True
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
    with pytest.raises(Refused, match="there is no effect levy/Li Ming"):
        await world.ask(world.handle(key), "void", role="reviewer", slot="levy/Li Ming")
    stored = await _stored(world, key)
    failures = [
        event.activity_task_failed_event_attributes.failure.message
        for history in await world.histories(key)
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED
    ]
    assert failures == ["Encoded failure"]
    assert [
        word for word in ("Li Ming", "the tax bureau refused", "activities/tax.py") if word.encode() in stored
    ] == []
    assert "the tax bureau refused: 422" in str((await world.overview(key)).slots)


async def test_plain_messages_are_refused_and_dropped_and_the_life_goes_on(world: World) -> None:
    key = await world.live([birth("2017-03-01")])
    outsider, fact = _outsider(world, key), registered("2017-03-01", 2017)
    with pytest.raises(WorkflowUpdateFailedError):
        await outsider.execute_update("report", args=[fact, "outsider"])
    await outsider.signal("nudge", "plain words")
    facts = await world.handle(key).query("facts", result_type=list[str])
    assert len(facts) == 1
    assert world.unread.kinds == ["plain", "plain", "plain"]
    assert (await world.report(key, fact)).status is Status.AWAITING_PAYMENT


async def test_the_sender_of_a_message_that_cannot_be_read_is_told_so(world: World) -> None:
    """Somebody with other keys: what they send cannot be opened here. It may be sent again when it can."""
    key = await world.live([birth("2017-03-01")])
    stranger = sealing(world.client, DataKeys(RingInMemory(), StoreInMemory()))
    with pytest.raises(Unavailable, match="nobody could read the report; send it again"):
        await report(stranger, key, parse_fact(registered("2017-03-01", 2017)), "stranger")
    assert set(world.unread.kinds) == {"key_missing"}
    assert (await world.report(key, registered("2017-03-01", 2017))).status is Status.AWAITING_PAYMENT


async def test_a_plain_start_takes_nobodys_key(world: World) -> None:
    """It admits nothing and ends, so that the person's life can begin when somebody reports as one should."""
    key = world.person(parse_fact(birth("2017-03-01")).on)
    plain = _plain(world)
    start = WithStartWorkflowOperation(
        PersonLifecycle.run,
        Life(key=key),
        id=person_workflow_id(key),
        task_queue=LIVES_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    with pytest.raises(WorkflowUpdateFailedError):
        await plain.execute_update_with_start_workflow(
            "report", args=[birth("2017-03-01"), "outsider"], start_workflow_operation=start
        )
    assert await world.handle(key).result() == "nothing was admitted"
    assert (await world.report(key, birth("2017-03-01"))).status is Status.NEWBORN_WINDOW_OPEN


async def test_a_life_goes_on_across_a_rotation(world: World) -> None:
    key = await world.live([birth("2017-03-01")])
    ring = world.database.keys.provider
    first = await ring.current()
    added = await ring.rotate()
    receipt = await world.report(key, registered("2017-03-01", 2017))
    assert receipt.status is Status.AWAITING_PAYMENT
    await world.settled(key)
    assert (await world.covered(key, parse_fact(birth("2017-03-02")).on)).covered == "no"
    stored = await _stored(world, key)
    assert first.encode() in stored
    assert added.encode() in stored
    # A worker that holds nothing of it reads it from the beginning, by both keys.
    await world.stop_workers()
    await world.start_workers(client=sealing(world.client, _same_keys(world)))
    assert (await world.report(key, paid("2017-03-01", 2017, amount="150"))).status is Status.ENROLLED


async def test_a_life_whose_state_cannot_be_read_waits_and_resumes_when_the_key_is_back(world: World) -> None:
    key = await world.live([birth("2017-03-01")])
    await world.stop_workers()
    # A worker with a ring that lacks the key, on the same registry.
    blind = DataKeys(RingInMemory(), DataKeyTable(world.database))
    await world.start_workers(client=sealing(world.client, blind, watch=world.unread))
    reporting = asyncio.create_task(world.report(key, registered("2017-03-01", 2017)))
    async with asyncio.timeout(30):
        while not (failed := failed_tasks(await world.handle(key).fetch_history())):
            await asyncio.sleep(0.1)
    assert set(failed) == {"Encoded failure"}
    assert set(world.unread.kinds) == {"key_missing"}
    assert not reporting.done()
    await world.stop_workers()
    await world.start_workers()
    assert (await reporting).status is Status.AWAITING_PAYMENT
    await world.settled(key)
    world.keys.remove(key)  # a task of it failed, as it had to


def _same_keys(world: World) -> DataKeys:
    """The keys of the world as another process has them, which holds none yet."""
    return DataKeys(world.database.keys.provider, DataKeyTable(world.database))


async def test_a_start_that_is_not_sealed_keeps_no_report_from_the_person(world: World) -> None:
    """Somebody starts the life in plain, or under another's key, before a worker looks; a proper report joins it."""
    for client, named in ((_plain(world), ""), (world.client, "somebodyelse")):
        key = world.person(parse_fact(birth("2017-03-01")).on)
        await world.stop_workers()
        life = Life(key=named or key, clock_shift_days=world.shifts[key])
        await client.start_workflow(PersonLifecycle.run, life, id=person_workflow_id(key), task_queue=LIVES_QUEUE)
        reporting = asyncio.create_task(world.report(key, birth("2017-03-01")))
        await asyncio.sleep(0.5)
        await world.start_workers()
        with pytest.raises(Unavailable, match="send it again"):
            await reporting
        assert await world.handle(key).result() == "nothing was admitted"
        assert (await world.report(key, birth("2017-03-01"))).status is Status.NEWBORN_WINDOW_OPEN
    assert await world.ledger.standing("somebodyelse") is None
    assert await world.ledger.standing("unreadable") is None


async def test_a_signal_that_waits_for_its_key_is_not_lost(world: World) -> None:
    key = await world.live([*MOVED, ASKED])
    await world.case_stands(key, SLOT, "accepted by the tax bureau")
    ring = world.database.keys.provider
    assert isinstance(ring, LocalRing)
    # Another process seals with a key of the ring that this one has not got yet.
    ahead = RingInMemory()
    name, (cipher, secret) = "ring-ahead", ahead.held["ring-1"]
    ahead.held = {name: (cipher, secret)}
    sender = sealing(world.client, DataKeys(ahead, DataKeyTable(world.database)))
    await sender.get_workflow_handle(world.case(key, SLOT).id).signal("withdraw", 1)
    async with asyncio.timeout(30):
        while not failed_tasks(await world.case(key, SLOT).fetch_history()):
            await asyncio.sleep(0.1)
    held = json.loads(ring.file.read_text(encoding="utf-8"))
    added = {"id": name, "cipher": cipher.value, "key": base64.b64encode(secret).decode()}
    ring.file.write_text(json.dumps({"keys": [added, *held["keys"]]}), encoding="utf-8")
    async with asyncio.timeout(60):  # the engine tries a task that failed at growing intervals
        result = await world.case(key, SLOT).result()
    assert result == "taken back"
    world.cases.remove(world.case(key, SLOT).id)  # a task of it failed, as it had to


@pytest.mark.parametrize("client", ["plain", "sealed"])
async def test_a_signal_that_nobody_can_ever_read_is_dropped(world: World, client: str) -> None:
    key = await world.live([*MOVED, ASKED])
    await world.case_stands(key, SLOT, "accepted by the tax bureau")
    sender, said = (_plain(world), 1) if client == "plain" else (world.client, "no number")
    await sender.get_workflow_handle(world.case(key, SLOT).id).signal("withdraw", said)
    standing = await world.case_stands(key, SLOT, "accepted by the tax bureau")
    assert standing.trouble == ""
    assert failed_tasks(await world.case(key, SLOT).fetch_history()) == []


async def test_an_answer_that_cannot_be_read_here_is_asked_for_again(world: World) -> None:
    """The life took the fact; whoever reported it has lost its keys meanwhile."""
    key = await world.live([birth("2017-03-01")])
    lost = _Blind(world.database.keys.provider, DataKeyTable(world.database))
    with pytest.raises(Unavailable, match="the answer cannot be read here"):
        await report(sealing(world.client, lost), key, parse_fact(registered("2017-03-01", 2017)), "tests")
    assert (await world.report(key, registered("2017-03-01", 2017))).status is Status.AWAITING_PAYMENT


class _Blind(DataKeys):
    """Keys of a process that can seal, and has lost the registry when something is to be opened."""

    async def reading(self, key_id: str) -> DataKey:
        raise Unavailable("the registry does not answer")


async def test_a_name_that_cannot_be_opened_now_takes_none_away(world: World) -> None:
    identities = Identities(world.database, world.secret)
    key = await identities.person([CERTIFICATE], "李小明")
    kept = (await world.ledger.read(key)).holder
    assert kept == "李小明 · birth_certificate T130000017"
    world.database.keys._held.clear()
    world.database.keys.provider, ring = RingInMemory(), world.database.keys.provider
    assert (await world.ledger.read(key)).holder == ""
    world.database.keys.provider = ring


async def test_papers_that_come_later_are_shown_with_the_fact_that_brings_them(world: World) -> None:
    identities = Identities(world.database, world.secret)
    key = await identities.person([CERTIFICATE], "李小明")
    world.keys.append(key)
    world.shifts[key] = world.shifts[world.person(parse_fact(birth("2017-03-01")).on)]
    await world.report(key, birth("2017-03-01"))
    await identities.person([CERTIFICATE, IdentityDocument("passport", "GBR/123456789")], "李晓明")
    await world.report(key, {"type": "identity_updated", "on": "2017-03-01", "area": "130925"})
    await world.settled(key)
    details = str(await world.handle(key).query("__temporal_workflow_metadata", result_type=dict))
    assert "李晓明" in details
    assert "passport GBR/123456789" in details


async def test_a_life_under_sm4_goes_on_under_aes(world: World) -> None:
    """A bureau that changes its cipher: what the first sealed stays readable."""
    key = world.person(parse_fact(birth("2017-03-01")).on)
    provider, table = world.database.keys.provider, DataKeyTable(world.database)
    chinese = sealing(world.client, DataKeys(provider, table, Cipher.SM4))
    await world.stop_workers()
    await world.start_workers(client=chinese)
    await report(chinese, key, parse_fact(birth("2017-03-01")), "tests", world.shifts[key])
    await world.stop_workers()
    await world.start_workers()
    assert (await world.report(key, registered("2017-03-01", 2017))).status is Status.AWAITING_PAYMENT
    stored = await _stored(world, key)
    assert b"SM4-GCM" in stored
    assert b"AES-256-GCM" in stored
    assert world.unread.kinds == []
