"""The payload codec: what Temporal stores of a life is sealed with a key of that person.

A sealed payload names cipher, data key and workflow in its metadata; all three are bound to the ciphertext, so that it
opens in no other workflow. Decoding never raises, since that would wedge a life for good: what cannot be opened is
handed on marked and counted, and whoever takes it refuses it. Encoding raises rather than write anything in clear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol, Self

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
)

from adapters.keys.ciphers import Tampered, seal, unseal
from adapters.keys.data_keys import DataKey, DataKeys
from adapters.logs import logger
from adapters.payload_converter import workflow_of
from domain.errors import ConfigurationError, KeyMissing, Unavailable
from domain.unreadable import ENCODING as UNREADABLE
from domain.unreadable import KIND, PLAIN

ENCODING = b"binary/encrypted"
CIPHER, KEY_ID, WORKFLOW_ID = "encryption-cipher", "encryption-key-id", "workflow-id"
AREA = "area"
"""Whose area somebody speaks for who sealed a payload for no workflow in particular."""
SYSTEM = "system"
"""The owner of what is about nobody alone, such as a collection or a file."""
_INTAKE = "intake-"
_PURPOSE = b"canbao payload"
# What a schedule puts behind the id that it was given.
_SCHEDULED = re.compile(r"-\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_log = logger("canbao.codec")


class CannotOpen(Exception):
    """Why a payload cannot be opened."""

    def __init__(self, reason: str, kind: str, key: str = "") -> None:
        super().__init__(reason)
        self.key = key
        """The key that is missing, where it is."""
        self.kind = kind
        """plain, key_missing, keys_away, tampered or elsewhere: a label of the count."""


class Watch(Protocol):
    """Counts what could not be opened."""

    def unreadable(self, kind: str) -> None: ...


class SealingCodec(PayloadCodec, WithSerializationContext):
    """Seals and opens the payloads of one workflow, or of none; `with_context` gives it to another."""

    def __init__(
        self,
        keys: DataKeys,
        person_of: Callable[[str], str],
        watch: Watch | None = None,
        *,
        plain: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`person_of` tells the person of a workflow by its id; `plain` reads payloads that were never sealed."""
        self._keys, self._person_of, self._watch, self._plain, self._now = keys, person_of, watch, plain, now
        self._workflow_id = ""

    def with_context(self, context: SerializationContext) -> Self:
        workflow_id = workflow_of(context)
        if workflow_id == self._workflow_id:
            return self
        codec = object.__new__(type(self))  # as `copy.copy`, at a fifth of the time
        codec.__dict__.update(self.__dict__, _workflow_id=workflow_id)
        return codec

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises KeyMissing, ConfigurationError or Unavailable where there is no key to seal with."""
        key = await self._keys.writing(self._owner(self._workflow_id))
        return [sealed(payload, key, self._workflow_id) for payload in payloads]

    async def for_intake(self, area: str, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads that name no workflow yet, sealed with the intake key for somebody who speaks for an area.

        Raises as `encode` does.
        """
        key = await self._keys.writing(self._owner(""))
        return [sealed(payload, key, "", area) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [await self._opened_or_marked(payload) for payload in payloads]

    async def opened(self, payload: Payload) -> Payload:
        """A payload in clear, wherever it belongs. Raises CannotOpen."""
        if not is_sealed(payload):
            raise CannotOpen("it is not encrypted; send it through the codec server", PLAIN)
        key_id = _text(payload, KEY_ID)
        workflow_id = _text(payload, WORKFLOW_ID)
        if key_id.partition("/")[0] != self._owner(workflow_id) and (workflow_id or not key_id.startswith(_INTAKE)):
            raise CannotOpen("it is sealed with a key of somebody else", "elsewhere")
        if self._workflow_id and workflow_id and not _belongs(workflow_id, self._workflow_id):
            raise CannotOpen(f"it belongs to the workflow {workflow_id}", "elsewhere")
        try:
            return unsealed(payload, await self._keys.reading(key_id), workflow_id)
        except KeyMissing as error:
            raise CannotOpen(str(error), "key_missing", error.key) from None
        except (Unavailable, ConfigurationError) as error:
            raise CannotOpen(str(error), "keys_away") from None
        except (Tampered, DecodeError):
            raise CannotOpen("it was changed or cut, or the key is another one of the same name", "tampered") from None

    async def _opened_or_marked(self, payload: Payload) -> Payload:
        try:
            if self._plain and not is_sealed(payload):
                return payload
            return await self.opened(payload)
        except CannotOpen as error:
            return self._marked(str(error), error.kind, error.key)
        except Exception as error:  # whatever it is, a codec that raises wedges the life
            return self._marked(f"it cannot be decoded: {type(error).__name__}", "tampered")

    def _marked(self, reason: str, kind: str, key: str = "") -> Payload:
        if self._watch is not None:
            self._watch.unreadable(kind)
        _log.error("a message cannot be read", workflow_id=self._workflow_id, kind=kind, key=key)
        data = f"the message cannot be read: {reason}".encode()
        return Payload(metadata={"encoding": UNREADABLE.encode(), KIND: kind.encode()}, data=data)

    def _owner(self, workflow_id: str) -> str:
        """Whose key seals. What names no workflow takes the key of the month, which is never anybody's alone."""
        if not workflow_id:
            return f"{_INTAKE}{self._now():%Y-%m}"
        person = self._person_of(workflow_id)
        return f"person-{person}" if person else SYSTEM


def is_sealed(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING


def sealed(payload: Payload, key: DataKey, workflow_id: str, area: str = "") -> Payload:
    """A payload sealed with a key, for a workflow; or for none, by somebody who speaks for an area."""
    bound = (_PURPOSE, key.cipher.encode(), key.id.encode(), workflow_id.encode(), area.encode())
    metadata = {"encoding": ENCODING, CIPHER: bound[1], KEY_ID: bound[2], WORKFLOW_ID: bound[3]}
    if area:
        metadata[AREA] = bound[4]
    return Payload(metadata=metadata, data=seal(key.cipher, key.secret, payload.SerializeToString(), *bound))


def unsealed(payload: Payload, key: DataKey, workflow_id: str) -> Payload:
    """What was sealed. Raises Tampered, and DecodeError for what is no payload."""
    bound = (
        _PURPOSE,
        payload.metadata.get(CIPHER, b""),
        key.id.encode(),
        workflow_id.encode(),
        payload.metadata.get(AREA, b""),
    )
    return Payload.FromString(unseal(key.cipher, key.secret, payload.data, *bound))


def _belongs(bound: str, workflow_id: str) -> bool:
    """Whether a payload of one workflow may be opened in another: in itself, and in what a schedule starts by it."""
    if bound == workflow_id:
        return True
    return workflow_id.startswith(bound) and bool(_SCHEDULED.fullmatch(workflow_id, len(bound)))


def _text(payload: Payload, name: str) -> str:
    return payload.metadata.get(name, b"").decode("utf-8", "replace")
