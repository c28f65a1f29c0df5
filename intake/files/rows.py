"""What the lines of a table state: about whom, and which fact.

A broken line gets one sentence that names line and field, without repeating what stands there, and stops nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from domain.bilingual import Language, Text
from domain.errors import ContractError, Forbidden
from domain.facts import Fact, parse_fact
from domain.identity_documents import IdentityDocument, document, newborn
from domain.money import fen
from domain.senders import Sender
from intake.files.labels import (
    BORN,
    CHINESE,
    COLUMNS,
    DATES,
    DOCUMENT_COLUMNS,
    MOTHER,
    NO,
    NO_DOCUMENT,
    NUMBERS,
    ORDER,
    TRUTHS,
    WIRE_NAMES,
    WORDS,
    YEARS,
    YES,
)
from intake.files.mapping import Mapping, TotalRow
from intake.files.tables import MAXIMUM_CELL, MAXIMUM_COLUMNS, REPLACED, Table, open_table

_DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_FORMULA_SIGNS = ("=", "+", "@")
_BETWEEN = "\x1f"
_SPACE = re.compile("[ \t\r\n]")
_SUSPICIOUS = re.compile(f"{REPLACED}|(?:^|{_BETWEEN})[=+@]")
_KNOWN = 5000
_LONGEST_ID = 120
_LONGEST_NONE = max(map(len, NO_DOCUMENT))
_EACH_ITS_OWN = ("id", "corrects")
_PERSON = frozenset({*DOCUMENT_COLUMNS, MOTHER, BORN, ORDER, "name"})


@dataclass(slots=True)
class Row:
    """A line that says something: about whom, and what."""

    line: int
    documents: tuple[IdentityDocument, ...]
    states: Fact
    """The fact without its number; lines that differ in nothing else share it."""
    number: str | None
    name: str = field(default="", repr=False)
    """For whoever reads the answer to the file; it goes no further."""

    @property
    def fact(self) -> Fact:
        return self.states if self.number is None else self.states.model_copy(update={"id": self.number})


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


@dataclass(frozen=True, slots=True)
class StatedTotals:
    """What a file, or whoever hands it over, says that it holds; None for what is not said. `amount` in fen."""

    headcount: int | None = None
    receipts: int | None = None
    amount: int | None = None


def read_rows(
    file: Path, today: date, mapping: Mapping | None = None, sender: Sender | None = None
) -> Iterator[Row | Problem]:
    """The rows of a file of facts, in order; a problem where a line cannot be used.

    With a sender, the facts are as that sender states them, and what it may not say is a problem. Raises ContractError
    when the file as a whole cannot be read: no known encoding, an unknown or missing column.
    """
    for item in read_lines(file, today, mapping, sender):
        if not isinstance(item, StatedTotals):
            yield item


def read_lines(
    file: Path, today: date, mapping: Mapping | None = None, sender: Sender | None = None
) -> Iterator[Row | Problem | StatedTotals]:
    """Like `read_rows`, with the totals where a line states them."""
    mapping = mapping or Mapping()
    table = open_table(file, mapping.sheet)
    reader = _Reader(table, mapping, today, sender)
    for line, cells in table.lines:
        found = reader.read(line, cells)
        if found is not None:
            yield found


@dataclass(slots=True)
class _Column:
    """A column of the fact: where it stands, its wire name, and how its cells are read."""

    place: int
    title: str
    name: str
    convert: Callable[[str, str], object]
    known: dict[str, object] = field(default_factory=dict)
    """What was read already: a column says a few things over and over."""

    def value(self, text: str) -> object:
        found = self.convert(self.title, text)
        if len(self.known) < _KNOWN and self.title not in _EACH_ITS_OWN:
            self.known[text] = found
        return found


class _Reader:
    """Reads the lines below a heading; what does not change from line to line is found out once."""

    def __init__(self, table: Table, mapping: Mapping, today: date, sender: Sender | None) -> None:
        self._table, self._mapping, self._today, self._sender = table, mapping, today, sender
        self._file = table.file.name
        titles = next((cells for line, cells in table.lines if line >= mapping.heading), [])
        if not any(title.strip() for title in titles):
            raise ContractError(
                f"{self._file}: the file is empty; a heading with the names of the columns is expected",
                f"{self._file}:文件为空,缺少列名",
            )
        while not titles[-1].strip():
            titles.pop()  # spreadsheets keep columns that hold nothing
        if len(titles) > MAXIMUM_COLUMNS:
            raise ContractError(
                f"{self._file}, line {mapping.heading}: {len(titles)} columns; at most {MAXIMUM_COLUMNS} are read",
                f"{self._file},第{mapping.heading}行:有{len(titles)}列,最多{MAXIMUM_COLUMNS}列",
            )
        self._columns = [self._column(title) for title in titles]
        self._constants = {
            WIRE_NAMES.get(column, column): _of_fact(column, text, {}) for column, text in mapping.constants.items()
        }
        self._check_columns()
        self._facts = [
            _Column(place, column, WIRE_NAMES.get(column, column), _converter(column, self._words(column)))
            for place, column in enumerate(self._columns)
            if column and column not in _PERSON
        ]
        self._people = {column: place for place, column in enumerate(self._columns) if column in _PERSON}
        self._documents = [
            (self._people[column], column, kind) for column, kind in DOCUMENT_COLUMNS.items() if column in self._people
        ]
        day = self._people.get(BORN, self._columns.index("on") if "on" in self._columns else None)
        columns = [self._people.get(MOTHER), day, self._people.get(ORDER)]
        self._newborns = [place for place in columns if place is not None] if None not in columns else None
        self._width = len(titles)
        self._stated: dict[tuple[tuple[str, object], ...], Fact] = {}

    def read(self, line: int, cells: list[str]) -> Row | Problem | StatedTotals | None:
        try:
            return self._read(line, cells)
        except (ContractError, Forbidden) as error:
            return Problem(self._file, line, error.text)

    def _values(self, cells: list[str]) -> tuple[str, list[str]]:
        """The cells in normal form, and as one text: nearly no line has anything that a cell must be looked at for."""
        if len(cells) != self._width:
            cells = self._fitted(cells)
        text = _BETWEEN.join(cells)
        if not text.isascii() and not unicodedata.is_normalized("NFKC", text):
            text = unicodedata.normalize("NFKC", text)
        values = text.split(_BETWEEN)
        if len(values) != self._width:
            raise ContractError("a control character in a cell", "单元格中有控制字符")
        if _SPACE.search(text):
            values = [value.strip() for value in values]
        return text, values

    def _read(self, line: int, cells: list[str]) -> Row | StatedTotals | None:
        text, values = self._values(cells)
        if not any(values):
            return None
        totals = self._mapping.total_row
        if totals is not None and values[0].startswith(totals.label):
            return self._totals(totals, values)
        self._refuse_formula(line)
        if _SUSPICIOUS.search(text) or len(text) > MAXIMUM_CELL:
            self._refuse_cell(values)
        documents = self._read_documents(values)
        if not documents:
            raise ContractError(
                "field id_number: an ID number, a birth certificate number or another document is expected",
                "字段身份证号:应填身份证号、出生医学证明编号或其他证件",
            )
        data = dict(self._constants)
        for column in self._facts:
            if cell := values[column.place]:
                known = column.known.get(cell)
                data[column.name] = column.value(cell) if known is None else known
        if data.get("type") in ("birth", "identity_updated"):
            data.setdefault("identity", "id_number" if documents[0].kind == "id_number" else "birth_certificate")
        name = self._people.get("name")
        number = self._number(data.pop("id", None))
        return Row(line, documents, self._fact(data), number, "" if name is None else values[name])

    def _fact(self, data: dict[str, object]) -> Fact:
        """The fact that a line states, without its number."""
        content = tuple(data.items())
        fact = self._stated.get(content)
        if fact is None:
            fact = parse_fact(data)
            if self._sender is not None:
                fact = self._sender.stated(fact)
            if len(self._stated) < _KNOWN:
                self._stated[content] = fact
        return fact

    def _number(self, number: object) -> str | None:
        """The id of a line's fact, from the sender's own number of it."""
        if number is None:
            return None
        if not isinstance(number, str) or len(number) > _LONGEST_ID or not number.isprintable():
            raise ContractError(
                f"field id: at most {_LONGEST_ID} printable characters", f"字段事件编号:最多{_LONGEST_ID}个可见字符"
            )
        return number if self._sender is None else self._sender.own_id(number)

    def _refuse_formula(self, line: int) -> None:
        cell = self._table.formulas.get(line)
        if cell is not None:
            raise ContractError(
                f"cell {cell}: a formula; save the sheet with values", f"单元格{cell}:是公式,请存为数值"
            )

    def _fitted(self, cells: list[str]) -> list[str]:
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            raise ContractError(
                f"{len(cells)} cells where the heading has {self._width}",
                f"有{len(cells)}个单元格,而列名只有{self._width}个",
            )
        return [*cells[: self._width], *([""] * (self._width - len(cells)))]

    def _refuse_cell(self, values: list[str]) -> None:
        for place, text in enumerate(values):
            column = self._columns[place]
            if not column:
                continue
            called = f"field {column}", f"字段{CHINESE.get(column, column)}"
            if REPLACED in text:
                raise ContractError(
                    f"{called[0]}: not in the file's encoding {self._table.encoding}, a quote that is never closed, "
                    "or a number too long to be one; write it as text",
                    f"{called[1]}:与文件编码{self._table.encoding}不符、引号没有闭合,或为过长的数字;请以文本填写",
                )
            if text.startswith(_FORMULA_SIGNS):
                raise ContractError(f"{called[0]}: a formula, not a value", f"{called[1]}:是公式,不是数值")
            if len(text) > MAXIMUM_CELL:
                raise ContractError(
                    f"{called[0]}: longer than {MAXIMUM_CELL} characters", f"{called[1]}:超过{MAXIMUM_CELL}字"
                )

    def _read_documents(self, values: list[str]) -> tuple[IdentityDocument, ...]:
        found = []
        for place, column, kind in self._documents:
            text = values[place]
            if text and (len(text) > _LONGEST_NONE or text.lower() not in NO_DOCUMENT):
                try:
                    found.append(document(kind, text, self._today))
                except ContractError as error:
                    raise _in_field(column, error) from None
        if self._newborns is not None and (child := self._newborn(*(values[place] for place in self._newborns))):
            found.append(child)
        return tuple(found)

    def _newborn(self, mother: str, born: str, order: str) -> IdentityDocument | None:
        """A child without papers; None where not all three are said, since what is missing equals nothing."""
        if mother.lower() in NO_DOCUMENT or not order or not born:
            return None
        day = _date(BORN, born)
        try:
            held_by = document("id_number", mother, self._today)
        except ContractError as error:
            raise _in_field(MOTHER, error) from None
        try:
            return newborn(held_by, day, int(order) if order.isdecimal() and len(order) == 1 else 0, self._today)
        except ContractError as error:
            raise _in_field(ORDER, error) from None

    def _totals(self, row: TotalRow, values: list[str]) -> StatedTotals:
        def number(title: str | None) -> int | None:
            text = self._under(title, values)
            if text is None:
                return None
            if not text.isdecimal():
                raise ContractError(f"total {title}: a number is expected", f"合计{title}:应为数字")
            return int(text)

        money = self._under(row.amount, values)
        try:
            amount = None if money is None else fen(money.replace(",", ""))
        except ValueError as error:
            raise ContractError(f"total {row.amount}: {error}", f"合计{row.amount}:金额有误") from None
        return StatedTotals(number(row.headcount), number(row.receipts), amount)

    def _under(self, column: str | None, values: list[str]) -> str | None:
        if column is None:
            return None
        return values[self._columns.index(column)] or None

    def _words(self, column: str) -> dict[str, str]:
        return {**WORDS.get(column, {}), **self._mapping.words.get(column, {})}

    def _column(self, title: str) -> str:
        """The column of a title; empty for one that is not read."""
        clean = _clean(title)
        if clean in self._mapping.ignore:
            return ""
        column = self._mapping.columns.get(clean) or COLUMNS.get(clean) or COLUMNS.get(clean.lower())
        if column is None:
            known = ", ".join([*self._mapping.columns, *CHINESE.values()])
            shown = clean[:40] or "(empty)"
            raise ContractError(
                f"{self._file}, line {self._mapping.heading}: there is no column {shown!r}; the columns are {known}",
                f"{self._file},第{self._mapping.heading}行:没有名为{shown!r}的列;可用的列为 {known}",
            )
        return column

    def _check_columns(self) -> None:
        for column in self._columns:
            if column and self._columns.count(column) > 1:
                raise ContractError(
                    f"{self._file}, line {self._mapping.heading}: the column {column} stands there twice",
                    f"{self._file},第{self._mapping.heading}行:列{CHINESE[column]}重复",
                )
        totals = self._mapping.total_row
        for under in () if totals is None else (totals.headcount, totals.receipts, totals.amount):
            if under is not None and under not in self._columns:
                raise ContractError(
                    f"{self._file}, line {self._mapping.heading}: the column {under} of the totals is missing",
                    f"{self._file},第{self._mapping.heading}行:缺少合计所在的列{CHINESE.get(under, under)}",
                )
        for needed in ("type", "on"):
            if needed not in self._columns and needed not in self._constants:
                names = f"{CHINESE[needed]} / {needed}"
                raise ContractError(
                    f"{self._file}, line {self._mapping.heading}: the column {names} is missing",
                    f"{self._file},第{self._mapping.heading}行:缺少列 {names}",
                )


def _in_field(column: str, error: ContractError) -> ContractError:
    """The error with the name of its column before it."""
    return ContractError(f"field {column}: {error}", f"字段{CHINESE[column]}:{error.text.zh}")


def _clean(cell: str) -> str:
    """Full-width digits and letters made narrow, spaces of every kind taken from the ends."""
    return cell.strip() if cell.isascii() else unicodedata.normalize("NFKC", cell).strip()


def _converter(column: str, words: dict[str, str]) -> Callable[[str, str], object]:
    if column in DATES:
        return _date
    if column in YEARS or column in NUMBERS:
        return _number
    if column in TRUTHS:
        return _truth
    return lambda _column, text: words.get(text, text)


def _of_fact(column: str, text: str, words: dict[str, str]) -> object:
    return _converter(column, words or WORDS.get(column, {}))(column, text)


def _date(column: str, text: str) -> date:
    match = _DATE.fullmatch(text.replace(" ", ""))
    try:
        if match is not None:
            return date(*(int(part) for part in match.groups()))
    except ValueError:
        pass
    raise ContractError(
        f"field {column}: a date of the calendar such as 2017-03-01 is expected",
        f"字段{CHINESE[column]}:应为存在的日期,如 2017-03-01",
    )


def _number(column: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        if column in YEARS:
            raise ContractError(
                f"field {column}: a year such as 2017 is expected", f"字段{CHINESE[column]}:应为年份,如 2017"
            )
        raise ContractError(f"field {column}: a number is expected", f"字段{CHINESE[column]}:应为数字")
    return int(text)


def _truth(column: str, text: str) -> bool:
    word = text.lower()
    if word in YES or word in NO:
        return word in YES
    raise ContractError(f"field {column}: yes or no is expected", f"字段{CHINESE[column]}:应为 是 或 否")
