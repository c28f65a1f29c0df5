"""Files as they are handed over: what they hold, whether their totals agree, and what is wrong with them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from xlsxwriter import Workbook

from cli.import_file import THE_BUREAU
from demo.make_samples import id_number, samples
from domain.errors import ContractError
from intake.files import tables
from intake.files.check import check_file
from intake.files.mapping import Mapping, TotalRow
from intake.files.rows import Problem, Row, StatedTotals, read_rows
from intake.imports import csv_text
from intake.sender_files import read_senders
from tests.service import SAMPLES

TODAY = date(2026, 11, 22)
HEADING = "事件编号,身份证号,统筹区,事项,发生日期,险种,年度,金额\n"


def test_a_workbook_and_a_csv_file_say_the_same() -> None:
    for sample in samples():
        read = [
            [(item.line, item.fact if isinstance(item, Row) else item.message) for item in _rows(sample.id, kind)]
            for kind in ("csv", "xlsx")
        ]
        assert read[0] == read[1], sample.id


def _rows(sender: str, kind: str) -> list[Row | Problem]:
    senders = read_senders(SAMPLES)
    file = SAMPLES / sender / f"facts.{kind}"
    return list(read_rows(file, TODAY, senders.mapping(sender), senders.get(sender)))


def test_totals_are_compared_before_anything_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "paid.csv"
    line = f"x1,{id_number('1960-01-01', 1)},130925,缴费,2026-10-21,居民,2027,400.00\n"
    file.write_text(HEADING + line + line.replace("x1", "x2") + "合计,2,,,,,,800.00\n", encoding="utf-8")
    mapping = Mapping(total_row=TotalRow(label="合计", headcount="id_number", amount="amount"))
    checked = check_file(file, THE_BUREAU, mapping, TODAY)
    assert (checked.headcount, checked.receipts, checked.amount) == (1, 2, 80000)
    assert [item.en for item in checked.differences()] == ["headcount: 2 stated, 1 found"]
    told = check_file(file, THE_BUREAU, mapping, TODAY, StatedTotals(headcount=1, receipts=2, amount=80000))
    assert told.differences() == []
    wrong = check_file(file, THE_BUREAU, mapping, TODAY, StatedTotals(headcount=1, receipts=3, amount=1))
    assert len(wrong.differences()) == 2


def test_what_is_missing_is_no_document(tmp_path: Path) -> None:
    file = tmp_path / "births.csv"
    mother = id_number("1990-01-01", 22)
    heading = "事项,发生日期,身份证号,出生医学证明编号,母亲身份证号,胎次\n"
    lines = [f"出生,2026-11-01,{none},0,无,1\n" for none in ("", "无", "0", "-", "NULL", "　")]
    lines.append(f"出生,2026-11-01,,T000000000,{mother},1\n")
    lines.append(f"出生,2026-11-01,,,{mother},\n")
    file.write_text(heading + "".join(lines), encoding="utf-8")
    found = list(read_rows(file, TODAY))
    assert all(isinstance(item, Problem) for item in found)


# -- files that are not what they should be -------------------------------------------------------------------------


def _workbook(file: Path, write: Callable[[Workbook], None]) -> Path:
    book = Workbook(file)
    write(book)
    book.close()
    return file


def _formula(book: Workbook) -> None:
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["事项", "发生日期", "身份证号"])
    sheet.write_row(1, 0, ["死亡", "2026-11-01", id_number("1940-01-01", 5)])
    sheet.write_row(2, 0, ["死亡", "2026-11-01"])
    sheet.write_formula(2, 2, "=C2", value=id_number("1940-01-01", 5))


def test_formulas_are_named_by_their_cell(tmp_path: Path) -> None:
    good, bad = read_rows(_workbook(tmp_path / "f.xlsx", _formula), TODAY)
    assert isinstance(good, Row)
    assert isinstance(bad, Problem)
    assert "cell C3: a formula" in bad.in_("en")
    file = tmp_path / "f.csv"
    file.write_text('事项,发生日期,身份证号\n死亡,2026-11-01,"=HYPERLINK(""x"")"\n', encoding="utf-8")
    (bad,) = read_rows(file, TODAY)
    assert isinstance(bad, Problem)
    assert "field id_number: a formula" in bad.in_("en")


def test_a_number_that_lost_its_digits_is_named(tmp_path: Path) -> None:
    def write(book: Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["事项", "发生日期", "身份证号"])
        sheet.write_row(1, 0, ["死亡", "2026-11-01", 110105194912310021])

    (bad,) = read_rows(_workbook(tmp_path / "n.xlsx", write), TODAY)
    assert isinstance(bad, Problem)
    assert "write it as text" in bad.in_("en")


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as out,
    ):
        for _ in range(300):
            out.write(b"0" * (1 << 20))
    assert file.stat().st_size < 1 << 20
    with pytest.raises(ContractError, match="unpacks to more than 256 MB"):
        list(read_rows(file, TODAY))
    # One that lies about its size is found by its checksum.
    data = bytearray(file.read_bytes())
    end = data.rfind(b"PK\x01\x02")
    data[end + 24 : end + 28] = (1000).to_bytes(4, "little")
    file.write_bytes(bytes(data))
    with pytest.raises(ContractError, match="damaged"):
        list(read_rows(file, TODAY))
    monkeypatch.setattr(tables, "MAXIMUM_UNPACKED", 10)
    with pytest.raises(ContractError, match="unpacks"):
        list(read_rows(SAMPLES / "county-tax" / "facts.xlsx", TODAY))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (",".join(f"c{number}" for number in range(300)).encode(), "300 columns"),
        ("事项,发生日期,事项\n".encode(), "stands there twice"),
        ("事项,发生日期\n".encode(), "no line below the heading"),
        (b"\xff\xfe\x8b\x4e", "UTF-16"),
        (b"\xd0\xcf\x11\xe0rest", "old xls"),
        (b"PK\x03\x04rest", "damaged"),
        (b"\xff\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, named: str) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    with pytest.raises(ContractError) as refusal:
        check_file(file, THE_BUREAU, Mapping(), TODAY)
    assert named in str(refusal.value)


def test_a_line_in_another_encoding_is_named_and_stops_no_other(tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    line = f"a,{id_number('1950-01-01', 1)},130925,死亡,2026-11-01,,,\n"
    file.write_bytes(HEADING.encode() + line.encode() + line.encode("gb18030") + line.encode())
    found = list(read_rows(file, TODAY))
    assert [type(item) for item in found] == [Row, Problem, Row]
    assert "not in the file's encoding utf-8" in found[1].in_("en")  # type: ignore[union-attr]


def test_a_stray_quote_swallows_no_line(tmp_path: Path) -> None:
    file = tmp_path / "quotes.csv"
    lines = [f"a{number},{id_number('1950-01-01', number)},130925,死亡,2026-11-01,,,\n" for number in range(60)]
    lines[5] = '"' + lines[5]
    lines[40] = lines[40].replace("a40", '"a\n40"')  # a cell with a line break is one
    file.write_text(HEADING + "".join(lines), encoding="utf-8")
    found = list(read_rows(file, TODAY))
    assert len(found) == 60
    assert [item.line for item in found if isinstance(item, Problem)] == [7, 43]
    assert "quote" in found[5].in_("en")  # type: ignore[union-attr]


def test_one_cell_far_out_does_not_fill_the_memory(tmp_path: Path) -> None:
    def write(book: Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["事项", "发生日期", "身份证号"])
        sheet.write_string(1_048_575, 16_383, "x")

    with pytest.raises(ContractError, match="unpacks to more"):
        list(read_rows(_workbook(tmp_path / "far.xlsx", write), TODAY))


def test_lines_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    def write(book: Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(2, 0, ["事项", "发生日期", "身份证号"])
        sheet.write_row(4, 0, ["死亡", "2026-11-31", id_number("1940-01-01", 5)])
        book.add_worksheet().write_formula(4, 1, "=B1")

    file = _workbook(tmp_path / "late.xlsx", write)
    (bad,) = read_rows(file, TODAY, Mapping(heading=3))
    assert isinstance(bad, Problem)
    assert (bad.line, "field on" in bad.in_("en")) == (5, True)


def test_a_file_that_is_cut_short_of_its_totals_does_not_agree(tmp_path: Path) -> None:
    mapping = Mapping(total_row=TotalRow(label="合 计:", amount="amount"))
    line = f"x1,{id_number('1960-01-01', 1)},130925,缴费,2026-10-21,居民,2027,9000.00\n"
    file = tmp_path / "paid.csv"
    for end, differences in (("", 1), ('合 计:,,,,,,,"9,000.00"\n', 0), ("合 计:,,,,,,,=SUM(H2)\n", 1)):
        file.write_text(HEADING + line + end, encoding="utf-8")
        assert len(check_file(file, THE_BUREAU, mapping, TODAY).differences()) == differences, end
    told = check_file(file, THE_BUREAU, mapping, TODAY, StatedTotals(headcount=1))
    assert told.differences() == []


def test_the_words_of_a_mapping_are_compared_as_cells_are(tmp_path: Path) -> None:
    file = tmp_path / "died.csv"
    file.write_text(
        f"死亡日期（公历）,业务,身份证号\n2026-11-01,死亡（登记）,{id_number('1940-01-01', 5)}\n", encoding="utf-8"
    )
    mapping = Mapping(columns={"死亡日期（公历）": "on", "业务": "type"}, words={"type": {"死亡（登记）": "died"}})
    (row,) = read_rows(file, TODAY, mapping)
    assert isinstance(row, Row)


def test_an_answer_is_never_a_formula() -> None:
    assert csv_text([["=1+1", "-2", "好"]]) == "'=1+1,'-2,好\r\n"
    assert next(csv.reader(io.StringIO(csv_text([["a,b", 'c"d']])))) == ["a,b", 'c"d']
