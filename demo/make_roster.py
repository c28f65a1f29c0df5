"""Makes `roster.csv` and `payments.csv`: made-up people with valid check characters, and files as ragged as real ones.

Run it by hand when the stories change: `python -m demo.make_roster`. The people do not exist.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from domain.identity_documents import check_character

FOLDER = Path(__file__).parent
ROSTER = FOLDER / "roster.csv"
PAYMENTS = FOLDER / "payments.csv"
HEADING = [
    "事件编号",
    "身份证号",
    "出生医学证明编号",
    "姓名",
    "统筹区",
    "事项",
    "发生日期",
    "收到日期",
    "险种",
    "年度",
    "参保身份",
    "缴费类型",
    "到账日期",
    "登记姓名",
    "学段",
]
PAYMENT_HEADING = ["流水号", "身份证号", "出生医学证明编号", "年度", "金额", "缴费日期", "到账日期"]
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "安宁乐康平瑞和悦欣怡晨曦明远思齐子涵雨泽若溪"


@dataclass
class Story:
    """A person, and what happens to them."""

    number: int
    area: str
    born: date
    newborn: bool
    rows: list[dict[str, str]] = field(default_factory=list)
    payments: list[list[str]] = field(default_factory=list)

    @property
    def id_number(self) -> str:
        digits = f"{self.area}{self.born:%Y%m%d}{100 + self.number:03d}"
        return digits + check_character(digits)

    @property
    def certificate(self) -> str:
        return f"{'TQNJ'[['130925', '130300', '450100', '360000'].index(self.area)]}{210000000 + self.number:09d}"

    @property
    def name(self) -> str:
        surname = _SURNAMES[self.number % len(_SURNAMES)]
        return surname + _GIVEN[self.number * 7 % len(_GIVEN)] + _GIVEN[self.number * 3 % len(_GIVEN)]

    def says(self, fact: str, on: str, *, known: str = "", both: bool = False, **cells: str) -> Story:
        row = {
            "事件编号": f"R{self.number:03d}-{len(self.rows) + 1}",
            "身份证号": self.id_number if both or not self.newborn else "",
            "出生医学证明编号": self.certificate if self.newborn else "",
            "姓名": self.name,
            "统筹区": self.area,
            "事项": fact,
            "发生日期": on,
            "收到日期": known,
        }
        self.rows.append({**row, **cells})
        return self

    def registers(self, on: str, year: int, capacity: str = "新生儿", known: str = "") -> Story:
        return self.says("参保登记", on, known=known, 险种="居民", 年度=str(year), 参保身份=capacity)

    def pays_agent(self, on: str, year: int, *, arrived: str = "", kind: str = "") -> Story:
        """Pays a village agent or a school, who hands in a list."""
        return self.says("缴费", on, known=arrived, 险种="居民", 年度=str(year), 缴费类型=kind, 到账日期=arrived)

    def pays_bureau(self, on: str, year: int, amount: str, arrived: str = "") -> Story:
        """Pays at the bank: the tax bureau books it, and Canbao learns of it from there."""
        documents = ["", self.certificate] if self.newborn else [self.id_number, ""]
        self.payments.append([f"B{self.number:03d}-{year}", *documents, str(year), amount, on, arrived or on])
        return self


def stories() -> list[Story]:
    """All people, area by area."""
    people: list[Story] = []

    def newborn(area: str, born: str, name_used: str = "") -> Story:
        story = Story(len(people) + 1, area, date.fromisoformat(born), newborn=True)
        people.append(story)
        return story.says("出生", born, 登记姓名=name_used)

    def resident(area: str, born: str) -> Story:
        story = Story(len(people) + 1, area, date.fromisoformat(born), newborn=False)
        people.append(story)
        return story

    yanshan, qinhuangdao, nanning, jiangxi = "130925", "130300", "450100", "360000"
    for born, registered, paid in (
        ("2017-01-08", "2017-02-10", "2017-02-12"),
        ("2017-01-21", "2017-04-20", "2017-04-21"),
        ("2017-02-14", "2017-03-01", "2017-03-01"),
        ("2017-03-01", "2017-05-20", "2017-05-20"),
        ("2017-03-01", "2017-05-31", "2017-05-31"),
        ("2017-06-18", "2017-08-02", "2017-09-15"),
    ):
        newborn(yanshan, born).registers(registered, 2017).pays_bureau(paid, 2017, "150")
    newborn(yanshan, "2017-03-01").registers("2017-07-15", 2017).pays_bureau("2017-07-15", 2017, "150")
    newborn(yanshan, "2017-04-11").registers("2017-04-30", 2017).pays_bureau("2017-07-20", 2017, "150")
    # The village's paper lies a week: registered in time, known too late, and put right.
    newborn(yanshan, "2017-05-05").registers("2017-08-01", 2017, known="2017-08-10").pays_agent(
        "2017-08-01", 2017, arrived="2017-08-02"
    )
    newborn(yanshan, "2017-04-02", "父母").registers("2017-04-20", 2017).pays_bureau("2017-04-22", 2017, "150").says(
        "更新信息", "2017-08-15", both=True, 登记姓名="本人"
    )
    newborn(yanshan, "2017-05-12", "虚拟号").registers("2017-06-01", 2017).pays_bureau("2017-06-02", 2017, "150")
    newborn(yanshan, "2017-07-07").registers("2017-07-20", 2017).pays_bureau("2017-07-21", 2017, "150").says(
        "更新信息", "2017-09-30", both=True, 登记姓名="本人"
    )
    newborn(yanshan, "2017-11-20").registers("2017-12-05", 2017).pays_bureau("2017-12-06", 2017, "150")
    newborn(yanshan, "2017-08-08")
    newborn(yanshan, "2017-02-02").registers("2017-02-20", 2017).pays_bureau("2017-02-21", 2017, "150").says(
        "死亡", "2017-06-30"
    )
    for born, registered, paid in (
        ("1980-05-01", "2016-11-10", "2016-11-15"),
        ("1955-09-12", "2016-10-20", "2016-12-20"),
        ("1991-02-28", "2016-12-01", "2016-12-02"),
    ):
        resident(yanshan, born).registers(registered, 2017, "普通").pays_bureau(paid, 2017, "150")
    resident(yanshan, "1975-07-07").registers("2017-01-09", 2017, "普通").pays_agent(
        "2017-01-09", 2017, arrived="2017-01-10", kind="全额"
    )
    resident(yanshan, "1988-12-30").registers("2017-05-03", 2017, "普通").pays_agent("2017-05-03", 2017, kind="全额")
    resident(yanshan, "1969-04-17").registers("2016-11-28", 2017, "普通")

    for born, registered, paid in (
        ("1978-01-15", "2016-09-20", "2016-10-08"),
        ("1962-10-01", "2016-12-12", "2016-12-20"),
        ("1999-03-09", "2016-11-11", "2016-11-12"),
        ("1985-08-08", "2016-09-01", "2016-09-01"),
    ):
        resident(qinhuangdao, born).registers(registered, 2017, "普通").pays_bureau(paid, 2017, "150")
    resident(qinhuangdao, "1971-06-06").registers("2016-12-12", 2017, "普通").pays_agent("2016-12-21", 2017)
    resident(qinhuangdao, "1983-11-23").registers("2017-02-06", 2017, "普通")
    for born, entered, registered in (
        ("1998-10-10", "2017-09-04", "2017-10-12"),
        ("1999-01-30", "2017-09-04", "2017-09-20"),
        ("1998-06-25", "2017-09-04", "2017-10-31"),
    ):
        resident(qinhuangdao, born).says("入学", entered, 学段="大学").registers(registered, 2017, "学生").pays_agent(
            registered, 2017
        )
    newborn(qinhuangdao, "2017-03-15").registers("2017-04-20", 2017).pays_bureau("2017-04-21", 2017, "150")
    newborn(qinhuangdao, "2017-06-02").registers("2017-10-09", 2017).pays_bureau("2017-10-09", 2017, "150")
    newborn(qinhuangdao, "2017-05-19", "父母").registers("2017-05-30", 2017).pays_bureau("2017-06-01", 2017, "150")

    for born, registered, paid in (
        ("2022-05-04", "2022-08-01", "2022-08-03"),
        ("2022-05-04", "2022-08-01", "2022-08-04"),
        ("2022-02-11", "2022-03-05", "2022-03-06"),
        ("2022-07-01", "2022-07-15", "2022-09-28"),
        ("2022-03-22", "2022-09-13", "2022-09-14"),
    ):
        newborn(nanning, born).registers(registered, 2022).pays_agent(paid, 2022)
    newborn(nanning, "2022-11-20").registers("2022-12-10", 2022).pays_agent("2022-12-10", 2022).registers(
        "2023-01-06", 2023
    ).pays_agent("2023-01-06", 2023)
    newborn(nanning, "2022-12-02").registers("2023-01-12", 2023).pays_agent("2023-01-12", 2023)
    newborn(nanning, "2022-12-25").registers("2023-03-30", 2023).pays_agent("2023-03-30", 2023)
    newborn(nanning, "2022-06-16", "父母").registers("2022-07-01", 2022).pays_agent("2022-07-01", 2022).says(
        "更新信息", "2022-11-02", both=True, 登记姓名="本人"
    )
    newborn(nanning, "2022-04-04")
    for born, paid in (("1990-01-01", "2021-10-11"), ("1966-07-19", "2021-12-31"), ("2010-05-25", "2021-11-03")):
        resident(nanning, born).registers(paid, 2022, "普通").pays_agent(paid, 2022)
    resident(nanning, "1987-03-03").registers("2022-03-14", 2022, "普通").pays_agent("2022-03-14", 2022)
    resident(nanning, "1973-12-12").registers("2022-06-20", 2022, "普通").pays_agent("2022-06-20", 2022)

    for born, registered, paid in (
        ("1984-09-09", "2024-10-08", "2024-10-08"),
        ("1958-02-20", "2024-12-30", "2024-12-31"),
        ("1995-05-16", "2025-01-10", "2025-02-28"),
        ("2001-11-11", "2025-02-15", "2025-02-16"),
    ):
        resident(jiangxi, born).registers(registered, 2025, "普通").pays_bureau(paid, 2025, "400")
    resident(jiangxi, "1979-08-21").registers("2025-03-05", 2025, "普通").pays_agent("2025-03-05", 2025)
    resident(jiangxi, "1992-04-05").registers("2025-05-31", 2025, "普通").pays_agent("2025-05-31", 2025)
    resident(jiangxi, "1964-01-27").registers("2025-10-20", 2025, "普通").pays_agent("2025-10-20", 2025)
    for born, registered, paid in (
        ("2025-01-15", "2025-02-20", "2025-02-20"),
        ("2025-02-05", "2025-05-06", "2025-05-07"),
        ("2025-03-18", "2025-03-30", "2025-04-02"),
        ("2025-06-01", "2025-07-11", "2025-07-11"),
        ("2025-04-10", "2025-08-18", "2025-08-19"),
        ("2025-01-02", "2025-06-25", "2025-06-25"),
    ):
        newborn(jiangxi, born).registers(registered, 2025).pays_bureau(paid, 2025, "400")
    newborn(jiangxi, "2025-05-20", "虚拟号").registers("2025-06-03", 2025).pays_bureau("2025-06-04", 2025, "400")
    newborn(jiangxi, "2025-07-30", "父母").registers("2025-08-12", 2025).pays_bureau("2025-08-12", 2025, "400").says(
        "更新信息", "2025-10-08", both=True, 登记姓名="本人"
    )
    newborn(jiangxi, "2025-03-03")
    return people


def main() -> None:
    """Write both files, ragged as the files that counties really send."""
    people = stories()
    rows = [row for story in people for row in story.rows]
    rows.sort(key=lambda row: (row["收到日期"] or row["发生日期"], row["事件编号"]))
    _make_ragged(rows)
    with ROSTER.open("w", encoding="gb18030", newline="") as file:
        writer = csv.DictWriter(file, HEADING, restval="")
        writer.writeheader()
        writer.writerows(rows)
    payments = sorted((row for story in people for row in story.payments), key=lambda row: (row[6], row[0]))
    with PAYMENTS.open("w", encoding="utf-8", newline="") as file:
        writer_ = csv.writer(file)
        writer_.writerow(PAYMENT_HEADING)
        writer_.writerows(payments)


def _make_ragged(rows: list[dict[str, str]]) -> None:
    full_width = str.maketrans("0123456789-", "０１２３４５６７８９－")
    for position, row in enumerate(rows):
        match position % 9:
            case 2:
                row["年度"] = row.get("年度", "").translate(full_width)
            case 4:
                row["发生日期"] = row["发生日期"].replace("-", "/")
            case 5:
                row["姓名"] = f" {row['姓名']}　"
                row["身份证号"] = (
                    row["身份证号"] and f"{row['身份证号'][:6]} {row['身份证号'][6:14]} {row['身份证号'][14:]}"
                )
            case 7:
                day = date.fromisoformat(row["发生日期"])
                row["发生日期"] = f"{day.year}年{day.month}月{day.day}日"
            case 8:
                row["统筹区"] = row["统筹区"].translate(full_width)
    rows.insert(40, dict(rows[17]))  # the same event twice
    broken = dict(rows[60], 事件编号="R999-1", 发生日期="2017-02-30")
    rows.insert(61, broken)  # a day that no calendar has


if __name__ == "__main__":
    main()
