"""What `advance` tells a life: of effects, what is new and what no longer follows."""

from __future__ import annotations

from datetime import date

from activities.assessment import step
from domain.facts import parse_fact, wire
from domain.life import Question
from policy.pack_library import library
from tests.facts import QINHUANGDAO, paid, registered

SLOT = f"levy/resident/{QINHUANGDAO}/2017/basic"
REGISTERED = registered("2016-12-12", 2017, QINHUANGDAO, "ordinary")


def _unwanted(day: date, *facts: dict[str, object]) -> list[str]:
    texts = [wire(parse_fact(fact)) for fact in facts]
    question = Question(key="k", day=day, facts=texts, slots={SLOT: "issued"}, known_conclusions=[])
    return step(question, library()).unwanted


def test_a_levy_that_was_paid_in_time_stands() -> None:
    assert _unwanted(date(2016, 12, 21), REGISTERED, paid("2016-12-20", 2017, QINHUANGDAO)) == []


def test_a_payment_that_is_refused_settles_no_levy() -> None:
    assert _unwanted(date(2016, 12, 21), REGISTERED, paid("2016-12-21", 2017, QINHUANGDAO)) == [SLOT]


def test_a_levy_past_its_last_day_is_taken_back() -> None:
    assert _unwanted(date(2016, 12, 20), REGISTERED) == []
    assert _unwanted(date(2016, 12, 21), REGISTERED) == [SLOT]
