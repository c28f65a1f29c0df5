"""Looks for words in files byte by byte, in every form in which a program may have written them."""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from demo.make_roster import ROSTER

# In a file of random bytes a shorter form would be found by chance.
_SHORTEST = 6


def forms(words: str) -> Iterator[tuple[str, bytes]]:
    """The forms of some words, by name: as text, as hex, as base64 wherever in a longer text they begin."""
    for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
        raw = words.encode(encoding)
        yield encoding, raw
        yield f"hex of {encoding}", raw.hex().encode()
        yield f"HEX of {encoding}", raw.hex().upper().encode()
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + raw)
            # The characters at both ends hold bits of what stands beside.
            part = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
            yield f"base64 of {encoding}", part
            yield f"base64url of {encoding}", part.translate(bytes.maketrans(b"+/", b"-_"))
    yield "JSON", words.encode("ascii", "backslashreplace")


def traces(files: Iterable[Path], secrets: Iterable[str]) -> dict[str, set[str]]:
    """In which files any of the secrets was found, and in which forms; empty where in none."""
    needles = {(name, form) for words in secrets for name, form in forms(words) if len(form) >= _SHORTEST}
    found: dict[str, set[str]] = {}
    for file in files:
        content = file.read_bytes()
        names = {name for name, form in needles if form in content}
        if names:
            found[file.name] = names
    return found


def people_of_the_demonstration() -> set[str]:
    """The names and the numbers of everybody in the roster."""
    with ROSTER.open(encoding="gb18030", newline="") as opened:
        rows = list(csv.DictReader(opened))
    columns = ("姓名", "身份证号", "出生医学证明编号")
    return {row[column] for row in rows for column in columns if row.get(column)}


def stores(data: Path) -> list[Path]:
    """What the demonstration leaves that must tell nothing: databases with their logs, log files, metrics, notices."""
    found = [file for pattern in ("*.db*", "logs/*", "*.jsonl", "demo.json") for file in sorted(data.glob(pattern))]
    assert {"temporal.db", "registry.db", "canbao.log", "metrics.txt"} <= {file.name for file in found}
    return found
