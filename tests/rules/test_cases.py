"""The case files, judged by the rules."""

from __future__ import annotations

from typing import Any

import pytest

from policy.assess import assess
from policy.case_files import CaseFile, judge_case, mismatches, read_cases
from policy.pack_library import library
from tests.rules.outcomes import APPROVED, CASE_FILES, whole

APPROVED_OUTCOMES = {
    block.split(" ", 1)[0]: block.rstrip("\n")
    for file in CASE_FILES
    for block in (APPROVED / f"{file.stem}.txt").read_text(encoding="utf-8").split("\n\n")
}
CASES = [case for file in CASE_FILES for case in read_cases(file)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_rules_say_what_the_case_expects(case: CaseFile) -> None:
    _, differences = judge_case(case, library())
    assert differences == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_whole_assessment_is_the_approved_one(case: CaseFile) -> None:
    """Expectations name what a case is about; this is all the rest. See `tests/rules/outcomes.py` when it differs."""
    assert whole(case) == APPROVED_OUTCOMES[case.id]
    assert "[]" not in APPROVED_OUTCOMES[case.id], "a decision without a source"


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
