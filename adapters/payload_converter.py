"""How messages become payloads: JSON without the fields that hold their defaults, which is a fifth less to store.

So a default is part of the contract for ever, like the field's name. What the codec could not open arrives here marked,
and is refused with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, cast

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    ActivitySerializationContext,
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from domain.life import Life
from domain.unreadable import ENCODING, KIND, PLAIN, START

_MADE = 1024
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


class UnreadablePayload(ValueError):
    """A message could not be opened: an update or a query is refused, a signal dropped, a task tried again."""


class _Terse(PydanticJSONPlainPayloadConverter):
    def to_payload(self, value: Any) -> Payload | None:
        data = _ANYTHING.dump_json(value, exclude_defaults=True)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)


class _Unreadable(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        return ENCODING

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ARG002
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        if type_hint is Life and payload.metadata.get(KIND) == PLAIN.encode():
            return Life(key=START)
        raise UnreadablePayload(payload.data.decode())


class TersePayloadConverter(CompositePayloadConverter):
    """As Temporal's own converter for pydantic, but terse. There is one: the SDK asks for one with every task."""

    _only: ClassVar[TersePayloadConverter | None] = None

    def __new__(cls) -> TersePayloadConverter:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __init__(self) -> None:
        if hasattr(self, "converters"):
            return
        terse = _Terse()
        others = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(terse if item.encoding == terse.encoding else item for item in others), _Unreadable())


def workflow_of(context: SerializationContext) -> str:
    """The id of the workflow that a payload belongs to; empty where it belongs to none."""
    if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
        return context.workflow_id or ""
    return ""


@dataclass(frozen=True)
class _Converter(DataConverter):
    """A converter of which only the codec minds the context: the rest need not be made anew with every task."""

    _made: dict[str, DataConverter] = field(default_factory=dict, compare=False, repr=False)
    """By workflow: the engine asks some thirty times for every report."""

    def with_context(self, context: SerializationContext) -> Self:
        codec = self.payload_codec
        if not isinstance(codec, WithSerializationContext):
            return self
        workflow = workflow_of(context)
        made = cast("Self | None", self._made.get(workflow))
        if made is None:
            made = object.__new__(type(self))
            made.__dict__.update(self.__dict__, payload_codec=codec.with_context(context))
            if len(self._made) >= _MADE:
                self._made.clear()
            self._made[workflow] = made
        return made


def data_converter(codec: PayloadCodec | None) -> DataConverter:
    """The converter of every client, worker and replayer; messages and stack traces of failures pass the codec too."""
    return _Converter(
        payload_converter_class=TersePayloadConverter,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
