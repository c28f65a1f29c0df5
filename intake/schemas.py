"""The published JSON Schema: what an intake system in any language sends to a life, and what it gets back.

Version 1 only grows: a field may be added with a default, none is renamed, removed or narrowed.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, TypeAdapter
from pydantic.json_schema import models_json_schema

from domain.facts import AnyFact
from domain.life import CoverageAnswer, Receipt
from intake.api.messages import CloudEvent, KeyOut, PersonSpoken, ReceiptOut, Report
from workflows.names import LIVES_QUEUE
from workflows.person import PersonLifecycle

VERSION = 1


class WorkflowInput(BaseModel):
    """The argument with which a life is started; everything else it carries is its own."""

    key: str = Field(pattern=r"^[a-z0-9]{1,64}$", description="the opaque key, from POST /v1/keys")


def published() -> dict[str, Any]:
    """The document."""
    kinds = (Receipt, CoverageAnswer, Report, CloudEvent, PersonSpoken, KeyOut, ReceiptOut)
    _, models = models_json_schema(
        [
            *((kind, "serialization") for kind in (Receipt, CoverageAnswer, KeyOut, ReceiptOut)),
            *((kind, "validation") for kind in (Report, CloudEvent, PersonSpoken, WorkflowInput)),
        ],
        ref_template="#/$defs/{model}",
    )
    facts = TypeAdapter(AnyFact).json_schema(ref_template="#/$defs/{model}")
    definitions = {**models["$defs"], **facts.pop("$defs")}
    definitions["Fact"] = {**facts, "description": "what happened in a person's life, as a sender reports it"}
    assert {kind.__name__ for kind in kinds} <= set(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:canbao:schema:{VERSION}",
        "title": "参保 Canbao: facts, receipts and workflow input",
        "version": VERSION,
        "x-temporal": {
            "workflow_type": PersonLifecycle.__name__,
            "workflow_id": "person-{key}",
            "task_queue": LIVES_QUEUE,
            "id_conflict_policy": "USE_EXISTING",
            "workflow_input": {"$ref": "#/$defs/WorkflowInput"},
            "update": {
                "name": "report",
                "arguments": [{"$ref": "#/$defs/Fact"}, {"type": "string", "description": "the sender's id"}],
                "result": {"$ref": "#/$defs/Receipt"},
                "errors": {
                    "ContractError": "the fact does not keep the contract; nothing was taken",
                    "FactConflict": "the id was used for another fact; nothing was taken",
                },
            },
            "query": {
                "name": "coverage",
                "arguments": [{"type": "string", "format": "date"}],
                "result": {"$ref": "#/$defs/CoverageAnswer"},
            },
        },
        "$defs": dict(sorted(definitions.items())),
    }
