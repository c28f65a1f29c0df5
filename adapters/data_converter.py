"""How messages become payloads: JSON without the fields that hold their defaults, which is a fifth less to store.

So a default is part of the contract for ever, like the field's name.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter, DefaultPayloadConverter

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


class _Terse(PydanticJSONPlainPayloadConverter):
    def to_payload(self, value: Any) -> Payload | None:
        data = _ANYTHING.dump_json(value, exclude_defaults=True)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)


class TersePayloadConverter(CompositePayloadConverter):
    """As Temporal's own converter for pydantic, but terse."""

    def __init__(self) -> None:
        terse = _Terse()
        others = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(terse if item.encoding == terse.encoding else item for item in others))


TERSE_DATA_CONVERTER = DataConverter(payload_converter_class=TersePayloadConverter)
