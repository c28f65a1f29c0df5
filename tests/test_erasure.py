"""Erasure and rotation from the console: a person's runs, keys and identity go; everybody else's stay readable."""

from __future__ import annotations

import json

import pytest
from sqlmodel import Session, select
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.service import RPCError

from adapters.keys.ciphers import KeyedHash
from adapters.payload_codec import CannotOpen, SealingCodec
from adapters.registry.audit import AuditJournal
from adapters.registry.database import Database
from adapters.registry.identities import Identities
from adapters.registry.key_merges import KeyMerges
from adapters.registry.people_tables import Document, PersonName
from adapters.registry.rotation import rotate_keys
from domain.civil_time import current_day
from domain.errors import KeyMissing, Missing
from domain.identity_documents import IdentityDocument
from domain.status import Status
from intake.erasing import Erasing
from tests.facts import birth, registered
from tests.world import World
from workflows.names import person_of, person_workflow_id

SECRET = b"s" * 32
PAPER = IdentityDocument("birth_certificate", "T130000017")
OTHER_PAPER = IdentityDocument("passport", "GBR/123456789")


async def _first_payload(world: World, key: str) -> Payload:
    plain = Client(world.client.service_client, namespace=world.client.namespace)
    history = await plain.get_workflow_handle(person_workflow_id(key)).fetch_history()
    return history.events[0].workflow_execution_started_event_attributes.input.payloads[0]


async def test_a_person_is_erased_and_others_are_not(world: World) -> None:
    identities = Identities(world.database, world.secret)
    key, other = await identities.person([PAPER], "李小明"), await identities.person([OTHER_PAPER], "韩梅梅")
    shift = world.shifts[await world.live([birth("2017-03-01")])]
    for person in (key, other):
        world.shifts[person] = shift
        await world.report(person, birth("2017-03-01"))
        await world.report(person, registered("2017-03-01", 2017))
        await world.settled(person)
    kept, others = await _first_payload(world, key), await _first_payload(world, other)
    codec = SealingCodec(world.database.keys, person_of)
    assert "key" in json.loads((await codec.opened(kept)).data)
    erasing = Erasing(world.client, world.database, person_of, sealing_seconds=0.1)
    done = await erasing.erase(key, "clerk-7", "PIPL art. 47 (head-2)")
    assert (done.runs, done.keys, done.rows) == (1, 1, 2)
    with pytest.raises(CannotOpen, match="is missing"):
        await codec.opened(kept)
    with pytest.raises(RPCError, match="not found"):
        await world.handle(key).describe()
    assert (await identities.documents(key), await identities.name(key)) == ([], "")
    assert await codec.opened(others)
    assert await identities.name(other) == "韩梅梅"
    assert (await world.overview(other)).status is Status.AWAITING_PAYMENT
    lines = await AuditJournal(world.database).lines(person=key)
    assert [(line.act, line.reason) for line in lines] == [
        ("erase", "PIPL art. 47 (head-2)"),
        ("erase begins", "PIPL art. 47 (head-2)"),
    ]
    # The ledger is the bureau's record, under a key that leads to nobody.
    assert (await world.ledger.read(key)).sequence > 0
    with pytest.raises(Missing, match="nothing is kept of this person"):
        await erasing.erase(key, "clerk-7", "again")
    world.keys.append(other)


async def test_whoever_is_known_by_papers_only_is_erased_and_an_erasure_that_was_cut_off_goes_on(world: World) -> None:
    identities = Identities(world.database, world.secret)
    key = await identities.person([PAPER], "李小明")
    await world.database.keys.erase(f"person-{key}")  # it got so far, the last time
    done = await Erasing(world.client, world.database, person_of, sealing_seconds=0).erase(key, "clerk-7", "PIPL 47")
    assert (done.runs, done.keys, done.rows) == (0, 0, 2)
    assert await identities.documents(key) == []


async def test_keys_that_are_one_person_are_erased_together(world: World) -> None:
    identities = Identities(world.database, world.secret)
    one, other = await identities.person([PAPER], "李小明"), await identities.person([OTHER_PAPER], "韩梅梅")
    await KeyMerges(world.database).merge(other, one, current_day(), "head-2", "the same person")
    done = await Erasing(world.client, world.database, person_of, sealing_seconds=0).erase(other, "clerk-7", "PIPL 47")
    assert done.rows == 4
    for key in (one, other):
        assert (await identities.documents(key), await identities.name(key)) == ([], "")


