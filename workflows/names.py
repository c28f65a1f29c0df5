"""Names that live in histories for ever: task queues and workflow ids."""

from __future__ import annotations

# Separate queues, so that a slow tax bureau holds up nothing but the tax bureau's own work.
LIVES_QUEUE = "canbao-lives"
REGISTRY_QUEUE = "canbao-registry"
TAX_QUEUE = "canbao-tax"
NOTICES_QUEUE = "canbao-notices"


def person_workflow_id(key: str) -> str:
    """The workflow id of a person's life; `key` is opaque."""
    return f"person-{key}"
