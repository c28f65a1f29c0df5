"""The case files, lived by real workflows with shifted clocks: a life comes to what the rules say."""

from __future__ import annotations

import pytest

from domain.assessment import Assessment
from domain.facts import wire
from policy.assess import assess
from policy.case_files import CaseFile
from policy.pack_library import library
from tests.rules.test_cases import CASES
from tests.world import World


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_a_life_comes_to_what_the_rules_say(shared_world: World, case: CaseFile) -> None:
    world = shared_world
    facts = [fact.model_copy(update={"area": fact.area or case.area}) for fact in case.facts]
    known = [fact for fact in facts if fact.known_on <= case.as_of]
    expected = assess(known, case.area, case.as_of, library())
    key = await world.live([fact.model_dump(mode="json", by_alias=True, exclude_defaults=True) for fact in known])
    await world.move_to(key, case.as_of)
    await world.settled(key)
    held = [(span.scheme, span.area, span.starts, span.ends) for span in await world.ledger.coverage(key)]
    assert held == [(span.scheme, span.area, span.start, span.end) for span in expected.coverage]
    standing = await world.ledger.standing(key)
    assert standing is not None
    assert [item.question for item in standing.parked] == [item.question for item in expected.parked]
    collectable, settled = _levies(expected, case)
    assert collectable <= _open_levies(world, key) <= collectable | settled
    assert len((await world.ledger.read(key)).facts) == len({wire(fact) for fact in known})


def _open_levies(world: World, key: str) -> set[str]:
    levies = {tuple(name.split("/", 1)): state for name, (_, state, _) in world.bureau.levies.items()}
    return {slot for (person, slot), state in levies.items() if person == key and state == "open"}


def _levies(expected: Assessment, case: CaseFile) -> tuple[set[str], set[str]]:
    """The levies that must stand at the bureau, being unpaid and not past due; and those that may, being paid."""
    refused = {item.fact for item in expected.refused}
    paid_years = {fact.plan_year for fact in case.facts if fact.type == "paid" and fact.fact_id not in refused}
    collectable, settled = set(), set()
    for levy in expected.levies:
        repair = f"/repair-{levy.repairs_year}" if levy.repairs_year else ""
        name = f"levy/{levy.scheme}/{levy.area}/{levy.plan_year}/{levy.part}{repair}"
        if levy.plan_year in paid_years:
            settled.add(name)
        elif levy.person and (levy.due is None or levy.due >= case.as_of):
            collectable.add(name)
    return collectable, settled
