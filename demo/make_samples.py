"""Makes `samples/`: for every kind of sender who it is, how its files are read, and a file as CSV and as xlsx.

Run `python -m demo.make_samples`. The people are made up; their numbers are valid and belong to nobody known.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from xlsxwriter import Workbook

from domain.identity_documents import check_character

SAMPLES = Path(__file__).parent.parent / "samples"


def id_number(born: str, serial: int, division: str = "130925") -> str:
    """A valid ID number, of nobody."""
    digits = f"{division}{born.replace('-', '')}{serial:03d}"
    return digits + check_character(digits)


@dataclass(frozen=True)
class Sample:
    """A sender, its mapping, and a file of it."""

    id: str
    sender: dict[str, Any]
    mapping: dict[str, Any]
    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    encoding: str = "utf-8-sig"
    preamble: Sequence[Sequence[str]] = field(default_factory=list)


def samples() -> list[Sample]:
    return [
        _hospital(),
        _college(),
        _employer(),
        _tax_bureau(),
        _civil_affairs(),
        _public_security(),
        _veterans_affairs(),
        _village(),
        _neighbour(),
        _counter(),
    ]


def _sender(kind: str, zh: str, en: str, reports: Sequence[str], area: str = "130925", **more: Any) -> dict[str, Any]:
    return {"name": {"zh": zh, "en": en}, "kind": kind, "area": area, "reports": list(reports), **more}


MOTHER = id_number("1994-05-02", 128)


def _hospital() -> Sample:
    return Sample(
        "county-hospital",
        _sender("hospital", "盐山县人民医院", "Yanshan County Hospital", ["birth"], reads=["coverage", "keys"]),
        {
            "columns": {"新生儿出生日期": "on", "证明编号": "birth_certificate", "编号": "id"},
            "ignore": ["新生儿姓名", "接生机构"],
            "constants": {"type": "birth"},
        },
        ["编号", "新生儿姓名", "母亲身份证号", "新生儿出生日期", "胎次", "证明编号", "接生机构"],
        [
            ["2026-1101", "张安", MOTHER, "2026-11-01", "1", "T130000011", "盐山县人民医院"],
            ["2026-1102", "张宁", MOTHER, "2026-11-01", "2", "T130000012", "盐山县人民医院"],
            ["2026-1103", "李禾", id_number("1997-08-20", 346), "2026年11月3日", "1", "", "盐山县人民医院"],
            ["2026-1104", "王沐", "", "2026-11-05", "1", "T13000001", "盐山县人民医院"],
            ["2026-1105", "赵一", "无", "2026-11-06", "1", "", "盐山县人民医院"],
        ],
    )


def _college() -> Sample:
    entered = ["school_entered", "school_left", "registered"]
    more = {"people": "own", "claims": ["school_entered"], "reads": ["coverage", "keys"]}
    return Sample(
        "city-college",
        _sender("school", "秦皇岛某学院", "a college in Qinhuangdao", entered, "130300", **more),
        {"columns": {"学号": "id", "日期": "on"}, "ignore": ["班级"], "words": {"level": {"本科": "college"}}},
        ["学号", "姓名", "身份证号", "事项", "日期", "学段", "险种", "年度", "参保身份", "班级"],
        [
            ["S26-001-in", "陈晨", id_number("2008-02-11", 231), "入学", "2026-09-01", "本科", "", "", "", "一班"],
            [
                "S26-001-reg",
                "陈晨",
                id_number("2008-02-11", 231),
                "参保登记",
                "2026-09-10",
                "",
                "居民",
                "2026",
                "学生",
                "一班",
            ],
            ["S26-002-in", "刘洋", id_number("2007-12-30", 118), "入学", "2026-09-01", "本科", "", "", "", "一班"],
            ["S26-003-out", "周舟", id_number("2005-04-04", 157), "离校", "2026-07-01", "", "", "", "", "四班"],
        ],
        "gb18030",
    )


def _employer() -> Sample:
    return Sample(
        "machine-works",
        _sender(
            "employer",
            "某机械厂",
            "a machine works",
            ["employment_started", "employment_ended"],
            people="own",
            claims=["employment_started"],
        ),
        {"columns": {"工号": "id", "日期": "on"}, "words": {"type": {"入职": "employment_started"}}},
        ["工号", "姓名", "身份证号", "事项", "日期"],
        [
            [
                "E1-in",
                "孙工",
                id_number("1990-03-03", 91),
                "入职",
                "2026-10-08",
            ],
            ["E2-in", "钱工", id_number("1988-07-15", 173), "入职", "2026-10-08"],
            ["E1-out", "孙工", id_number("1990-03-03", 91), "离职", "2026-11-10"],
            ["E9-out", "不在册", id_number("1979-01-01", 19), "离职", "2026-11-10"],
        ],
    )


def _tax_bureau() -> Sample:
    return Sample(
        "county-tax",
        _sender(
            "tax_bureau", "盐山县税务局", "Yanshan County Tax Service", ["paid", "deduction_failed"], reads=["coverage"]
        ),
        {
            "columns": {
                "税票号码": "id",
                "缴费日期": "on",
                "入库日期": "arrived_on",
                "所属年度": "plan_year",
                "实缴金额": "amount",
            },
            "constants": {"type": "paid", "scheme": "resident"},
            "total_row": {"label": "合计", "headcount": "name", "amount": "amount"},
            "heading": 2,
        },
        ["税票号码", "姓名", "身份证号", "缴费日期", "入库日期", "所属年度", "实缴金额"],
        [
            ["TX-001", "吴春", id_number("1965-06-01", 215), "2026-10-21", "2026-10-22", "2027", "400.00"],
            ["TX-002", "郑秋", id_number("1971-09-09", 322), "2026-10-21", "2026-10-22", "2027", "400.00"],
            ["TX-003", "冯夏", id_number("1983-02-28", 49), "2026-10-23", "2026-10-24", "2027", "400.00"],
            ["合计", "3", "", "", "", "", "1200.00"],
        ],
        "gb18030",
        [["盐山县城乡居民医保费入库明细"]],
    )


def _civil_affairs() -> Sample:
    return Sample(
        "civil-affairs",
        _sender(
            "civil_affairs", "盐山县民政局", "Yanshan County Civil Affairs", ["died", "group_granted", "group_ended"]
        ),
        {"columns": {"日期": "on", "文号": "id"}, "words": {"type": {"死亡登记": "died", "低保认定": "group_granted"}}},
        ["文号", "姓名", "身份证号", "事项", "日期", "身份标识"],
        [
            ["民-1", "何老", id_number("1938-01-20", 55), "死亡登记", "2026-11-02", ""],
            ["民-2", "吕家", id_number("1960-10-10", 66), "低保认定", "2026-11-03", "低保"],
            ["民-3", "施家", id_number("1961-10-10", 77), "低保认定", "2026-11-03", "贫困"],
        ],
    )


def _public_security() -> Sample:
    return Sample(
        "police-station",
        _sender(
            "public_security",
            "盐山县公安局户政",
            "Yanshan household registry",
            ["hukou_registered", "identity_updated", "moved", "died"],
            reads=["keys"],
        ),
        {"columns": {"日期": "on", "业务号": "id"}},
        ["业务号", "姓名", "身份证号", "出生医学证明编号", "母亲身份证号", "出生日期", "胎次", "事项", "日期"],
        [
            [
                "H-1",
                "张安",
                id_number("2026-11-01", 12),
                "T130000011",
                MOTHER,
                "2026-11-01",
                "1",
                "更新信息",
                "2026-11-12",
            ],
            [
                "H-2",
                "张宁",
                id_number("2026-11-01", 20),
                "T130000012",
                MOTHER,
                "2026-11-01",
                "2",
                "更新信息",
                "2026-11-12",
            ],
            ["H-3", "张宁", id_number("2026-11-01", 20), "", "", "", "", "落户", "2026-11-12"],
            ["H-4", "张安", id_number("2026-11-01", 20), "T130000011", "", "", "", "落户", "2026-11-12"],
        ],
    )


def _veterans_affairs() -> Sample:
    return Sample(
        "veterans-affairs",
        _sender(
            "veterans_affairs", "盐山县退役军人事务局", "Yanshan Veterans Affairs", ["discharged", "group_granted"]
        ),
        {"columns": {"退役日期": "on", "编号": "id"}, "constants": {"type": "discharged"}},
        ["编号", "姓名", "身份证号", "退役日期"],
        [
            ["V-1", "罗兵", id_number("2004-08-01", 31), "2026-09-01"],
            ["V-2", "高兵", id_number("2003-03-05", 53), "2026-09-31"],
        ],
    )


def _village() -> Sample:
    return Sample(
        "village-agent",
        _sender(
            "village_agent",
            "东村协办员",
            "agent of the East Village",
            ["registered", "paid"],
            reports_per_minute=120,
            reads=["coverage"],
        ),
        {
            "columns": {"序号": "id", "登记日期": "on"},
            "constants": {"type": "registered", "scheme": "resident", "plan_year": "2027", "channel": "village"},
            "total_row": {"label": "合计", "headcount": "name"},
        },
        ["序号", "户号", "姓名", "身份证号", "登记日期"],
        [
            ["27-1", "D-01", "吴春", id_number("1965-06-01", 215), "2026-10-21"],
            ["27-2", "D-01", "吴妻", id_number("1967-01-08", 224), "2026-10-21"],
            ["27-3", "D-02", "郑秋", id_number("1971-09-09", 322), "2026-10-21"],
            ["合计", "", "3", "", ""],
        ],
        "utf-8",
    )


def _neighbour() -> Sample:
    return Sample(
        "tianjin-bureau",
        _sender(
            "other_area",
            "天津市医保中心",
            "Tianjin bureau",
            ["also_enrolled", "transfer_sheet_received", "transfer_completed"],
            "120000",
            reads=["keys"],
        ),
        {"columns": {"日期": "on", "流水": "id"}, "constants": {"type": "also_enrolled"}},
        ["流水", "姓名", "护照号", "身份证号", "日期", "险种", "年度"],
        [
            ["TJ-1", "吴春", "", id_number("1965-06-01", 215), "2026-11-05", "居民", "2027"],
            ["TJ-2", "SMITH JOHN", "GBR/123456789", "", "2026-11-05", "职工", ""],
            ["TJ-3", "NOBODY", "GBR/000000000", "", "2026-11-05", "职工", ""],
        ],
    )


def _counter() -> Sample:
    return Sample(
        "county-bureau",
        _sender(
            "bureau",
            "盐山县医保中心",
            "Yanshan County bureau",
            [
                "birth",
                "registered",
                "identity_updated",
                "stop_requested",
                "moved",
                "refund_requested",
                "transfer_requested",
                "waiver_confirmed",
                "keep_chosen",
                "died",
                "also_enrolled",
            ],
            reads=["coverage", "timeline", "open", "keys"],
            reports_per_minute=6000,
        ),
        {},
        ["事件编号", "身份证号", "临时编号", "永久居留证号", "事项", "发生日期", "险种", "年度"],
        [
            ["C-1", id_number("1983-02-28", 49), "", "", "参保登记", "2026-10-22", "居民", "2027"],
            ["C-2", "", "130925/20260007", "", "参保登记", "2026-10-22", "居民", "2027"],
            ["C-3", "", "", "GBR310060000001"[:3] + "310060000001", "参保登记", "2026-10-22", "居民", "2027"],
            ["C-4", "=HYPERLINK(1)", "", "", "参保登记", "2026-10-22", "居民", "2027"],
        ],
    )


def main() -> None:
    for sample in samples():
        folder = SAMPLES / sample.id
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (("sender", sample.sender), ("mapping", sample.mapping)):
            text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        rows = [*sample.preamble, sample.heading, *sample.rows]
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows(rows)
        (folder / "facts.csv").write_bytes(lines.getvalue().encode(sample.encoding))
        _write_workbook(folder / "facts.xlsx", rows)


def _write_workbook(file: Path, rows: Sequence[Sequence[str]]) -> None:
    """Every cell is text, so that no number loses its last digits."""
    book = Workbook(file, {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime(2026, 11, 22), "author": "Canbao"})  # noqa: DTZ001 - a workbook has no zone
    sheet = book.add_worksheet("facts")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()


if __name__ == "__main__":
    main()
