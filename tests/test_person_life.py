"""A life on the real server: what is reported, what follows, what is carried out, and what is waited for."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlmodel import Session, SQLModel
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.service import RPCError

from domain.cases import CaseOperation
from domain.errors import Refused, Unavailable
from domain.life import Acknowledged, Interval, Receipt, Record, Remembered
from domain.status import Status
from policy.pack_library import NotStated, PackLibrary, Stated
from policy.parameters import Parameter
from tests.facts import NANNING, YANSHAN, birth, paid, registered
from tests.world import World
from workflows.person import PersonLifecycle
from workflows.search_attributes import (
    ENROLLMENT_STATUS,
    NEXT_DEADLINE,
    OPEN_MATTERS,
    PARKED,
    PERSON_KEY,
    POOLING_AREA,
)

IN_TIME = [birth("2017-03-01"), registered("2017-04-10", 2017), paid("2017-04-12", 2017, amount="150")]


async def test_a_newborn_in_time_is_covered_from_birth(world: World) -> None:
    key = await world.live(IN_TIME)
    assert (await world.covered(key, date(2017, 3, 1))).covered == "yes"
    assert (await world.covered(key, date(2017, 2, 28))).covered == "no"
    assert (await world.covered(key, date(2018, 1, 1))).covered == "no"
    assert [(span.starts, span.ends) for span in await world.ledger.coverage(key)] == [
        (date(2017, 3, 1), date(2017, 12, 31))
    ]
    assert [(revision, state) for revision, state, _ in world.bureau.levies.values()] == [(1, "open")]
    assert world.board.sent == {}


async def test_an_ordinary_newborn_leaves_few_events(world: World) -> None:
    key = await world.live(IN_TIME)
    assert await world.event_count(key) <= 60


async def test_nothing_wakes_a_life_on_a_day_on_which_nothing_is_due(world: World) -> None:
    key = await world.live(IN_TIME)
    before = await world.event_count(key)
    await world.move_to(key, date(2017, 12, 31))
    assert await world.event_count(key) == before


async def test_reminder_and_missed_window(world: World) -> None:
    key = await world.live([birth("2017-03-01")], until=date(2017, 5, 16))
    assert [name.rsplit("/")[-2] for name in world.board.sent] == ["newborn_reminder"]
    await world.move_to(key, date(2017, 6, 1))
    await world.settled(key)
    assert sorted(name.rsplit("/")[-2] for name in world.board.sent) == ["newborn_reminder", "newborn_window_missed"]
    standing = await world.ledger.standing(key)
    assert standing is not None
    assert standing.status is Status.NOT_ENROLLED


async def test_a_late_paper_corrects_what_was_recorded_in_between(world: World) -> None:
    key = await world.live([birth("2017-05-05")], until=date(2017, 8, 8))
    assert any("newborn_window_missed" in name for name in world.board.sent)
    await world.report(key, registered("2017-08-02", 2017))
    receipt = await world.report(key, paid("2017-08-02", 2017))
    await world.settled(key)
    assert receipt.status is Status.ENROLLED
    assert (await world.covered(key, date(2017, 5, 5))).covered == "yes"
    corrected = [name for name in world.board.corrected if "newborn_window_missed" in name]
    assert len(corrected) == 1
    assert corrected[0] in world.board.sent


async def test_attributes_say_where_a_life_stands(world: World) -> None:
    key = await world.live([birth("2017-03-01")])
    attributes = (await world.handle(key).describe()).typed_search_attributes
    assert attributes[POOLING_AREA] == YANSHAN
    assert attributes[ENROLLMENT_STATUS] == "newborn_window_open"
    assert attributes[OPEN_MATTERS] == ["newborn_reminder", "newborn_window"]
    assert attributes[NEXT_DEADLINE].isoformat() == "2017-05-15T16:00:00+00:00"
    assert attributes[PARKED] is False
    assert attributes[PERSON_KEY] == key


async def test_details_speak_both_languages(world: World) -> None:
    key = await world.live([birth("2017-03-01"), registered("2017-03-05", 2017)])
    metadata = await world.handle(key).query("__temporal_workflow_metadata")
    assert "已登记待缴费" in str(metadata)
    assert "awaiting payment" in str(metadata)
    assert "2017-05-31" in str(metadata)


async def test_explain_names_the_clause(world: World) -> None:
    key = await world.live(IN_TIME)
    conclusions = await world.handle(key).query(PersonLifecycle.explain)
    assert any("S002:L337" in source for conclusion in conclusions for source in conclusion.sources)
    assert all(conclusion.outcome.zh and conclusion.outcome.en for conclusion in conclusions)


async def test_a_mid_year_payer_waits_and_then_is_covered(world: World) -> None:
    key = await world.live(
        [
            registered("2017-01-09", 2017, capacity="ordinary"),
            paid("2017-01-09", 2017, kind="full", arrived_on="2017-01-10", recorded_on="2017-01-10"),
        ]
    )
    assert (await world.covered(key, date(2017, 4, 10))).covered == "no"
    assert (await world.covered(key, date(2017, 4, 11))).covered == "yes"
    attributes = (await world.handle(key).describe()).typed_search_attributes
    assert attributes[ENROLLMENT_STATUS] == "waiting"
    await world.move_to(key, date(2017, 4, 11))
    await world.settled(key)
    attributes = (await world.handle(key).describe()).typed_search_attributes
    assert attributes[ENROLLMENT_STATUS] == "enrolled"


async def test_an_unpaid_levy_is_cancelled_when_its_last_day_has_passed(world: World) -> None:
    key = await world.live([registered("2016-12-12", 2017, "130300", "ordinary")])
    assert [state for _, state, _ in world.bureau.levies.values()] == ["open"]
    await world.move_to(key, date(2016, 12, 21))
    await world.settled(key)
    assert [state for _, state, _ in world.bureau.levies.values()] == ["cancelled"]


async def test_a_withdrawn_registration_takes_its_levy_back_and_a_new_one_is_a_new_generation(world: World) -> None:
    key = await world.live([registered("2016-11-10", 2017, capacity="ordinary", id="r1")])
    await world.report(key, registered("2016-11-10", 2017, capacity="ordinary", id="w1", corrects="r1", withdrawn=True))
    await world.settled(key)
    assert [state for _, state, _ in world.bureau.levies.values()] == ["cancelled"]
    await world.report(key, registered("2016-11-10", 2017, capacity="ordinary", id="r2", household="h1"))
    await world.settled(key)
    assert [(revision, state) for revision, state, _ in world.bureau.levies.values()] == [(2, "open")]


async def test_death_ends_the_life_and_a_late_fact_opens_it_again(world: World) -> None:
    key = await world.live([*IN_TIME, {"type": "died", "on": "2017-07-01", "area": YANSHAN, "id": "d1"}])
    assert await world.handle(key).result() == "deceased"
    assert [span.ends for span in await world.ledger.coverage(key)] == [date(2017, 7, 1)]
    # Reported in error: the ledger knows the life, and it goes on where it stopped.
    world.shifts[key] += 200
    receipt = await world.report(
        key, {"type": "died", "on": "2017-07-01", "area": YANSHAN, "corrects": "d1", "withdrawn": True}
    )
    assert receipt.status is Status.ENROLLED
    await world.settled(key)
    assert (await world.handle(key).describe()).status is WorkflowExecutionStatus.RUNNING
    assert [span.ends for span in await world.ledger.coverage(key)] == [date(2017, 12, 31)]
    assert [call for call in world.bureau.calls if call[0] == "issue"] == [
        ("issue", f"{key}/levy/resident/{YANSHAN}/2017/basic", 1)
    ]
    known = await world.ledger.read(key)
    assert len(known.facts) == 5


# -- what is not admitted ------------------------------------------------------------------------------------------


async def test_a_refused_first_fact_leaves_no_life(world: World) -> None:
    key = world.person(date(2017, 3, 1))
    with pytest.raises(Refused, match="after today"):
        await world.report(key, birth("2017-03-09"))
    assert await world.handle(key).result() == "nothing was admitted"


async def test_a_shifted_clock_is_refused_by_a_worker_for_real_people(world: World) -> None:
    await world.stop_workers()
    await world.start_workers(settings=world.settings.model_copy(update={"shifted_clocks": False}))
    key = world.person(date(2017, 3, 1))
    with pytest.raises(Refused, match="shifted"):
        await world.report(key, birth("2017-03-01"))


async def test_what_breaks_the_contract_is_refused_in_words(world: World) -> None:
    key = await world.live([birth("2017-03-01", id="b1")])
    with pytest.raises(Refused, match="b1 was already used"):
        await world.report(key, birth("2017-02-01", id="b1"))
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await world.handle(key).execute_update("report", {"type": "birth", "on": "2017-03-01", "weight": 3})
    assert "weight" in str(refusal.value.cause)
    assert (await world.handle(key).describe()).status is WorkflowExecutionStatus.RUNNING


# -- messages -------------------------------------------------------------------------------------------------------


async def test_the_same_fact_gets_the_first_answer(world: World) -> None:
    key = await world.live([birth("2017-03-01", id="b1")])
    first = await world.report(key, registered("2017-03-01", 2017, id="r1"))
    await world.report(key, paid("2017-03-01", 2017, id="p1"))
    again = await world.report(key, registered("2017-03-01", 2017, id="r1"))
    assert again == first
    await world.settled(key)
    for _ in range(2):
        # Under another update id, as after a roll or from another client, only the life itself knows the fact again.
        once_more = await world.handle(key).execute_update(
            "report", registered("2017-03-01", 2017, id="r1"), result_type=Receipt
        )
        assert once_more == first, "an answer that was given stays as it was"
        await world.settled(key)
    twice = await asyncio.gather(*(world.report(key, paid("2017-03-01", 2017, id="p2")) for _ in range(3)))
    assert twice[0] == twice[1] == twice[2]
    await world.settled(key)
    assert len((await world.ledger.read(key)).facts) == 4


async def test_many_senders_at_once_are_all_answered_while_the_bureau_is_away(world: World) -> None:
    world.bureau.away = True
    key = world.person(date(2017, 3, 1))
    facts = [birth("2017-03-01"), registered("2017-03-01", 2017)]
    facts += [{"type": "identity_updated", "on": "2017-03-01", "area": YANSHAN, "id": f"i{n}"} for n in range(12)]
    receipts = await asyncio.gather(*(world.report(key, fact) for fact in facts))
    assert len({receipt.fact for receipt in receipts}) == 14
    world.bureau.away = False
    async with asyncio.timeout(30):
        while not world.bureau.levies:
            await asyncio.sleep(0.1)
    await world.settled(key)
    assert len((await world.ledger.read(key)).facts) == 14


async def test_facts_before_the_first_task_and_after_a_roll(world: World) -> None:
    """Reports wait for a worker that is not there yet; later ones come while the life rolls. None is lost."""
    await world.stop_workers()
    key = world.person(date(2017, 3, 1))
    waiting = asyncio.create_task(world.report(key, birth("2017-03-01", id="b1")))
    await asyncio.sleep(0.5)
    await world.start_workers()
    await waiting
    for number in range(45):
        await world.report(key, {"type": "identity_updated", "on": "2017-03-01", "area": YANSHAN, "id": f"i{number}"})
    await asyncio.sleep(1.5)
    assert len(await world.histories(key)) >= 2, "the life has rolled"
    again = await world.report(key, {"type": "identity_updated", "on": "2017-03-01", "area": YANSHAN, "id": "i3"})
    assert again.fact == "i3"
    await world.report(key, registered("2017-03-01", 2017))
    receipt = await world.report(key, paid("2017-03-01", 2017))
    assert receipt.status is Status.ENROLLED
    await world.settled(key)
    assert len((await world.ledger.read(key)).facts) == 48
    assert (await world.covered(key, date(2017, 3, 1))).covered == "yes"
    await world.move_to(key, date(2018, 1, 2))
    await world.settled(key)
    standing = await world.ledger.standing(key)
    assert standing is not None
    assert standing.status is Status.NOT_ENROLLED


async def test_reports_while_a_life_rolls(world: World) -> None:
    key = world.person(date(2017, 3, 1))
    await world.report(key, birth("2017-03-01", id="birth"))

    async def sender(name: str) -> None:
        for number in range(12):
            fact = {"type": "identity_updated", "on": "2017-03-01", "area": YANSHAN, "id": f"{name}{number}"}
            receipt = await world.report(key, fact)
            assert receipt.fact == f"{name}{number}"
            await asyncio.sleep(0.25 if number % 4 == 3 else 0)

    await asyncio.gather(*(sender(name) for name in "abcdef"))
    await asyncio.sleep(1.2)
    await world.settled(key)
    assert len((await world.ledger.read(key)).facts) == 73
    assert len(await world.histories(key)) >= 2


# -- bad luck -------------------------------------------------------------------------------------------------------


class BrokenRules(PackLibrary):
    """Rules that fail: a stand-in for a fault in a release."""

    def __init__(self) -> None:
        super().__init__([])

    def look_up(self, parameter: Parameter[Any], area: str, on: date) -> Stated[Any] | NotStated:
        raise RuntimeError("a rule broke")


async def test_rules_that_fail_park_the_matter_and_the_life_goes_on(world: World) -> None:
    await world.stop_workers()
    await world.start_workers(packs=BrokenRules())
    key = world.person(date(2017, 3, 1))
    receipt = await world.report(key, birth("2017-03-01"))
    assert [item.question for item in receipt.parked] == ["rules_failed"]
    await world.stop_workers()
    await world.start_workers()
    await world.move_to(key, date(2017, 3, 3))
    receipt = await world.report(key, registered("2017-03-03", 2017))
    assert receipt.parked == []
    assert receipt.status is Status.AWAITING_PAYMENT


class RegistryThatIsAway:
    async def read(self, person: str) -> Remembered:
        return Remembered()

    async def record(self, record: Record) -> Acknowledged:
        raise Unavailable("the registry does not answer")

    async def coverage(self, person: str) -> list[Interval]:
        raise Unavailable("the registry does not answer")

    async def keep_operation(self, done: CaseOperation) -> None:
        raise Unavailable("the registry does not answer")


async def test_a_registry_that_is_away_delays_and_loses_nothing(world: World) -> None:
    await world.stop_workers()
    await world.start_workers(registry=RegistryThatIsAway())
    key = world.person(date(2017, 3, 1))
    for fact in (birth("2017-03-01"), registered("2017-03-01", 2017)):
        await world.report(key, fact)
    await world.stop_workers()
    assert await world.ledger.coverage(key) == []
    await world.start_workers()
    await world.report(key, paid("2017-03-01", 2017))
    async with asyncio.timeout(60):
        while not await world.ledger.coverage(key):
            await asyncio.sleep(0.2)
    await world.settled(key)
    assert len((await world.ledger.read(key)).facts) == 3


async def test_a_bureau_away_for_days_gets_the_levy_once(world: World) -> None:
    world.bureau.away = True
    key = world.person(date(2017, 3, 1))
    await world.report(key, birth("2017-03-01"))
    await world.report(key, registered("2017-03-01", 2017))
    await world.move_to(key, date(2017, 3, 3))
    attributes = (await world.handle(key).describe()).typed_search_attributes
    assert "effect:levy" in attributes[OPEN_MATTERS]
    world.bureau.away = False
    await world.move_to(key, date(2017, 3, 4))
    await world.settled(key)
    assert world.bureau.calls == [("issue", f"{key}/levy/resident/{YANSHAN}/2017/basic", 1)]


async def test_a_refused_levy_is_shown_and_tried_again_later(world: World) -> None:
    world.bureau.refusing = True
    key = world.person(date(2017, 3, 1))
    await world.report(key, birth("2017-03-01"))
    await world.report(key, registered("2017-03-01", 2017))
    await world.settled(key)
    attributes = (await world.handle(key).describe()).typed_search_attributes
    assert attributes[PARKED] is True
    world.bureau.refusing = False
    await world.move_to(key, date(2017, 3, 9))
    await world.settled(key)
    assert [state for _, state, _ in world.bureau.levies.values()] == ["open"]


async def test_a_question_that_no_source_answers_is_parked_and_a_decision_answers_it(world: World) -> None:
    key = await world.live([registered("2022-03-14", 2022, NANNING, "ordinary")])
    standing = await world.ledger.standing(key)
    assert standing is not None
    assert "late.price" in [item.question for item in standing.parked]
    assert world.bureau.levies == {}
    await world.report(
        key,
        {
            "type": "decided",
            "question": "late.price",
            "answer": "individual",
            "by": "clerk-7",
            "reason": "city notice",
            "on": "2022-03-14",
            "area": NANNING,
        },
    )
    await world.report(
        key,
        {
            "type": "decided",
            "question": "fee",
            "answer": '[{person: "350"}]',
            "by": "clerk-7",
            "reason": "city notice",
            "on": "2022-03-14",
            "area": NANNING,
        },
    )
    await world.settled(key)
    assert ['"350"' in payload for _, _, payload in world.bureau.levies.values()] == [True]


def _lose_everything(session: Session) -> None:
    for table in SQLModel.metadata.sorted_tables:
        session.connection().execute(table.delete())


async def test_a_life_that_the_registry_lost_writes_everything_again(world: World) -> None:
    """The registry was restored from an old backup: the next record finds it behind, and carries everything."""
    key = await world.live(IN_TIME[:2])
    await world.stop_workers()
    await world.database.transaction(_lose_everything)
    await world.start_workers()
    await world.report(key, paid("2017-04-10", 2017))
    async with asyncio.timeout(20):
        while not await world.ledger.coverage(key):
            await asyncio.sleep(0.1)
    await world.settled(key)
    assert len((await world.ledger.read(key)).facts) == 3


async def test_a_query_on_an_unknown_person_is_an_error_and_no_life(world: World) -> None:
    key = world.person(date(2017, 3, 1))
    with pytest.raises(RPCError):
        await world.handle(key).describe()
