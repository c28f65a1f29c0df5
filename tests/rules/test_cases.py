"""The case files, judged by the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policy.assess import assess
from policy.case_files import CaseFile, judge_case, mismatches, read_cases
from policy.pack_library import library

CASES = [case for file in sorted((Path(__file__).parents[1] / "cases").glob("*.yaml")) for case in read_cases(file)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_rules_say_what_the_case_expects(case: CaseFile) -> None:
    _, differences = judge_case(case, library())
    assert differences == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_facts_in_any_order_give_the_same_assessment(case: CaseFile) -> None:
    forwards = assess(case.facts, case.area, case.as_of, library())
    backwards = assess([*reversed(case.facts), *case.facts], case.area, case.as_of, library())
    assert forwards == backwards


def test_a_wrong_expectation_is_noticed() -> None:
    case = next(case for case in CASES if case.id == "S-03")
    expectations: tuple[dict[str, Any], ...] = (
        {"coverage": []},
        {"coverage": [{"scheme": "resident", "from": "2017-03-02"}]},
        {"waits": [{"scheme": "resident"}]},
        {"levies": [{"scheme": "resident", "person": "151"}]},
        {"parked": [{"question": "fee"}]},
        {"decisions": []},
        {"on_days": [{"scheme": "resident", "on": case.as_of, "paid": False}]},
    )
    for expect in expectations:
        wrong = CaseFile(case.id, case.title, case.area, case.facts, case.as_of, expect)
        assert judge_case(wrong, library())[1], expect
    assert mismatches({"levies": [{"scheme": "resident", "person": "150.00"}]}, {"levies": [_LEVY]}) == []


_LEVY = {"scheme": "resident", "person": "150", "plan_year": 2017}
