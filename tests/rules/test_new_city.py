"""A new city is a YAML file: what the vocabulary offers works, also where no source read uses it yet."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.assessment import Assessment
from domain.facts import parse_fact
from policy.assess import assess
from policy.pack_files import read_pack
from policy.pack_library import PackLibrary, library
from tests.facts import paid, registered

CITY = "640100"
HEAD = """
area: "640100"
name: {zh: 银川市, en: Yinchuan}
valid_from: 2019-01-01
valid_to: 2024-12-31
review_by: 2027-11-21
documents:
  made-up: {title: 虚构文件 · a made-up document, grade: C, read_on: 2026-11-21}
clauses:
  - source: {document: made-up}
    says:
"""


def _assess(folder: Path, says: str, as_of: str, *facts: dict[str, Any]) -> Assessment:
    file = folder / CITY / "2019.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(HEAD + "".join(f"      {line}\n" for line in says.strip().splitlines()), encoding="utf-8")
    packs = PackLibrary([*library().packs, read_pack(file)])
    return assess([parse_fact(fact) for fact in facts], CITY, date.fromisoformat(as_of), packs)


def _resident(on: str, year: int, **more: Any) -> list[dict[str, Any]]:
    return [registered(on, year, CITY, "ordinary"), paid(on, year, CITY, **more)]


@pytest.mark.parametrize(
    ("price", "person", "government"),
    [("individual", 40000, 67000), ("individual_plus_subsidy", 107000, 0), ("remaining_months", 33333, 67000)],
)
def test_late_prices(tmp_path: Path, price: str, person: int, government: int) -> None:
    says = f"""
fee: [{{person: "400", government: "670"}}]
late.allowed: true
late.price: {price}
cover_start.late: payment_day
"""
    found = _assess(tmp_path, says, "2022-03-20", registered("2022-03-10", 2022, CITY, "ordinary"))
    [levy] = found.levies
    assert (levy.basis, levy.person, levy.government) == (price, person, government)
    assert levy.due == (date(2022, 3, 31) if price == "remaining_months" else None)


def test_the_individual_part_is_not_the_full_price(tmp_path: Path) -> None:
    says = """
fee: [{person: "400", government: "670"}]
late.allowed: true
late.price: individual_plus_subsidy
cover_start.late: day_after_arrival
"""
    found = _assess(tmp_path, says, "2022-12-31", *_resident("2022-03-10", 2022, amount="400"))
    assert found.coverage == []
    assert [item.question for item in found.parked] == ["payment.amount"]


@pytest.mark.parametrize(("stacking", "person"), [("highest_only", 20000), ("all", 10000), (None, None)])
def test_two_subsidies(tmp_path: Path, stacking: str | None, person: int | None) -> None:
    says = """
fee: [{person: "400"}]
subsidy:
  - {groups: [low_income], kind: flat, amount: "100"}
  - {groups: [disability_3], kind: percent, percent: 50}
""" + (f"subsidy.stacking: {stacking}" if stacking else "")
    marks = [{"type": "group_granted", "group": group, "on": "2020-01-01"} for group in ("low_income", "disability_3")]
    found = _assess(tmp_path, says, "2021-11-12", registered("2021-11-10", 2022, CITY, "ordinary"), *marks)
    assert [levy.person for levy in found.levies] == [person]
    assert [item.question for item in found.parked] == ([] if stacking else ["subsidy.stacking"])


@pytest.mark.parametrize(("reference", "person"), [("previous-year 12-31", 20000), ("plan-year 01-01", 40000)])
def test_the_day_on_which_age_counts(tmp_path: Path, reference: str, person: int) -> None:
    says = f"""
fee:
  - {{age_to: 17, person: "200"}}
  - {{age_from: 18, person: "400"}}
age_reference_date: {reference}
"""
    born = {"type": "birth", "on": "2004-01-01"}
    found = _assess(tmp_path, says, "2021-11-12", born, registered("2021-11-10", 2022, CITY, "ordinary"))
    assert [levy.person for levy in found.levies] == [person]


@pytest.mark.parametrize(("rule", "amount"), [("joining_month", 60000), ("month_after_joining", 50000), ("none", None)])
def test_the_months_of_a_lump_sum(tmp_path: Path, rule: str, amount: int | None) -> None:
    employee = {"scheme": "employee", "area": CITY}
    found = _assess(
        tmp_path,
        f"refund.flex_lump_sum: {rule}",
        "2022-12-31",
        {"type": "registered", "capacity": "flexible", "on": "2022-01-02", **employee},
        {"type": "paid", "kind": "lump_sum", "plan_year": 2022, "on": "2022-01-02", "amount": "1200", **employee},
        {"type": "employment_started", "on": "2022-07-04", "area": CITY},
        {"type": "registered", "capacity": "unit", "on": "2022-07-04", **employee},
        {"type": "refund_requested", "plan_year": 2022, "on": "2022-07-10", "id": "ask", **employee},
    )
    assert [(item.amount, item.to) for item in found.refunds] == ([] if amount is None else [(amount, "person")])
    assert [item.fact for item in found.refused] == (["ask"] if amount is None else [])


def test_a_wait_in_days_in_the_employee_scheme(tmp_path: Path) -> None:
    says = """
