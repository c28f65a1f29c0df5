"""Who is whom: the golden set of matching, first contact from many sides at once, and keys that are one by decision."""

from __future__ import annotations

import asyncio
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from adapters.registry.database import Contradiction, Database, connect_registry
from adapters.registry.identities import Identities
from adapters.registry.key_merges import KeyMerges
from adapters.registry.people_tables import Document
from adapters.registry.senders import SenderPeople
from demo.make_samples import id_number
from domain.errors import ContractError, Refused
from domain.identity_documents import IdentityDocument, read_documents
from domain.yaml_reader import Document as Yaml
from tests.keys import RING
from tests.registries import Registries

TODAY = date(2026, 11, 22)
SECRET = b"g" * 32
NUMBERS = {
    "m": {"kind": "id_number", "number": id_number("1994-05-02", 128)},
    "child": id_number("2026-11-01", 12),
    "namesake": id_number("2026-11-01", 34),
    "card": id_number("1980-06-01", 12, "931000"),
}
GOLDEN: list[dict[str, Any]] = Yaml(
    (Path(__file__).parent / "identity" / "golden.yaml").read_text(encoding="utf-8")
).value


def _documents(given: list[dict[str, Any]]) -> list[IdentityDocument]:
    def value(of: Any) -> Any:
        return str(of) if isinstance(of, date) else NUMBERS.get(of, of) if isinstance(of, str) else of

    named = [{field: value(content) for field, content in item.items()} for item in given]
    return read_documents(named, TODAY)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
async def test_the_golden_set_of_matching(database: Database, case: dict[str, Any]) -> None:
    identities = Identities(database, SECRET)
    keys: dict[str, str] = {}
    for given, expected in zip(case["given"], case["people"], strict=True):
        try:
            found = await identities.person(_documents(given))
        except ContractError:
            found = "broken"
        except Refused:
            found = "refused"
        if expected in ("broken", "refused"):
            assert found == expected
        else:
            assert keys.setdefault(expected, found) == found
    assert len(set(keys.values())) == len(keys)


async def test_first_contact_from_many_sides_at_once_makes_one_person(
    dialect: str, registries: Registries, tmp_path: Path
) -> None:
    """Eight desks with connections of their own meet children for the first time, each with a part of their papers."""
    address = await registries.new(dialect, tmp_path)
    databases = [connect_registry(address, RING) for _ in range(8)]
    for database in databases:
        await database.prepare()
    chance = random.Random(5)
    for number in range(1, 16):
        papers = [
            IdentityDocument("birth_certificate", f"T1300001{number:02d}"),
            IdentityDocument("passport", f"GBR/5550000{number:02d}"),
            IdentityDocument("provisional", f"130925/77{number:02d}"),
        ]
        # Everybody shows the certificate, in any order with the others: nobody can take them for two people.
        shown = [[papers[0], *chance.sample(papers[1:], chance.randint(0, 2))] for _ in range(8)]
        for papers_shown in shown:
            chance.shuffle(papers_shown)
        desks = [Identities(database, SECRET) for database in databases]
        keys = await asyncio.gather(*(desk.person(held) for desk, held in zip(desks, shown, strict=True)))
        assert len(set(keys)) == 1
    for database in databases:
        await database.close()


async def test_two_pages_with_the_same_people_in_other_orders_do_not_wait_for_each_other(database: Database) -> None:
    people = [[IdentityDocument("birth_certificate", f"T13000{number:04d}")] for number in range(1, 200)]
    desks = [Identities(database, SECRET) for _ in range(4)]
    orders = [random.Random(seed).sample(people, len(people)) for seed in range(4)]
    found = await asyncio.gather(*(desk.people(order) for desk, order in zip(desks, orders, strict=True)))
    by_document = [
        {documents[0].number: key for documents, key in zip(order, keys, strict=True)}
        for order, keys in zip(orders, found, strict=True)
    ]
    assert all(keys == by_document[0] for keys in by_document)
    assert len(set(by_document[0].values())) == len(people)


