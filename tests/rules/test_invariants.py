"""What holds for any life at all, whatever people and offices did and in whatever order it became known."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import fields
from datetime import date, timedelta
from itertools import combinations
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.assessment import Assessment, Coverage, Matter, to_json
from domain.facts import Birth, Fact, Paid, parse_fact
from policy.assess import assess
from policy.pack_library import library
from policy.parameters import EXTENSION
from tests.rules.lives import lives

# The mutants are tried with few examples, the same for each of them.
FEW = os.environ.get("TEST_EXAMPLES")
EXAMPLES = settings(max_examples=int(FEW or 400), deadline=None, derandomize=FEW is not None, database=None)
DAY = timedelta(days=1)
DAYS = st.dates(date(2016, 1, 1), date(2031, 1, 1))
DONE_ON_THE_DAY = (Matter.NEWBORN_REMINDER, Matter.IDENTITY_UPDATE, Matter.INCENTIVE)
NOTICES = {
    extension.decided_on
    for pack in library().packs
    if EXTENSION.key in pack.statements
    for extension in pack.statements[EXTENSION.key].value
    if extension.decided_on is not None
}


def _known(facts: list[Fact], as_of: date) -> list[Fact]:
    return [fact for fact in facts if fact.known_on <= as_of]


def _overlap(first: Coverage, second: Coverage) -> bool:
    return first.start <= (second.end or date.max) and second.start <= (first.end or date.max)


def _full(span: Coverage) -> bool:
    return span.share == 1


def _covered_days(found: Assessment, until: date) -> set[tuple[str, str, str, str, date, date]]:
    """What is covered up to a day, cut there, so that two assessments can be compared."""
    return {
        (span.scheme, span.area, str(span.share), span.service or "", span.start, min(span.end or date.max, until))
        for span in found.coverage
        if span.start <= until
    }


@EXAMPLES
@given(lives(), DAYS, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(life: tuple[str, list[Fact]], as_of: date, random: Random) -> None:
    area, facts = life
    shuffled = list(facts)
    random.shuffle(shuffled)
    found = to_json(assess(facts, area, as_of, library()))
    assert to_json(assess([*shuffled, *facts], area, as_of, library())) == found
    assert to_json(assess(_known(facts, as_of), area, as_of, library())) == found


@EXAMPLES
@given(lives(), DAYS)
def test_nothing_is_covered_twice_nor_before_birth_nor_after_death(life: tuple[str, list[Fact]], as_of: date) -> None:
    area, facts = life
    found = assess(facts, area, as_of, library())
    for span in found.coverage:
        assert span.end is None or span.start <= span.end
    for first, second in combinations(found.coverage, 2):
        exclusive = _full(first) and _full(second) and first.service == second.service
        assert not (exclusive and _overlap(first, second)), (first, second)
    births = {fact.on for fact in _known(facts, as_of) if isinstance(fact, Birth)}
    if len(births) == 1:
        assert all(span.start >= min(births) for span in found.coverage)
    died = min((fact.on for fact in _known(facts, as_of) if fact.type == "died"), default=None)
    if died is not None:
        spans: list[Any] = [*found.coverage, *found.waits, *found.suspensions, *found.undetermined]
        assert all(span.end is not None and span.end <= died for span in spans)
        assert found.deadlines == []


@EXAMPLES
@given(lives(), DAYS)
def test_what_rests_is_not_covered_and_comes_back_only_as_far_as_paid(
    life: tuple[str, list[Fact]], as_of: date
) -> None:
    area, facts = life
    found = assess(facts, area, as_of, library())
    for rest in found.suspensions:
        for span in found.coverage:
            if (span.scheme, span.area) == (rest.scheme, rest.area) and span.share == 1:
                assert span.start > (rest.end or date.max) or (span.end or date.max) < rest.start, (span, rest)
    years = {fact.plan_year for fact in _known(facts, as_of) if fact.type in ("paid", "registered", "waiver_confirmed")}
    for span in found.coverage:
        if span.scheme == "resident":
            assert span.end is not None
            # A calendar year ends with itself, an academic year and a newborn's double year in the next.
            births = [fact.on.year for fact in facts if isinstance(fact, Birth)]
            assert span.end.year - 1 in years or span.end.year in years or span.end.year in births


@EXAMPLES
@given(lives(), DAYS)
def test_refunds_never_exceed_payments(life: tuple[str, list[Fact]], as_of: date) -> None:
    area, facts = life
    found = assess(facts, area, as_of, library())
    paid: dict[tuple[str, str, int], int] = defaultdict(int)
    back: dict[tuple[str, str, int], int] = defaultdict(int)
    for fact in _known(facts, as_of):
        if isinstance(fact, Paid):
            year = fact.plan_year or int((fact.from_month or "0")[:4])
            # A payment without a sum counts as what was owed; no sum of these lives is larger.
            paid[(fact.scheme, fact.area or area, year)] += 100_000 if fact.amount is None else fact.amount
    for refund in found.refunds:
        back[(refund.scheme, refund.area, refund.plan_year)] += refund.amount or 0
    assert all(amount <= paid[key] for key, amount in back.items())


@EXAMPLES
@given(lives(), DAYS, st.integers(1, 400))
def test_time_alone_never_changes_the_past(life: tuple[str, list[Fact]], as_of: date, days: int) -> None:
    """A day more without a fact and without a notice leaves every day that has passed as it was."""
    area, facts = life
    later = as_of + timedelta(days=days)
    if any(as_of < decided <= later for decided in NOTICES):
        return
    known = _known(facts, as_of)
    before, after = assess(known, area, as_of, library()), assess(known, area, later, library())
    assert _covered_days(before, as_of) == _covered_days(after, as_of)
    assert {(item.to, item.matter, item.on) for item in before.notices} <= {
        (item.to, item.matter, item.on) for item in after.notices
    }
    assert before.refunds == after.refunds
    assert before.clawbacks == after.clawbacks


@EXAMPLES
@given(lives(), DAYS, st.integers(1, 400))
def test_nothing_changes_before_the_next_deadline(life: tuple[str, list[Fact]], as_of: date, days: int) -> None:
    """A life sleeps until its next deadline; so until then a day more must change nothing that it would carry out."""
    area, facts = life
    known = _known(facts, as_of)
    before = assess(known, area, as_of, library())
    wakes = [item.on if item.matter in DONE_ON_THE_DAY else item.on + DAY for item in before.deadlines]
    later = min([as_of + timedelta(days=days), *(day - DAY for day in wakes)])
    if later <= as_of or any(as_of < decided <= later for decided in NOTICES):
        return
    after = assess(known, area, later, library())
    for name in (field.name for field in fields(Assessment) if field.name not in ("notices", "decisions")):
        assert getattr(before, name) == getattr(after, name), name
    assert _sent(before, later) == _sent(after, later)


def _sent(found: Assessment, until: date) -> set[tuple[str, str, date]]:
    return {(item.to, item.matter, item.on) for item in found.notices if item.on <= until}


@EXAMPLES
@given(lives(), DAYS, st.data())
def test_a_fact_that_is_taken_back_leaves_no_trace(
    life: tuple[str, list[Fact]], as_of: date, data: st.DataObject
) -> None:
    area, facts = life
    target = data.draw(st.sampled_from(facts))
    wire = target.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    withdrawal = parse_fact({**wire, "id": "w", "corrects": target.fact_id, "withdrawn": True})
    without = [fact for fact in facts if fact is not target]
    assert assess([*facts, withdrawal], area, as_of, library()) == assess(without, area, as_of, library()) or (
        target.known_on > as_of
    )


@EXAMPLES
@given(lives(), DAYS, st.data())
def test_a_correction_counts_like_the_fact_itself(
    life: tuple[str, list[Fact]], as_of: date, data: st.DataObject
) -> None:
    area, facts = life
    target = data.draw(st.sampled_from(facts))
    if target.known_on > as_of:
        return
    wire = target.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    correction = parse_fact({**wire, "id": f"{target.fact_id}-again", "corrects": target.fact_id})
    renamed = parse_fact({**wire, "id": f"{target.fact_id}-again"})
    without = [fact for fact in facts if fact is not target]
    assert assess([*facts, correction], area, as_of, library()) == assess([*without, renamed], area, as_of, library())


@EXAMPLES
@given(lives(), DAYS)
def test_every_decision_is_explained(life: tuple[str, list[Fact]], as_of: date) -> None:
    area, facts = life
    found = assess(facts, area, as_of, library())
    for decision in found.decisions:
        assert decision.outcome.zh
        assert decision.outcome.en
        assert decision.sources, decision
        assert decision.pack
    listed: list[Any] = [*found.coverage, *found.waits, *found.undetermined, *found.suspensions, *found.terminations]
    listed += [*found.levies, *found.refunds, *found.clawbacks, *found.kept]
    assert all(item.because.zh and item.because.en for item in listed)
    for deadline in found.deadlines:
        assert deadline.on >= as_of
    for notice in found.notices:
        assert notice.on <= as_of or notice.on in {fact.on for fact in facts}
