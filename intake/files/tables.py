"""Tables as they are handed over: CSV (UTF-8, with or without mark, GB18030) and xlsx, line by line, without trust.

A file is never held as a whole: a million lines cost no more memory than a thousand (an xlsx is held as far as it may
be large, which is less).
"""

from __future__ import annotations

import codecs
import csv
import math
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import IO

from python_calamine import CalamineError, load_workbook

from domain.errors import ContractError

MAXIMUM_COLUMNS = 100
MAXIMUM_CELL = 2000
MAXIMUM_UNPACKED = 256 * 1024 * 1024
_MAXIMUM_PARTS = 2000
_CHUNK = 1 << 20
# A spreadsheet holds numbers with fifteen digits; of a longer one the rest is lost when it is no text.
_MAXIMUM_NUMBER = 10**15
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>(\s*<(?:\w+:)?f[ >/])?')

# A cell with line breaks has no more of them than this.
_LINES_OF_A_CELL = 20
REPLACED = "\ufffd"
"""Stands where something cannot be read."""
# A workbook is held as a whole rectangle, so one stray cell far out would fill the memory.
_MAXIMUM_CELLS = 20_000_000

Line = tuple[int, list[str]]


@dataclass
class Table:
    """A file's lines with their numbers, and the cells that hold a formula instead of a value."""

    file: Path
    encoding: str
    lines: Iterator[Line]
    formulas: dict[int, str] = field(default_factory=dict)
    """By line, the cell."""


def open_table(file: Path, sheet: str | None) -> Table:
    """The table in a file. Raises ContractError where it is none that can be read."""
    try:
        with file.open("rb") as opened:
            start = opened.read(4)
    except OSError as error:
        raise ContractError(f"{file.name}: cannot be read: {error.strerror}", f"{file.name}:无法读取") from None
    if not start:
        raise ContractError(
            f"{file.name}: the file is empty; a heading with the names of the columns is expected",
            f"{file.name}:文件为空,缺少列名",
        )
    if start == b"PK\x03\x04":
        return _workbook(file, sheet)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise ContractError(
            f"{file.name}: is an old xls workbook; save it as xlsx or CSV",
            f"{file.name}:是旧版 xls,请另存为 xlsx 或 CSV",
        )
    encoding = _encoding(file)
    return Table(file, encoding, _csv_lines(file, encoding))


def _encoding(file: Path) -> str:
    """By the mark, else by the first line that is not plain ASCII, which is the heading nearly always."""
    with file.open("rb") as opened:
        first = opened.readline(1 << 16)
        if first.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ContractError(f"{file.name}: is UTF-16; save it as UTF-8", f"{file.name}:是 UTF-16,请另存为 UTF-8")
        while first and first.isascii():
            first = opened.readline(1 << 16)
    for encoding in ("utf-8", "gb18030"):
        try:
            first.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise ContractError(
        f"{file.name}: the text is neither UTF-8 nor GB18030", f"{file.name}:文字编码既非 UTF-8 也非 GB18030"
    )


def _csv_lines(file: Path, encoding: str) -> Iterator[Line]:
    # What cannot be decoded is replaced, and its line is refused by whoever reads it; the others are read.
    with file.open(encoding=encoding, errors="replace", newline="") as opened:
        csv.field_size_limit(1 << 20)
        reader = csv.reader(_closed(opened))
        try:
            for cells in reader:
                yield reader.line_num, cells
        except csv.Error as error:
            number = reader.line_num
            raise ContractError(
                f"{file.name}, line {number}: is no CSV: {error}", f"{file.name},第{number}行:不是 CSV"
            ) from None


def _closed(lines: Iterable[str]) -> Iterator[str]:
    """Physical lines in which every quote that opens is closed within a few lines.

    One that is not would swallow the rest of the file; its line is marked as one that cannot be read.
    """
    waiting: deque[str] = deque()
    source = iter(lines)
    while True:
        line = waiting.popleft() if waiting else next(source, None)
        if line is None:
            return
        if line.count('"') % 2 == 0:
            yield line
            continue
        waiting.extend(islice(source, max(0, _LINES_OF_A_CELL - len(waiting))))
        end = next((place for place, later in enumerate(waiting) if later.count('"') % 2), None)
        if end is None:
            yield line.replace('"', REPLACED)
            continue
        yield line
        for _ in range(end + 1):
            yield waiting.popleft()


def _workbook(file: Path, sheet: str | None) -> Table:
    _look_through(file, "")
    try:
        book = load_workbook(file)
        names = book.sheet_names
        rows = book.get_sheet_by_name(sheet if sheet in names else names[0])
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise ContractError(
            f"{file.name}: the workbook cannot be read: {type(error).__name__}", f"{file.name}:工作簿无法读取"
        ) from None
    if sheet is not None and sheet not in names:
        raise ContractError(
            f"{file.name}: there is no sheet {sheet}; there are {', '.join(names)}",
            f"{file.name}:没有工作表{sheet};有:{'、'.join(names)}",
        )
    place = names.index(sheet) if sheet is not None else 0
    formulas = _look_through(file, f"xl/worksheets/sheet{place + 1}.xml")
    table = ((number, [_text(cell) for cell in cells]) for number, cells in enumerate(rows.iter_rows(), 1))
    return Table(file, "xlsx", table, formulas)


def _look_through(file: Path, part_read: str) -> dict[int, str]:
    """Unpack every part once, counted, before anything trusts it; the cells with formulas in one of them, by line."""
    formulas: dict[int, str] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if len(parts) > _MAXIMUM_PARTS or sum(part.file_size for part in parts) > MAXIMUM_UNPACKED:
                raise _too_large(file)
            for part in parts:
                with archive.open(part) as opened:
                    _look_at(file, opened, part.filename, part_read, formulas)
    except ContractError:
        raise
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError, ValueError),
    ) as error:
        raise ContractError(
            f"{file.name}: the workbook is damaged: {type(error).__name__}", f"{file.name}:工作簿已损坏"
        ) from None
    return formulas


def _look_at(file: Path, opened: IO[bytes], name: str, part_read: str, formulas: dict[int, str]) -> None:
    """Read a part to its end; one that is longer than it says fails there, by its checksum."""
    before, rows, columns = b"", 0, 0
    while chunk := opened.read(_CHUNK):
        if not name.startswith("xl/worksheets/"):
            continue
        for column, line, formula in _CELL.findall(before + chunk):
            rows, columns = max(rows, int(line)), max(columns, _number_of(column))
            if formula and name == part_read:
                formulas.setdefault(int(line), f"{column.decode()}{int(line)}")
        before = chunk[-200:]
        if rows * columns > _MAXIMUM_CELLS:
            raise _too_large(file)


def _number_of(column: bytes) -> int:
    """A is 1, Z is 26, AA is 27."""
    number = 0
    for letter in column:
        number = number * 26 + letter - ord("A") + 1
    return number


def _too_large(file: Path) -> ContractError:
    limit = MAXIMUM_UNPACKED // (1024 * 1024)
    return ContractError(
        f"{file.name}: unpacks to more than {limit} MB; hand it over as CSV, or in parts",
        f"{file.name}:解压后超过{limit}MB;请改用 CSV 或分批报送",
    )


def _text(cell: object) -> str:
    """A cell of a workbook as it would stand in a CSV file."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not math.isfinite(cell) or abs(cell) >= _MAXIMUM_NUMBER:
            return REPLACED
        return str(int(cell)) if cell == int(cell) else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
