"""The reader's language: `--lang zh|en` anywhere on the command line, else the locale's."""

from __future__ import annotations

import os
from collections.abc import Sequence

from domain.bilingual import Language, Text
from domain.errors import ConfigurationError

_OPTION = "--lang"


def split_language(arguments: Sequence[str]) -> tuple[Language, list[str]]:
    """The language, and the arguments without the option that names it.

    Raises ConfigurationError for a language that we do not speak.
    """
    rest: list[str] = []
    chosen: str | None = None
    waiting = iter(arguments)
    for argument in waiting:
        if argument == _OPTION:
            chosen = next(waiting, "")
        elif argument.startswith(f"{_OPTION}="):
            chosen = argument.partition("=")[2]
        else:
            rest.append(argument)
    if chosen is None:
        return _from_locale(), rest
    if chosen == "zh":
        return "zh", rest
    if chosen == "en":
        return "en", rest
    raise ConfigurationError(f"--lang {chosen}: zh or en is expected", f"--lang {chosen}:语言应为 zh 或 en")


def _from_locale() -> Language:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


class Speaker:
    """Says things in the reader's language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, zh: str, en: str) -> str:
        return Text(zh, en).in_(self.language)
