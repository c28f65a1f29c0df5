"""Errors that a caller can act on. Each message is one sentence that says what to do, in English and in Chinese."""

from __future__ import annotations

from datetime import timedelta

from domain.bilingual import Text


class _Sentence(Exception):
    """An error with its sentence in both languages; where no Chinese is given, a caller's words stand in both."""

    def __init__(self, en: str, zh: str | None = None) -> None:
        super().__init__(en)
        self.text = Text(zh or en, en)


class ContractError(_Sentence, ValueError):
    """Input that breaks the contract of facts and cases: a field, a value or a combination that it does not admit."""


class PackError(_Sentence, ValueError):
    """A policy pack that cannot be used; the message names the file, the line and the key."""


class ConfigurationError(_Sentence, ValueError):
    """A setting, folder or secret that the program cannot work with."""


class Unavailable(_Sentence, RuntimeError):
    """A system that we depend on does not answer; nothing was lost, and trying again later is right."""

    def __init__(self, en: str, zh: str | None = None, again_in: timedelta | None = None) -> None:
        super().__init__(en, zh)
        self.again_in = again_in
        """When it asked to be tried again, where it did."""


class KeyMissing(Unavailable):
    """A key that is needed is not there: it was taken away, or the key ring is another one. Nothing is written in clear
    instead; what waits for it goes on when it is back."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the key {key} is missing, or is not the one that was used; put it back into the key ring",
            f"缺少密钥{key},或并非当时所用;请将其放回密钥环",
        )
        self.key = key


class Refused(_Sentence, RuntimeError):
    """A system that we depend on answered that it will not do this; trying again will not help."""


class NotAdmitted(Refused):
    """A life does not admit what breaks the contract, such as a fact of a day to come."""


class Missing(Refused):
    """There is nothing of this name."""


class Conflict(Refused):
    """What was said contradicts what the same sender said before under the same id."""


class Forbidden(Refused):
    """Whoever asks may not do this."""
