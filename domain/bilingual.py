"""A sentence in the two languages in which everything that a person reads is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence, in Chinese and in English."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def both(self) -> str:
        """Both languages on one line, Chinese first, for places that have no reader's language (the Web UI)."""
        return f"{self.zh} · {self.en}"
