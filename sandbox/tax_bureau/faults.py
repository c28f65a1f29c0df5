"""How the bureau misbehaves: switchable, and the same for the same seed."""

from __future__ import annotations

from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Field(default=0.0, ge=0, le=1)
Kind = Literal[
    "errors", "lost_answers", "duplicated_pushes", "reordered_pushes", "wrong_amounts", "dropped_lines", "wrong_lines"
]


class Faults(BaseModel):
    """Shares are of requests, pushes, payments or statement lines, from 0 to 1."""

    model_config = ConfigDict(extra="forbid")

    seed: int = 0
    latency_seconds: float = Field(default=0.0, ge=0, le=60)
    errors: float = Share
    """Answered with 500 before anything was done."""
    lost_answers: float = Share
    """Done, and answered with 504 all the same."""
    duplicated_pushes: float = Share
    reordered_pushes: float = Share
    wrong_amounts: float = Share
    """Money that comes in a fen short."""
    dropped_lines: float = Share
    """Lines that a statement lacks."""
    wrong_lines: float = Share
    """Lines whose amount is a fen short in the statement."""
    away: bool = False
    """Answered with 503 until it is switched off."""

    def strikes(self, kind: Kind, what: str) -> bool:
        """Whether a fault happens to something; the same seed and the same thing give the same answer."""
        share: float = getattr(self, kind)
        return share > 0 and Random(f"{self.seed}:{kind}:{what}").random() < share