employee.start:
  - {capacity: [flexible], start: after_wait, wait_days: 10}
  - {capacity: [unit], start: payment_day}
"""
    months = {"scheme": "employee", "from_month": "2022-03", "to_month": "2022-06", "area": CITY}
    flexible = {"type": "paid", "payer": "person", "on": "2022-03-15", "arrived_on": "2022-03-16", **months}
    found = _assess(tmp_path / "a", says, "2022-03-20", flexible)
    assert [(wait.unit, wait.fixed, wait.start, wait.end) for wait in found.waits] == [
        ("day", 10, date(2022, 3, 16), date(2022, 3, 26))
    ]
    assert [(span.start, span.end) for span in found.coverage] == [(date(2022, 3, 27), date(2022, 6, 30))]
    assert [item.matter for item in found.deadlines] == ["wait_ends", "cover_ends"]
    unit = {"type": "paid", "payer": "employer", "on": "2022-03-15", "arrived_on": "2022-03-16", **months}
    assert [span.start for span in _assess(tmp_path / "b", says, "2022-03-20", unit).coverage] == [date(2022, 3, 16)]


@pytest.mark.parametrize(
    ("start", "day"),
    [
        ("plan_year_start", "2022-01-01"),
        ("payment_day", "2022-03-30"),
        ("day_after_payment", "2022-03-31"),
        ("arrival_day", "2022-04-01"),
        ("day_after_arrival", "2022-04-02"),
        ("registration_day", "2022-03-29"),
        ("first_of_payment_month", "2022-03-01"),
        ("first_of_next_month", "2022-04-01"),
        ("after_previous_cover", "2022-02-16"),
    ],
)
def test_starts_of_cover(tmp_path: Path, start: str, day: str) -> None:
    says = f"late.allowed: true\nlate.price: individual\ncover_start.late: {start}"
    facts = [
        {"type": "covered_before", "scheme": "resident", "from": "2021-01-01", "to": "2022-02-15", "area": "530100"},
        registered("2022-03-29", 2022, CITY, "ordinary"),
        paid("2022-03-30", 2022, CITY, arrived_on="2022-04-01"),
    ]
    assert [span.start.isoformat() for span in _assess(tmp_path, says, "2022-12-31", *facts).coverage] == [day]


@pytest.mark.parametrize(
    ("unit", "anchor", "counts", "end"),
    [
        ("day", "payment_day", False, "2022-04-02"),
        ("day", "payment_day", True, "2022-04-01"),
        ("day", "day_after_payment", False, "2022-04-02"),
        ("day", "arrival_day", False, "2022-04-04"),
        ("day", "day_after_arrival", False, "2022-04-04"),
        ("anniversary_month", "payment_day", False, "2022-06-30"),
        ("anniversary_month", "payment_day", True, "2022-06-29"),
        ("anniversary_month", "plan_year_start", False, "2022-03-31"),
        ("anniversary_month", "first_of_payment_month", False, "2022-05-31"),
        ("natural_month", "payment_day", False, "2022-05-31"),
        ("full_months_then_next_first", "payment_day", False, "2022-06-30"),
    ],
)
def test_ways_to_count_a_wait(tmp_path: Path, unit: str, anchor: str, counts: bool, end: str) -> None:
    says = f"""
late.allowed: true
late.price: individual
cover_start.late: after_wait
wait.fixed: 3
wait.unit: {unit}
wait.start_anchor: {anchor}
wait.count_start_day: {str(counts).lower()}
"""
    facts = [registered("2022-03-30", 2022, CITY, "ordinary"), paid("2022-03-30", 2022, CITY, arrived_on="2022-04-01")]
    [wait] = _assess(tmp_path, says, "2022-12-31", *facts).waits
    assert (wait.end, wait.fixed) == (date.fromisoformat(end), 3)
    assert wait.unit == ("day" if unit == "day" else "month")
