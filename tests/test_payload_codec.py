"""The payload codec: what it seals opens only where it belongs, and whatever else it is given, it never raises."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from adapters.keys.ciphers import Cipher
from adapters.keys.data_keys import DataKeys
from adapters.payload_codec import AREA, CIPHER, ENCODING, KEY_ID, WORKFLOW_ID, CannotOpen, SealingCodec, is_sealed
from adapters.payload_converter import UnreadablePayload, data_converter
from domain.errors import KeyMissing, Unavailable
from domain.unreadable import ENCODING as UNREADABLE
from sandbox.processes import free_port
from tests.keys import RingInMemory, StoreInMemory
from worker import UNREADABLE_METRIC, Unreadable
from workflows.names import person_of

LIFE, OTHER = "person-abc", "person-xyz"
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"serious_illness":true}')


class Bench:
    """A codec with keys of its own, and what it counted."""

    def __init__(self, cipher: Cipher = Cipher.AES, *, plain: bool = False) -> None:
        self.ring, self.store, self.kinds = RingInMemory(cipher), StoreInMemory(), list[str]()
        self.month = datetime(2026, 11, 30, tzinfo=UTC)
        self.codec = SealingCodec(self.keys(), person_of, self, plain=plain, now=lambda: self.month)

    def keys(self) -> DataKeys:
        return DataKeys(self.ring, self.store, self.ring.cipher)

    def unreadable(self, kind: str) -> None:
        self.kinds.append(kind)

    def of(self, workflow_id: str, *, fresh: bool = False) -> SealingCodec:
        codec = SealingCodec(self.keys(), person_of, self, now=lambda: self.month) if fresh else self.codec
        return codec.with_context(WorkflowSerializationContext("default", workflow_id))


@pytest.mark.parametrize("cipher", list(Cipher))
@pytest.mark.parametrize("workflow_id", [LIFE, "refund-abc-resident-2017", "campaign-130925-2027", ""])
async def test_what_is_sealed_opens_where_it_belongs(cipher: Cipher, workflow_id: str) -> None:
    bench = Bench(cipher)
    empty = Payload(metadata={"encoding": b"binary/null"})
    sealed = await bench.of(workflow_id).encode([PLAIN, empty])
    for payload in sealed:
        assert b"illness" not in payload.SerializeToString()
        assert payload.metadata["encoding"] == ENCODING
        assert payload.metadata[CIPHER] == cipher.value.encode()
        assert payload.metadata[WORKFLOW_ID] == workflow_id.encode()
    assert await bench.of(workflow_id, fresh=True).decode(sealed) == [PLAIN, empty]
    assert bench.kinds == []


async def test_each_person_has_a_key_and_what_is_nobodys_has_its_own() -> None:
    bench = Bench()
    owners = {}
    for workflow_id in (LIFE, "duplicate-abc-resident", OTHER, "import-1", "reconciliation-now", ""):
        (sealed,) = await bench.of(workflow_id).encode([PLAIN])
        owners[workflow_id] = sealed.metadata[KEY_ID].decode().partition("/")[0]
    assert list(owners.values()) == ["person-abc", "person-abc", "person-xyz", "system", "system", "intake-2026-11"]


async def test_the_intake_key_is_another_one_every_month() -> None:
    bench = Bench()
    (november,) = await bench.of("").encode([PLAIN])
    bench.month = datetime(2026, 12, 1, tzinfo=UTC)
    (december,) = await bench.of("").encode([PLAIN])
    assert december.metadata[KEY_ID] != november.metadata[KEY_ID]
    assert await bench.of(LIFE, fresh=True).decode([november, december]) == [PLAIN, PLAIN]


async def test_an_activity_is_of_the_workflow_that_asked_for_it() -> None:
    bench = Bench()
    context = ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="x",
        activity_task_queue="q",
        workflow_id=LIFE,
        workflow_type="PersonLifecycle",
        is_local=True,
    )
    sealed = await bench.codec.with_context(context).encode([PLAIN])
    assert await bench.of(LIFE).decode(sealed) == [PLAIN]


@pytest.mark.parametrize("elsewhere", [OTHER, "refund-abc-resident-2017", "person-abcd", "person-ab", "import-1"])
async def test_a_payload_that_is_replayed_to_another_workflow_is_refused(elsewhere: str) -> None:
    bench = Bench()
    sealed = await bench.of(LIFE).encode([PLAIN])
    (marked,) = await bench.of(elsewhere).decode(sealed)
    _is_marked(marked, "it belongs to the workflow person-abc")
    assert bench.kinds == ["elsewhere"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (WORKFLOW_ID, OTHER.encode()),
        (WORKFLOW_ID, b"refund-abc-resident-2017"),
        (WORKFLOW_ID, b""),
        (CIPHER, b"SM4-GCM"),
        (CIPHER, b""),
        (AREA, b"130925"),
        (KEY_ID, b"person-xyz/ring-1.AES-256-GCM.00000000"),
        (KEY_ID, b"intake-2026-11/ring-1.AES-256-GCM.00000000"),
        (KEY_ID, b"\xff\xfe"),
    ],
)
async def test_a_changed_word_beside_the_ciphertext_is_found(name: str, value: bytes) -> None:
    bench = Bench()
    for workflow_id in (OTHER, ""):
        await bench.of(workflow_id).encode([PLAIN])  # so that their keys are there
    (sealed,) = await bench.of(LIFE).encode([PLAIN])
    sealed.metadata[name] = value
    with pytest.raises(CannotOpen):
        await bench.codec.opened(sealed)  # as a codec server, which is told no workflow
    for workflow_id in {LIFE, sealed.metadata[WORKFLOW_ID].decode()} - {""}:
        (marked,) = await bench.of(workflow_id).decode([sealed])
        _is_marked(marked, "")


@given(place=st.integers(min_value=0), flip=st.integers(1, 255), kept=st.integers(min_value=0), cut=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_what_was_changed_or_cut_is_marked_and_never_raises(place: int, flip: int, kept: int, cut: bool) -> None:
    bench = Bench()
    (sealed,) = await bench.of(LIFE).encode([PLAIN])
    data = bytearray(sealed.data)
    if cut:
        data = data[: kept % len(data)]
    else:
        data[place % len(data)] ^= flip
    sealed.data = bytes(data)
    (marked,) = await bench.of(LIFE).decode([sealed])
    _is_marked(marked, "it was changed or cut")


@given(
    metadata=st.dictionaries(
        st.sampled_from(["encoding", CIPHER, KEY_ID, WORKFLOW_ID, AREA, "messageType"]),
        st.one_of(st.binary(max_size=20), st.just(ENCODING), st.just(LIFE.encode()), st.just(b"AES-256-GCM")),
    ),
    data=st.binary(max_size=60),
)
@settings(deadline=None)
async def test_whatever_comes_decoding_never_raises(metadata: dict[str, bytes], data: bytes) -> None:
    (decoded,) = await Bench().of(LIFE).decode([Payload(metadata=metadata, data=data)])
    _is_marked(decoded, "")


async def test_a_plain_message_is_refused_and_read_in_a_development_setting() -> None:
    bench = Bench()
    (marked,) = await bench.of(LIFE).decode([PLAIN])
    _is_marked(marked, "it is not encrypted; send it through the codec server")
    assert bench.kinds == ["plain"]
    reading = Bench(plain=True)
    assert await reading.codec.decode([PLAIN]) == [PLAIN]
    (sealed,) = await reading.of(LIFE).encode([PLAIN])
    assert is_sealed(sealed)  # nothing is written in clear even there


async def test_a_missing_key_is_named_and_nothing_is_written_in_clear() -> None:
    bench = Bench()
    sealed = await bench.of(LIFE).encode([PLAIN])
    taken = bench.ring.held.pop("ring-1")
    await bench.ring.rotate()
    (marked,) = await bench.of(LIFE, fresh=True).decode(sealed)
    _is_marked(marked, "the key ring-1 is missing")
    assert bench.kinds == ["key_missing"]
    bench.ring.held = {"ring-1": taken}
    assert await bench.of(LIFE, fresh=True).decode(sealed) == [PLAIN]


async def test_where_the_keys_are_away_encoding_raises_and_decoding_does_not() -> None:
    bench = Bench()
    sealed = await bench.of(LIFE).encode([PLAIN])
    bench.store.away = True
    assert await bench.of(LIFE).decode(sealed) == [PLAIN]  # a key that is held goes on
    (marked,) = await bench.of(LIFE, fresh=True).decode(sealed)
    _is_marked(marked, "the registry does not answer")
    assert bench.kinds == ["keys_away"]
    with pytest.raises(Unavailable):
        await bench.of(LIFE, fresh=True).encode([PLAIN])
    bench.store.away = False
    assert await bench.of(LIFE, fresh=True).decode(sealed) == [PLAIN]


async def test_a_schedule_seals_for_the_workflows_that_it_will_start() -> None:
    bench = Bench()
    sealed = await bench.of("campaign-130925").encode([PLAIN])
    assert await bench.of("campaign-130925-2026-09-01T00:30:00Z").decode(sealed) == [PLAIN]
    for other in (
        "campaign-130925-2027",
        "campaign-1309252026-09-01T00:30:00Z",
        "campaign-130926-2026-09-01T00:30:00Z",
    ):
        (marked,) = await bench.of(other).decode(sealed)
        _is_marked(marked, "it belongs to the workflow campaign-130925")


async def test_after_erasure_nothing_of_the_person_opens() -> None:
    bench = Bench()
    sealed, others = await bench.of(LIFE).encode([PLAIN]), await bench.of(OTHER).encode([PLAIN])
    await bench.keys().erase("person-abc")
    (marked,) = await bench.of(LIFE, fresh=True).decode(sealed)
    _is_marked(marked, "the key person-abc/ring-1.AES-256-GCM.")
    assert await bench.of(OTHER, fresh=True).decode(others) == [PLAIN]
    again = await bench.of(LIFE, fresh=True).encode([PLAIN])
    (still,) = await bench.of(LIFE, fresh=True).decode(sealed)
    _is_marked(still, "the key person-abc/ring-1.AES-256-GCM.")
    assert await bench.of(LIFE, fresh=True).decode(again) == [PLAIN]


async def test_messages_and_traces_of_failures_are_sealed_with_the_cause() -> None:
    bench = Bench()
    converter = data_converter(bench.codec).with_context(WorkflowSerializationContext("default", LIFE))

    def fail() -> None:
        error = ApplicationError("of Han Meimei", "and her mother", type="Refused")
        raise error from ValueError("Li Lei, 130925201703010017")

    failure = Failure()
    with pytest.raises(ApplicationError) as raised:
        fail()
    await converter.encode_failure(raised.value, failure)
    text = failure.SerializeToString()
    for words in (b"Li Lei", b"Meimei", b"mother", b"test_payload_codec"):
        assert words not in text
    assert failure.message == "Encoded failure"
    opened = await converter.decode_failure(failure)
    assert isinstance(opened, ApplicationError)
    assert (opened.message, opened.details) == ("of Han Meimei", ("and her mother",))
    assert "Li Lei" in str(opened.cause)


async def test_a_marked_payload_is_refused_by_whoever_takes_it() -> None:
    bench = Bench()
    converter = data_converter(bench.codec).with_context(WorkflowSerializationContext("default", LIFE))
    with pytest.raises(UnreadablePayload, match="the message cannot be read: it is not encrypted"):
        await converter.decode([PLAIN], [dict])


def _is_marked(payload: Payload, because: str) -> None:
    assert payload.metadata["encoding"] == UNREADABLE.encode()
    assert f"the message cannot be read: {because}" in payload.data.decode()
    assert set(payload.metadata) == {"encoding", "kind"}


def test_a_missing_key_can_be_awaited() -> None:
    """Whoever reports is asked to try again, as for any system that is away."""
    assert issubclass(KeyMissing, Unavailable)


async def test_what_cannot_be_opened_is_counted_where_metrics_are_read() -> None:
    address = f"127.0.0.1:{free_port()}"
    runtime = Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=address)))
    bench = Bench()
    codec = SealingCodec(bench.keys(), person_of, Unreadable(runtime))
    await codec.decode([PLAIN, PLAIN])
    async with httpx2.AsyncClient() as http:
        lines = (await http.get(f"http://{address}/metrics")).text.splitlines()
    (line,) = [line for line in lines if line.startswith(UNREADABLE_METRIC)]
    assert 'kind="plain"' in line
    assert line.endswith(" 2")
