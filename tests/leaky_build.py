"""Canbao with every seal taken off, on purpose: what the search for personal data must find.

Run as the console program: `python -m tests.leaky_build demo --exit --data DIR`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from temporalio.api.common.v1 import Payload
from temporalio.runtime import Runtime

import adapters.logs
import adapters.registry.identities
import adapters.registry.sealed_people
import worker
from adapters.keys.data_keys import DataKey, DataKeys
from adapters.payload_codec import SealingCodec
from adapters.registry.people_tables import Document, PersonName
from domain.identity_documents import IdentityDocument, Kind
from intake.desk import Desk


async def _encode(_codec: SealingCodec, payloads: Sequence[Payload]) -> list[Payload]:
    return list(payloads)


def _document(_key: DataKey, _digest: str, item: IdentityDocument) -> bytes:
    return item.number.encode()


def _name(_key: DataKey, _person: str, name: str) -> bytes:
    return name.encode()


async def _shown_document(_keys: DataKeys, row: Document, _secret: bytes = b"") -> IdentityDocument:
    assert row.ciphertext is not None
    return IdentityDocument(cast("Kind", row.kind), row.ciphertext.decode())


async def _shown_name(_keys: DataKeys, row: PersonName) -> str:
    return row.ciphertext.decode()


class _Counting(Runtime):
    """A runtime whose metrics have names for labels."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        counter = self.metric_meter.create_counter("people")
        person = Desk.person

        async def counted(desk: Desk, documents: Sequence[IdentityDocument], name: str = "") -> str:
            counter.add(1, {"name": name})
            adapters.logs.logger("leaky").warning("somebody", name=name, numbers=[item.number for item in documents])
            return await person(desk, documents, name)

        Desk.person = counted  # type: ignore[method-assign, assignment]


def take_the_seals_off() -> None:
    SealingCodec.encode = _encode  # type: ignore[method-assign, assignment]
    adapters.logs.redacted.__code__ = (lambda _logger, _method, event: event).__code__
    for module in (adapters.registry.identities, adapters.registry.sealed_people):
        vars(module).update(
            hidden_document=_document, hidden_name=_name, shown_document=_shown_document, shown_name=_shown_name
        )
    vars(worker)["Runtime"] = _Counting


if __name__ == "__main__":
    from cli.main import main

    take_the_seals_off()
    main()
