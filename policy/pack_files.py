"""Reading and checking one pack file: what an area's rules are from one day to another, with the source of each.

Every message names the file, the line and the key, because packs are written by people who know the rules, not Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.areas import AreaCode
from domain.assessment import Citation
from domain.bilingual import Text
from domain.errors import PackError
from policy.parameters import PARAMETERS
from policy.yaml_reader import Document, YamlError


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


class Entry(_Part):
    value: Any = None
    unknown: bool = False
    source: Source

    @model_validator(mode="after")
    def _says_something(self) -> Entry:
        if self.unknown == ("value" in self.model_fields_set):
            raise ValueError("either a value or unknown: true is expected")
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
    values: dict[str, Entry] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a pack says about one parameter; `unknown` where its sources are read and do not say."""

    value: Any
    unknown: bool
    citation: Citation
    grade: str


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


def read_pack(file: Path) -> Pack:
    """The pack in a file.

    Raises PackError for anything malformed: a duplicate or unknown key, a missing source or unit, a bad date.
    """
    try:
        document = Document(file.read_text(encoding="utf-8"))
    except YamlError as error:
        raise PackError(f"{file}, line {error.line}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{file}: cannot be read: {error}") from None

    def problem(path: tuple[str | int, ...], message: str) -> PackError:
        key = ".".join(str(part) for part in path) or "the file"
        return PackError(f"{file}, line {document.line(path)}, {key}: {message}")

    try:
        content = _File.model_validate(document.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise problem(first["loc"], first["msg"].removeprefix("Value error, ")) from None
    if content.area != file.parent.name:
        raise problem(("area",), f"the file stands in the folder of area {file.parent.name}")
    if content.valid_to is None and not content.open_ended_because:
        raise problem(("valid_to",), "a pack without an end says why in open_ended_because")
    if content.valid_to is not None and content.valid_to < content.valid_from:
        raise problem(("valid_to",), "misordered: it is before valid_from")
    statements = {key: _statement(content, key, entry, problem) for key, entry in content.values.items()}
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


def _statement(content: _File, key: str, entry: Entry, problem: Any) -> Statement:
    parameter = PARAMETERS.get(key)
    if parameter is None:
        raise problem(("values", key), "no parameter has this name")
    named = content.documents.get(entry.source.document)
    if named is None:
        raise problem(("values", key, "source", "document"), "this document is not listed under documents")
    value = None
    if not entry.unknown:
        try:
            value = parameter.adapter.validate_python(entry.value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            raise problem(("values", key, "value", *first["loc"]), first["msg"].removeprefix("Value error, ")) from None
        _check_order(key, value, problem)
    citation = Citation(document=named.title, article=entry.source.article, quotation=entry.source.quotation)
    return Statement(value=value, unknown=entry.unknown, citation=citation, grade=named.grade)


def _check_order(key: str, value: Any, problem: Any) -> None:
    """Steps that follow one another must be in order, and only the last may be open: each before it needs an end."""
    if key == "newborn.late_steps":
        ends = [step.until for step in value]
        if any(end is None for end in ends[:-1]):
            raise problem(("values", key, "value"), "misordered: only the last step may be without until")
        lengths = [_days(end) for end in ends if end is not None]
        if lengths != sorted(set(lengths)):
            raise problem(("values", key, "value"), "misordered: each step must end after the one before it")
    if key == "cover_start.late" and (not value or value[-1].gap_at_least is not None):
        raise problem(("values", key, "value"), "the last entry must hold for everybody")


def _days(duration: Any) -> int:
    per_unit = {"day": 1, "month": 31, "year": 366}
    return int(duration.length) * per_unit[duration.unit]
