"""Case files: a person's facts with what is expected of them, and the comparison of the two.

How `expect` is compared is part of the published contract: lists whose elements carry a scheme must match one to one
for each scheme named, all other lists must contain what is expected, and inside an element only the named fields count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from domain.areas import NATION
from domain.assessment import Assessment, to_wire
from domain.errors import ContractError
from domain.facts import Fact, parse_fact
from domain.yaml_reader import Document, YamlError
from policy.assess import assess
from policy.pack_library import PackLibrary

_WITH_SCHEME = {"coverage", "undetermined", "waits", "suspensions", "terminations"} | {
    "levies",
    "refunds",
    "clawbacks",
    "kept",
}
_OTHERS = {"refused", "parked", "notices", "deadlines", "incentives", "decisions"}
_FIELDS = {"id", "title", "source", "note", "area", "facts", "as_of", "expect"}
_NUMBERS = {"person", "government", "amount", "total", "share", "fixed", "variable", "repaired", "plan_year"}


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One case: facts, the day, and what is expected of the assessment on it."""

    id: str
    title: str
    area: str
    facts: tuple[Fact, ...]
    as_of: date
    expect: dict[str, Any]


def read_cases(file: Path) -> list[CaseFile]:
    """The cases in a file.

    Raises ContractError whose message names the file, the case and the field.
    """
    try:
        document = Document(file.read_text(encoding="utf-8"))
    except YamlError as error:
        raise ContractError(f"{file}, line {error.line}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ContractError(f"{file}: cannot be read: {reason}") from None
    cases = document.value if isinstance(document.value, list) else [document.value]
    return [_case(file, document, number, case) for number, case in enumerate(cases)]


def judge_case(case: CaseFile, library: PackLibrary) -> tuple[Assessment, list[str]]:
    """The assessment of a case, and how it differs from what is expected (nothing, when the case holds)."""
    found = assess(case.facts, case.area, case.as_of, library)
    return found, mismatches(case.expect, to_wire(found))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a case stands, for messages that name file, line, case and field."""

    file: Path
    document: Document
    path: tuple[int, ...]
    name: str

    def wrong(self, field: str, message: str, *place: str | int) -> ContractError:
        line = self.document.line((*self.path, field, *place))
        return ContractError(f"{self.file}, line {line}, case {self.name}, field {field}: {message}")


def _case(file: Path, document: Document, number: int, case: Any) -> CaseFile:
    name = str(case.get("id", f"number {number + 1}")) if isinstance(case, dict) else f"number {number + 1}"
    place = _Place(file, document, (number,) if isinstance(document.value, list) else (), name)
    if not isinstance(case, dict):
        raise place.wrong("case", "a mapping with facts, as_of and expect is expected")
    _check_fields(place, case)
    facts = []
    for position, fact in enumerate(case["facts"]):
        try:
            facts.append(parse_fact(fact))
        except ContractError as error:
            raise place.wrong("facts", f"fact {position + 1}: {error}", position) from None
    return CaseFile(
        case["id"],
        case.get("title", ""),
        case.get("area", NATION),
        tuple(facts),
        case["as_of"],
        case.get("expect", {}),
    )


def _check_fields(place: _Place, case: dict[str, Any]) -> None:
    for field in case:
        if field not in _FIELDS:
            raise place.wrong(field, "a case has no such field")
    for field, kind in (("id", str), ("facts", list), ("as_of", date)):
        if not isinstance(case.get(field), kind):
            raise place.wrong(field, f"expected, a {kind.__name__}")
    area, expect = case.get("area", NATION), case.get("expect", {})
    if not isinstance(area, str) or len(area) != 6 or not area.isdigit():
        raise place.wrong("area", 'a quoted GB/T 2260 code such as "130925" is expected')
    if not isinstance(expect, dict):
        raise place.wrong("expect", "a mapping from list to elements is expected")
    for key in expect:
        if key not in _WITH_SCHEME | _OTHERS | {"on_days"}:
            raise place.wrong("expect", f"an assessment has no list {key}", key)


def mismatches(expect: dict[str, Any], wire: dict[str, Any]) -> list[str]:
    """How an assessment in its published form differs from what is expected, one sentence each."""
    found: list[str] = []
    for key, expected in expect.items():
        if key == "on_days":
            found.extend(_single_days(expected, wire))
        elif key in _WITH_SCHEME:
            found.extend(_one_to_one(key, expected, wire[key]))
        else:
            found.extend(
                f"{key}: expected {item}, which is not there"
                for item in expected
                if not any(_agrees(item, actual) for actual in wire[key])
            )
            if expected == [] and wire[key]:
                found.append(f"{key}: expected none, found {len(wire[key])}: {wire[key][0]}")
    return found


def _one_to_one(key: str, expected: list[dict[str, Any]], actual: list[dict[str, Any]]) -> list[str]:
    if not expected:
        return [f"{key}: expected none, found {actual[0]}"] if actual else []
    problems = []
    for scheme in dict.fromkeys(item.get("scheme", "resident") for item in expected):
        wanted = [item for item in expected if item.get("scheme", "resident") == scheme]
        there = [item for item in actual if item["scheme"] == scheme]
        wanted.sort(key=_position)
        if len(wanted) != len(there):
            problems.append(f"{key} of {scheme}: expected {len(wanted)}, found {len(there)}: {there}")
            continue
        problems += [
            f"{key} of {scheme}: expected {want}, found {have}"
            for want, have in zip(wanted, there, strict=True)
            if not _agrees(want, have)
        ]
    return problems


def _position(item: dict[str, Any]) -> tuple[str, str]:
    # An element that leaves its start open keeps the place that its end gives it.
    return str(item.get("from", item.get("to", item.get("on", item.get("plan_year", ""))))), str(item.get("part", ""))


def _agrees(expected: dict[str, Any], actual: dict[str, Any]) -> bool:
    return all(_same(key, value, actual.get(key)) for key, value in expected.items())


def _same(key: str, expected: Any, actual: Any) -> bool:
    if isinstance(expected, date):
        expected = expected.isoformat()
    if key in _NUMBERS and expected is not None and actual is not None:
        return float(expected) == float(actual)
    return bool(expected == actual)


def _single_days(expected: list[dict[str, Any]], wire: dict[str, Any]) -> list[str]:
    problems = []
    for item in expected:
        day = item["on"].isoformat()
        covered = any(
            span["scheme"] == item["scheme"]
            and item.get("area") in (None, span["area"])
            and span["from"] <= day <= span.get("to", (date.max - timedelta(1)).isoformat())
            for span in wire["coverage"]
        )
        if covered != item["paid"]:
            problems.append(f"on_days: {item['scheme']} on {day}: expected paid {item['paid']}, found {covered}")
    return problems
