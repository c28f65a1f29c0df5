"""Reading and checking one pack file: what an area's rules are from one day to another, with the source of each.

Every message names the file, the line and the key, because packs are written by people who know the rules, not Python.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.areas import AreaCode, place_name
from domain.assessment import Citation
from domain.bilingual import Text
from domain.errors import PackError
from domain.yaml_reader import Document, YamlError
from policy.counting import Duration
from policy.parameters import PARAMETERS

Place = tuple[str | int, ...]
Problem = Callable[[Place, str], PackError]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Part):
    """Where a value is stated: a document of this pack, the place in it, and its words where we have them."""

    document: str
    article: str | None = None
    quotation: str | None = None
    validity: Literal["stated", "assumed"] = "stated"


class Named(_Part):
    """A document that this pack relies on. Grade A: statute or government page; B: official account, newspaper or
    faithful copy; C: repost, to be compared with the bureau's page; `convention`: a working rule of this project."""

    title: str
    grade: Literal["A", "B", "C", "convention"]
    link: str | None = None
    read_on: date


class Clause(_Part):
    """What one clause says, and of which parameters it was read and says nothing."""

    source: Source
    says: dict[str, Any] = Field(default_factory=dict)
    silent_on: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Clause:
        if not self.says and not self.silent_on:
            raise ValueError("a clause says something, or is silent on something")
        return self


class _File(_Part):
    area: AreaCode
    name: Text
    valid_from: date
    valid_to: date | None
    open_ended_because: str | None = None
    gap_before_because: str | None = None
    review_by: date
    documents: dict[str, Named]
    clauses: tuple[Clause, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a pack says about one parameter; `unknown` where its sources are read and do not say."""

    value: Any
    unknown: bool
    citation: Citation
    grade: str
    link: str | None
    validity: str


@dataclass(frozen=True, slots=True)
class Pack:
    """The rules of one area for one stretch of time."""

    id: str
    area: str
    name: Text
    valid_from: date
    valid_to: date | None
    review_by: date
    gap_before_because: str | None
    statements: dict[str, Statement]
    file: Path

    def in_force(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


def read_pack(file: Path, *, known_area: bool = False) -> Pack:
    """The pack in a file; `known_area` spares the look into GB/T 2260, which takes megabytes to read.

    Raises PackError for anything malformed: a duplicate or unknown key, a missing source or unit, a bad date, an area
    that does not exist.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{file}: cannot be read: {error}") from None
    return parse_pack(text, file, known_area=known_area)


def parse_pack(text: str, file: Path, *, known_area: bool = False) -> Pack:
    """The pack in a text; `file` says where it stands, or stood: its folder is the area, its name the pack's.

    Raises PackError as `read_pack` does.
    """
    try:
        document = Document(text)
    except YamlError as error:
        raise PackError(f"{file}, line {error.line}: {error}") from None

    def problem(path: tuple[str | int, ...], message: str) -> PackError:
        key = ".".join(str(part) for part in path) or "the file"
        return PackError(f"{file}, line {document.line(path)}, {key}: {message}")

    try:
        content = _File.model_validate(document.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise problem(first["loc"], first["msg"].removeprefix("Value error, ")) from None
    if not known_area and place_name(content.area) is None:
        raise problem(("area",), f"GB/T 2260 has no area {content.area}")
    if content.area != file.parent.name:
        raise problem(("area",), f"the file stands in the folder of area {file.parent.name}")
    if content.valid_to is None and not content.open_ended_because:
        raise problem(("valid_to",), "a pack without an end says why in open_ended_because")
    if content.valid_to is not None and content.valid_to < content.valid_from:
        raise problem(("valid_to",), "misordered: it is before valid_from")
    statements = _statements(content, problem)
    return Pack(
        id=f"{content.area}/{file.stem}",
        area=content.area,
        name=content.name,
        valid_from=content.valid_from,
        valid_to=content.valid_to,
        review_by=content.review_by,
        gap_before_because=content.gap_before_because,
        statements=statements,
        file=file,
    )


def _statements(content: _File, problem: Problem) -> dict[str, Statement]:
    statements: dict[str, Statement] = {}
    for number, clause in enumerate(content.clauses):
        here = ("clauses", number)
        named = content.documents.get(clause.source.document)
        if named is None:
            raise problem((*here, "source", "document"), "this document is not listed under documents")
        citation = Citation(document=named.title, article=clause.source.article, quotation=clause.source.quotation)
        said = [(key, (*here, "says", key)) for key in clause.says]
        unsaid = [(key, (*here, "silent_on", place)) for place, key in enumerate(clause.silent_on)]
        for key, path in said + unsaid:
            if key not in PARAMETERS:
                raise problem(path, f"no parameter has the name {key}")
            if key in statements:
                raise problem(path, f"{key} stands here twice")
            silent = path[2] == "silent_on"
            value = None if silent else _value(key, clause.says[key], path, problem)
            statements[key] = Statement(value, silent, citation, named.grade, named.link, clause.source.validity)
    return statements


def _value(key: str, written: Any, path: Place, problem: Problem) -> Any:
    try:
        value = PARAMETERS[key].adapter.validate_python(written)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise problem((*path, *first["loc"]), first["msg"].removeprefix("Value error, ")) from None
    message = misordered(key, value)
    if message is not None:
        raise problem(path, message)
    return value


def misordered(key: str, value: Any) -> str | None:
    """What is wrong with the order of a list whose entries are tried one after the other, None where nothing is."""
    if key == "newborn.late_steps":
        ends = [step.until for step in value]
        if any(end is None for end in ends[:-1]):
            return "misordered: only the last step may be without until"
        lengths = [_days(end) for end in ends if isinstance(end, Duration)]
        if lengths != sorted(set(lengths)):
            return "misordered: each step must end after the one before it"
    if key in _TRIED_IN_ORDER:
        early = [entry for entry in value[:-1] if entry.is_open and not entry.population and not entry.plan_year]
        if early:
            return "misordered: an entry that holds for everybody must be the last"
    return None


_TRIED_IN_ORDER = ("cover_start.in_window", "cover_start.in_extension", "cover_start.late", "wait.start_anchor")


def _days(duration: Duration) -> int:
    return duration.length * {"day": 1, "month": 31, "year": 366}[duration.unit]
