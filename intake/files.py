"""Agency files: rows of facts as they really come, in any of the usual encodings, read line by line.

A broken line gets one sentence that names file, line and field, and stops nothing else.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from domain.bilingual import Language, Text
from domain.errors import ContractError
from domain.facts import Fact, parse_fact
from domain.identity_documents import IdentityDocument, Kind, document
from intake.labels import COLUMNS, DOCUMENT_COLUMNS, WIRE_NAMES, WORDS

_DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_DATE_FIELDS = {"on", "recorded_on", "arrived_on"}
_NOT_OF_THE_FACT = {"name", *DOCUMENT_COLUMNS}


@dataclass(frozen=True, slots=True)
class Row:
    """A line that says something: about whom, and what."""

    line: int
    documents: tuple[IdentityDocument, ...]
    fact: Fact
    name: str = field(default="", repr=False)
    """For whoever reads the answer to the file; it goes no further."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that cannot be used, and why."""

    file: str
    line: int
    message: Text

    def in_(self, language: Language) -> str:
        """The sentence that names file, line and what is wrong."""
        words = self.message.in_(language)
        return f"{self.file},第{self.line}行:{words}" if language == "zh" else f"{self.file}, line {self.line}: {words}"


def read_rows(file: Path, today: date) -> Iterator[Row | Problem]:
    """The rows of a CSV file of facts, in order; a problem where a line cannot be used.

    Raises ContractError when the file as a whole cannot: not readable, no known encoding, an unknown or missing column.
    """
    reader = csv.reader(io.StringIO(_text(file), newline=""))
    heading = next(reader, None)
    if not heading:
        raise ContractError(
            f"{file}: the file is empty; a heading with the names of the columns is expected",
            f"{file}:文件为空,缺少列名",
        )
    columns = [_column(file, title) for title in heading]
    for needed in ("type", "on"):
        if needed not in columns:
            names = " / ".join(title for title, column in COLUMNS.items() if column == needed)
            raise ContractError(f"{file}, line 1: the column {names} is missing", f"{file},第1行:缺少列 {names}")
    seen: dict[str, int] = {}
    for cells in reader:
        line = reader.line_num
        values = {column: _clean(cell) for column, cell in zip(columns, cells, strict=False)}
        if not any(values.values()):
            continue
        if len(cells) > len(columns):
            yield Problem(
                file.name,
                line,
                Text(
                    f"有{len(cells)}个单元格,而列名只有{len(columns)}个",
                    f"{len(cells)} cells where the heading has {len(columns)}",
                ),
            )
            continue
        try:
            row = _row(line, values, today)
        except ContractError as error:
            yield Problem(file.name, line, error.text)
            continue
        first = seen.setdefault(row.fact.fact_id, line)
        if first != line:
            yield Problem(
                file.name,
                line,
                Text(
                    f"字段事件编号:第{first}行已有同一事件,此行略去",
                    f"field event_id: the same event stands in line {first}; this one is left out",
                ),
            )
            continue
        yield row


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ContractError(f"{file}: cannot be read: {error.strerror}", f"{file}:无法读取:{error.strerror}") from None
    if data.startswith(codecs.BOM_UTF8):
        return data.decode("utf-8-sig", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ContractError(f"{file}: the text is neither UTF-8 nor GB18030", f"{file}:文字编码既非 UTF-8 也非 GB18030")


def _clean(cell: str) -> str:
    """Full-width digits and letters made narrow, spaces of every kind taken from the ends."""
    return unicodedata.normalize("NFKC", cell).strip()


def _column(file: Path, title: str) -> str:
    column = COLUMNS.get(_clean(title)) or COLUMNS.get(_clean(title).lower())
    if column is None:
        known = ", ".join(title for title in COLUMNS if not title.isascii())
        raise ContractError(
            f"{file}, line 1: there is no column {_clean(title)!r}; the columns are {known}",
            f"{file},第1行:没有名为{_clean(title)!r}的列;可用的列为 {known}",
        )
    return column


def _row(line: int, values: dict[str, str], today: date) -> Row:
    documents = tuple(_documents(values, today))
    if not documents:
        raise ContractError(
            "field id_number: an ID number or a birth certificate number is expected",
            "字段身份证号:应填身份证号或出生医学证明编号",
        )
    data: dict[str, object] = {}
    for column, text in values.items():
        if text and column not in _NOT_OF_THE_FACT:
            data[WIRE_NAMES.get(column, column)] = _value(column, text)
    if data.get("type") in ("birth", "identity_updated"):
        data["identity"] = documents[0].kind
    return Row(line, documents, parse_fact(data), values.get("name", ""))


def _documents(values: dict[str, str], today: date) -> Iterator[IdentityDocument]:
    kinds: tuple[Kind, ...] = ("id_number", "birth_certificate")
    for kind in kinds:
        if values.get(kind):
            try:
                yield document(kind, values[kind], today)
            except ContractError as error:
                raise ContractError(f"field {kind}: {error}", f"字段{kind}:{error.text.zh}") from None


def _value(column: str, text: str) -> object:
    if column in _DATE_FIELDS:
        return _date(column, text)
    if column == "plan_year":
        if not text.isdigit():
            raise ContractError("field plan_year: a year such as 2017 is expected", "字段年度:应为年份,如 2017")
        return int(text)
    return WORDS.get(column, {}).get(text, text)


def _date(column: str, text: str) -> date:
    match = _DATE.fullmatch(text.replace(" ", ""))
    try:
        if match is not None:
            return date(*(int(part) for part in match.groups()))
    except ValueError:
        pass
    raise ContractError(
        f"field {column}: a date of the calendar such as 2017-03-01 is expected",
        f"字段{column}:应为存在的日期,如 2017-03-01",
    )