async def test_the_database_itself_holds_one_certificate_per_person(database: Database) -> None:
    def twice(session: Any) -> None:
        session.add(Document(hash="a", kind="birth_certificate", person="p"))
        session.add(Document(hash="b", kind="birth_certificate", person="p"))

    with pytest.raises(Contradiction):
        await database.transaction(twice)


async def test_two_keys_are_one_person_by_decision_and_two_again_by_another(database: Database) -> None:
    identities, merges = Identities(database, SECRET), KeyMerges(database)
    one = await identities.person([IdentityDocument("passport", "GBR/123456789")])
    other = await identities.person([IdentityDocument("passport", "GBR/987654321")])
    both = [IdentityDocument("passport", "GBR/123456789"), IdentityDocument("passport", "GBR/987654321")]
    with pytest.raises(Refused, match="a person must decide"):
        await identities.person(both)
    await merges.merge(one, other, TODAY, "clerk-7", "renewed passport")
    await merges.merge(one, other, TODAY, "clerk-7", "renewed passport")
    assert await merges.canonical(one) == other
    assert await identities.person([both[0]]) == other
    assert await identities.person(both) == other
    with pytest.raises(Refused, match="part those first"):
        await merges.merge(other, one, TODAY, "clerk-7", "the other way round")
    third = await identities.person([IdentityDocument("passport", "FRA/123456789")])
    for pair in ((one, third), (third, one), (other, third)):
        with pytest.raises(Refused, match="part those first"):
            await merges.merge(*pair, TODAY, "clerk-7", "a third")
    assert await merges.part(one, TODAY, "clerk-8", "two people after all") == other
    assert await identities.person([both[0]]) == one
    with pytest.raises(Refused, match="not merged"):
        await merges.part(third, TODAY, "clerk-8", "never merged")
    assert [item.parted_on for item in await merges.history(one)] == [TODAY]
    with pytest.raises(Refused, match="no person"):
        await merges.merge("nobody", one, TODAY, "clerk-7", "typing error")


async def test_what_was_shown_while_two_keys_were_one_stays_with_the_one_it_was_shown_with(database: Database) -> None:
    identities, merges, people = Identities(database, SECRET), KeyMerges(database), SenderPeople(database)
    passports = [IdentityDocument("passport", f"GBR/55500000{number}") for number in range(2)]
    numbers = [IdentityDocument("id_number", id_number("1980-01-01", serial)) for serial in (11, 22)]
    one, other = [await identities.person([passport]) for passport in passports]
    await people.claim("school", [one], TODAY)
    await merges.merge(one, other, TODAY, "clerk-7", "one person")
    assert await people.owned("school", [other]) == {other}
    assert await identities.person([passports[0], numbers[0]]) == other
    with pytest.raises(Refused, match="another id_number"):
        await identities.person([passports[1], numbers[1]])
    await merges.part(one, TODAY, "clerk-7", "two people")
    assert await merges.part(one, TODAY, "clerk-7", "two people") == other
    assert await identities.person([passports[0], numbers[0]]) == one
    assert await identities.person([passports[1], numbers[1]]) == other
    assert await people.owned("school", [one, other]) == {one}


async def test_of_two_decisions_about_one_key_at_once_one_stands(
    dialect: str, registries: Registries, tmp_path: Path
) -> None:
    address = await registries.new(dialect, tmp_path)
    databases = [connect_registry(address, RING) for _ in range(2)]
    for database in databases:
        await database.prepare()
    for number in range(8):
        papers = [[IdentityDocument("passport", f"GBR/7{number}000{place}")] for place in range(3)]
        keys = [await Identities(databases[0], SECRET).person(held) for held in papers]
        said = await asyncio.gather(
            KeyMerges(databases[0]).merge(keys[0], keys[1], TODAY, "a", "a"),
            KeyMerges(databases[1]).merge(keys[1], keys[2], TODAY, "b", "b"),
            return_exceptions=True,
        )
        assert sum(isinstance(item, Refused) for item in said) == 1
    for database in databases:
        await database.close()
