"""Where a life stands, and which levies are still to be collected."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.facts import parse_fact
from domain.status import Status
from policy.assess import assess
from policy.pack_library import library
from policy.status import can_be_collected, is_paid, status_of
from tests.facts import JIANGXI, QINHUANGDAO, YANSHAN, birth, paid, registered


def _status(area: str, on: str, *facts: dict[str, Any]) -> Status:
    day = date.fromisoformat(on)
    parsed = [parse_fact(fact) for fact in facts]
    return status_of(assess(parsed, area, day, library()), parsed, day)


@pytest.mark.parametrize(
    ("area", "on", "facts", "status"),
    [
        (YANSHAN, "2017-05-31", [birth("2017-03-01")], Status.NEWBORN_WINDOW_OPEN),
        (YANSHAN, "2017-06-01", [birth("2017-03-01")], Status.NOT_ENROLLED),
        (YANSHAN, "2017-05-01", [birth("2017-03-01"), registered("2017-03-05", 2017)], Status.AWAITING_PAYMENT),
        (
            YANSHAN,
            "2017-12-31",
            [birth("2017-03-01"), registered("2017-03-05", 2017), paid("2017-03-05", 2017)],
            Status.ENROLLED,
        ),
        (
            YANSHAN,
            "2018-01-01",
            [birth("2017-03-01"), registered("2017-03-05", 2017), paid("2017-03-05", 2017)],
            Status.NOT_ENROLLED,
        ),
        (YANSHAN, "2017-06-01", [birth("2017-03-01"), {"type": "died", "on": "2017-05-01"}], Status.DECEASED),
        (
            JIANGXI,
            "2025-06-04",
            [registered("2025-03-05", 2025, JIANGXI, "ordinary"), paid("2025-03-05", 2025, JIANGXI)],
            Status.WAITING,
        ),
        (
            JIANGXI,
            "2025-06-05",
            [registered("2025-03-05", 2025, JIANGXI, "ordinary"), paid("2025-03-05", 2025, JIANGXI)],
            Status.ENROLLED,
        ),
        (
            QINHUANGDAO,
            "2017-12-31",
            [
                birth("2017-03-01", QINHUANGDAO),
                registered("2017-03-05", 2017, QINHUANGDAO),
                paid("2017-03-05", 2017, QINHUANGDAO),
            ],
            Status.UNDETERMINED,
        ),
        (
            "530100",
            "2027-06-01",
            [
                {"type": "covered_before", "scheme": "resident", "from": "2020-01-01", "to": "2025-12-31"},
                registered("2026-11-10", 2027, "530100", "ordinary"),
                paid("2026-11-10", 2027, "530100"),
            ],
            Status.WAITING,
        ),
    ],
)
def test_status(area: str, on: str, facts: list[dict[str, Any]], status: Status) -> None:
    assert _status(area, on, *facts) is status


def test_a_levy_is_collected_until_its_last_day_or_until_it_is_paid() -> None:
    facts = [parse_fact(registered("2016-11-10", 2017, capacity="ordinary"))]
    [levy] = assess(facts, YANSHAN, date(2016, 11, 12), library()).levies
    assert can_be_collected(levy, facts, date(2016, 12, 20))
    assert not can_be_collected(levy, facts, date(2016, 12, 21))
    for more, counts in (
        (paid("2016-11-12", 2017), True),
        (paid("2016-11-12", 2018), False),
        (paid("2016-11-12", 2017, area=QINHUANGDAO), False),
        (paid("2016-11-12", 2017, kind="repair", repairs_year=2016), False),
        (paid("2016-11-12", 2016, years=2), True),
        (paid("2016-11-12", 2016), False),
        ({"type": "paid", "scheme": "resident", "on": "2016-11-12", "plan_year": 2017}, True),
        ({"type": "paid", "scheme": "employee", "on": "2016-11-12", "plan_year": 2017}, False),
    ):
        known = [*facts, parse_fact(more)]
        assert is_paid(levy, known) is counts, more
        assert can_be_collected(levy, known, date(2016, 12, 1)) is not counts