async def test_a_damaged_row_holds_up_no_rotation(database: Database) -> None:
    identities = Identities(database, SECRET)
    people = [
        await identities.person([IdentityDocument("passport", f"GBR/12345678{number}")], f"name {number}")
        for number in range(4)
    ]

    def damage(session: Session) -> None:
        session.get_one(PersonName, people[1]).ciphertext = b"x" * 40
        session.exec(select(Document).where(Document.person == people[2])).one().ciphertext = b"x" * 40

    await database.transaction(damage)
    await database.keys.provider.rotate()
    done = await rotate_keys(database, identities, new_key=False, page=2, advance=lambda: None)
    assert len(done.lost) == 2
    assert people[1] in done.lost
    assert len(await _sealed_by(database)) == 2
    assert [await identities.name(people[number]) for number in (0, 2, 3)] == ["name 0", "name 2", "name 3"]


async def test_rotation_seals_documents_and_names_anew_page_by_page(database: Database) -> None:
    identities = Identities(database, SECRET)
    people = [
        await identities.person([IdentityDocument("passport", f"GBR/12345678{number}")], f"name {number}")
        for number in range(7)
    ]
    before = await _sealed_by(database)
    await database.keys.provider.rotate()
    pages: list[int] = []
    await rotate_keys(database, identities, new_key=False, page=3, advance=lambda: pages.append(1))
    after = await _sealed_by(database)
    assert len(before) == len(after) == 1
    assert before != after
    assert len(pages) > 6
    assert await identities.name(people[3]) == "name 3"
    assert [item.number for item in await identities.documents(people[6])] == ["GBR/123456786"]
    # Nothing needs the old keys any more.
    assert set(await database.keys.wrapped()) == {await database.keys.provider.current()}


async def test_rotation_is_cut_off_and_goes_on(database: Database) -> None:
    identities = Identities(database, SECRET)
    await identities.people([[IdentityDocument("passport", f"GBR/12345678{number}")] for number in range(5)], ["n"] * 5)
    await database.keys.provider.rotate()
    assert await identities.seal_again("document:", 2)
    assert len(await _sealed_by(database)) == 2
    await rotate_keys(database, identities, new_key=False, page=2, advance=lambda: None)
    assert len(await _sealed_by(database)) == 1


async def test_documents_are_found_by_either_hash_and_move_to_the_one_that_is_set(database: Database) -> None:
    before = Identities(database, SECRET)
    key = await before.person([PAPER], "李小明")
    now = Identities(database, SECRET, KeyedHash.SM3)
    assert await now.person([PAPER]) == key
    assert await now.person([PAPER, OTHER_PAPER]) == key
    assert await before.person([OTHER_PAPER]) == key, "while processes are changed over, both find all"
    await rotate_keys(database, now, new_key=False, page=10, advance=lambda: None)

    hashes = await database.transaction(lambda session: list(session.exec(select(Document.hash))))
    assert len(hashes) == 2
    assert all(digest.startswith("sm3:") for digest in hashes)
    assert await before.person([PAPER]) == await now.person([OTHER_PAPER]) == key
    assert {item.number for item in await now.documents(key)} == {PAPER.number, OTHER_PAPER.number}


async def test_names_and_numbers_are_sealed_for_their_place(database: Database) -> None:
    identities = Identities(database, SECRET)
    one, other = await identities.person([PAPER], "李小明"), await identities.person([OTHER_PAPER], "韩梅梅")

    def swap(session: Session) -> None:
        first, second = session.get_one(PersonName, one), session.get_one(PersonName, other)
        first.ciphertext, second.ciphertext = second.ciphertext, first.ciphertext

    await database.transaction(swap)
    with pytest.raises(KeyMissing):
        await identities.name(one)


async def test_a_name_that_was_corrected_replaces_the_first(database: Database) -> None:
    identities = Identities(database, SECRET)
    key = await identities.person([PAPER], "李小名")
    assert await identities.person([PAPER], "李小明") == key
    assert await identities.person([PAPER]) == key, "whoever states no name takes none away"
    assert await identities.name(key) == "李小明"
    assert (await database.transaction(lambda session: len(list(session.exec(select(PersonName)))))) == 1


async def _sealed_by(database: Database) -> set[str]:
    def read(session: Session) -> set[str]:
        documents = session.exec(select(Document.sealed_by))
        return {*documents, *session.exec(select(PersonName.sealed_by))}

    return await database.transaction(read)
