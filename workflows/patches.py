"""The patches of workflow code, by name: for an emergency fix inside a version that lives are pinned to.

A release needs none: a life moves to it only where it rolls. A name is never used again, and is taken out when no run
that began before it is left (`docs/upgrading.md`).
"""

from __future__ import annotations

from enum import StrEnum

from temporalio import workflow


class Patch(StrEnum):
    """Every patch that is in force; at present there is none."""


def patched(patch: Patch) -> bool:
    """Whether this run takes the patched way."""
    return workflow.patched(patch.value)
