"""Packs in words: what the rules of an area are on a day, and how two sets of rules differ."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.areas import chain
from domain.bilingual import Text
from policy.pack_files import Pack, Statement
from policy.pack_library import PackLibrary
from policy.parameters import PARAMETERS


@dataclass(frozen=True, slots=True)
class Resolved:
    """One parameter as it holds in an area on a day: which pack says it, and where."""

    key: str
    value: str
    pack: Pack
    statement: Statement


def resolve(library: PackLibrary, area: str, on: date) -> list[Resolved]:
    """Every parameter that is stated for an area on a day, the nearest area's word for each, in the order of keys."""
    found: dict[str, Resolved] = {}
    by_area: dict[str, list[Pack]] = {}
    for pack in library.packs:
        if pack.in_force(on):
            by_area.setdefault(pack.area, []).append(pack)
    for code in chain(area):
        for pack in by_area.get(code, ()):
            for key, statement in pack.statements.items():
                found.setdefault(key, Resolved(key, in_words(key, statement), pack, statement))
    return sorted(found.values(), key=lambda item: list(PARAMETERS).index(item.key))


def in_words(key: str, statement: Statement) -> str:
    """A value as a pack writes it, on one line."""
    if statement.unknown:
        return "?"
    written = PARAMETERS[key].adapter.dump_python(statement.value, mode="json", exclude_defaults=True)
    return _line(written)


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_line(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(_line(item) for item in value) if value else "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def differences(before: list[Resolved], after: list[Resolved]) -> list[Text]:
    """What changed from one set of rules to another, one sentence a parameter."""
    old, new = {item.key: item for item in before}, {item.key: item for item in after}
    sentences = []
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if a is None and b is not None:
            sentences.append(Text(f"{key}:新增规定 {b.value}", f"{key}: now stated: {b.value}"))
        elif b is None and a is not None:
            sentences.append(Text(f"{key}:不再规定(原为 {a.value})", f"{key}: no longer stated (was {a.value})"))
        elif a is not None and b is not None and a.value != b.value:
            sentences.append(Text(f"{key}:由 {a.value} 改为 {b.value}", f"{key}: from {a.value} to {b.value}"))
    return sentences


def past_review(library: PackLibrary, today: date) -> list[Pack]:
    """The packs whose sources should have been read again by today."""
    return [pack for pack in library.packs if pack.review_by < today]
