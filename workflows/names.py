"""Names that live in histories for ever: task queues and workflow ids."""

from __future__ import annotations

from domain.life import CASES

# Separate queues, so that a slow tax bureau holds up nothing but the tax bureau's own work.
LIVES_QUEUE = "canbao-lives"
REGISTRY_QUEUE = "canbao-registry"
TAX_QUEUE = "canbao-tax"
NOTICES_QUEUE = "canbao-notices"
# What opens cases and tells lives: activities with a client.
CASES_QUEUE = "canbao-cases"
# What carries files and campaigns to the lives, a page at a time.
INTAKE_QUEUE = "canbao-intake"
# The rules of the current release, for lives that are still pinned to an older one.
POLICY_QUEUE = "canbao-policy"

QUEUES = (LIVES_QUEUE, POLICY_QUEUE, REGISTRY_QUEUE, TAX_QUEUE, CASES_QUEUE, NOTICES_QUEUE, INTAKE_QUEUE)


def person_workflow_id(key: str) -> str:
    """The workflow id of a person's life; `key` is opaque."""
    return f"person-{key}"


def case_workflow_id(key: str, slot: str) -> str:
    """The workflow id of a case that a life opened: `refund/resident/...` becomes refund-<key>-resident-..."""
    kind, _, rest = slot.partition("/")
    return f"{kind}-{key}-{rest.replace('/', '-')}"


_OF_PEOPLE = ("person", *CASES)


def person_of(workflow_id: str) -> str:
    """The key of the person whom a workflow is about; empty for one that is about nobody alone."""
    kind, _, rest = workflow_id.partition("-")
    return rest.partition("-")[0] if kind in _OF_PEOPLE else ""


def import_workflow_id(import_id: str) -> str:
    """The workflow id of a file."""
    return f"import-{import_id}"


def campaign_workflow_id(area: str, plan_year: int) -> str:
    """The workflow id of an area's collection for a plan year."""
    return f"campaign-{area}-{plan_year}"
