"""The registry on real SQLite and PostgreSQL: what is recorded once, what is known when, whose document it is."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session

from adapters.registry.database import Database, connect_registry
from adapters.registry.feeds import Feeds
from adapters.registry.identities import Identities
from adapters.registry.ledger import Ledger
from adapters.registry.reader import Reader
from adapters.registry.tables import Feed
from domain.bilingual import Text
from domain.errors import ConfigurationError, Refused, Unavailable
from domain.identity_documents import IdentityDocument
from domain.life import Conclusion, CoverageChange, EffectKind, Interval, OpenQuestion, Record, Slot, SlotState
from domain.status import Status
from tests.keys import RING
from tests.registries import Registries

SECRET = b"s" * 32
FACT = '{{"type":"hukou_registered","on":"2017-02-0{}"}}'
LEVY = (
    '{"scheme":"resident","area":"130925","plan_year":2017,"part":"basic","basis":"individual",'
    '"amount":"150","due":"2017-05-31"}'
)
WHY = Text("原因", "reason")


def _record(after: int, sequence: int, day: date, *cover: CoverageChange, **more: object) -> Record:
    fields: dict[str, object] = {
        "person": "p1",
        "after": after,
        "sequence": sequence,
        "recorded_on": day,
        "status": Status.ENROLLED,
        "area": "130925",
        "facts": {f"f{sequence}": FACT.format(sequence)},
        "coverage": list(cover),
        "conclusions": [Conclusion(id=f"c{sequence}", rule="r", outcome=WHY, as_of=day, sources=["a"])],
        "parked": [OpenQuestion(question="fee", because=WHY)],
        "slots": {"levy/x": Slot(kind=EffectKind.LEVY, digest="d", generation=3, state=SlotState.DONE)},
    }
    return Record.model_validate({**fields, **more})


def _cover(starts: date, ends: date | None) -> Interval:
    name = f"{starts} {ends}"
    return Interval(id=name, scheme="resident", area="130925", starts=starts, ends=ends, because=WHY)


def _added(interval: Interval) -> CoverageChange:
    return CoverageChange(added=interval)


def _gone(interval: Interval) -> CoverageChange:
    return CoverageChange(gone=interval.id)


YEAR = _cover(date(2017, 1, 1), date(2017, 12, 31))
HALF = _cover(date(2017, 7, 1), date(2017, 12, 31))


async def test_a_repeat_writes_nothing_and_gets_the_same_answer(database: Database) -> None:
    ledger = Ledger(database)
    record = _record(0, 1, date(2017, 3, 1), _added(YEAR))
    first = await ledger.record(record)
    answers = await asyncio.gather(*(ledger.record(record) for _ in range(5)))
    assert answers == [first] * 5
    assert not first.ahead
    known = await ledger.read("p1")
    assert known.sequence == 1
    assert known.facts == {"f1": FACT.format(1)}
    assert known.known_conclusions == ["c1"]
    assert known.slots["levy/x"].generation == 3
    assert await ledger.coverage("p1") == [YEAR]


async def test_a_record_that_does_not_follow_the_last_one_is_not_taken(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.record(_record(0, 1, date(2017, 3, 1), _added(YEAR)))
    late = await ledger.record(_record(0, 2, date(2017, 3, 2), _added(HALF)))
    assert late.ahead
    assert late.sequence == 1
    skipped = await ledger.record(_record(4, 5, date(2017, 3, 2), _added(HALF)))
    assert skipped.ahead
    other = await ledger.record(_record(0, 1, date(2017, 3, 9), _added(HALF)))
    assert other.ahead, "another record with the same sequence is no repeat"
    assert await ledger.coverage("p1") == [YEAR]


async def test_what_was_known_on_an_earlier_day_stays_readable(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.record(_record(0, 1, date(2017, 3, 1), _added(HALF)))
    await ledger.record(_record(1, 2, date(2017, 8, 8), _gone(HALF), _added(YEAR)))
    assert await ledger.coverage("p1") == [YEAR]
    assert await ledger.coverage("p1", known_on=date(2017, 8, 7)) == [HALF]
    assert await ledger.coverage("p1", known_on=date(2017, 8, 8)) == [YEAR]
    assert await ledger.coverage("p1", known_on=date(2017, 2, 28)) == []


async def test_the_database_itself_refuses_cover_twice_on_a_day(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.record(_record(0, 1, date(2017, 3, 1), _added(YEAR)))
    elsewhere = HALF.model_copy(update={"id": "x", "scheme": "employee", "area": "450100"})
    with pytest.raises(Refused, match="no_two_covers_at_once"):
        await ledger.record(_record(1, 2, date(2017, 3, 2), _added(elsewhere)))
    assert (await ledger.read("p1")).sequence == 1, "nothing of it was written"
    part = elsewhere.model_copy(update={"share": "0.5"})
    assert not (await ledger.record(_record(1, 2, date(2017, 3, 2), _added(part)))).ahead
    outpatient = elsewhere.model_copy(update={"id": "y", "service": "outpatient"})
    assert not (await ledger.record(_record(2, 3, date(2017, 3, 3), _added(outpatient)))).ahead
    moved = (_gone(YEAR), _added(elsewhere))
    assert not (await ledger.record(_record(3, 4, date(2017, 3, 4), *moved))).ahead


async def test_what_a_life_states_stands_in_tables_of_its_own(database: Database) -> None:
    ledger, reader = Ledger(database), Reader(database)
    facts = {
        "r1": '{"type":"registered","on":"2017-02-01","scheme":"resident","plan_year":2017}',
        "p1": '{"type":"paid","on":"2017-02-03","scheme":"resident","plan_year":2017,"amount":"150"}',
    }
    levy = Slot(kind=EffectKind.LEVY, digest="d", payload=LEVY)
    wanted = {"facts": facts, "slots": {"levy/a": levy}, "senders": {"r1": "school"}}
    await ledger.record(_record(0, 1, date(2017, 2, 3), **wanted))
    assert await reader.open_levies("130000", 2017) == [], "it is paid"
    in_part = {"p9": '{"type":"paid","on":"2017-02-04","scheme":"resident","plan_year":2018,"amount":"1"}'}
    part = Slot(kind=EffectKind.LEVY, digest="d", payload=LEVY.replace('"plan_year":2017', '"plan_year":2018'))
    await ledger.record(_record(0, 1, date(2017, 2, 4), person="p2", facts=in_part, slots={"levy/a": part}))
    assert [item.person for item in await reader.open_levies("130000", 2018)] == ["p2"], "a yuan pays for nothing"
    taken_back = {"p2": '{"type":"paid","on":"2017-02-03","scheme":"resident","corrects":"p1","withdrawn":true}'}
    await ledger.record(_record(1, 2, date(2017, 2, 9), facts=taken_back, slots={}))
    (open_levy,) = await reader.open_levies("130000", 2017)
    assert (open_levy.person, open_levy.amount, open_levy.due) == ("p1", 15000, date(2017, 5, 31))
    assert await reader.open_levies("130000", 2017, after=open_levy.key) == []
    assert await reader.open_levies("450000", 2017) == []
    dearer = levy.model_copy(update={"generation": 2, "payload": LEVY.replace("150", "180")})
    await ledger.record(_record(2, 3, date(2017, 2, 10), facts={}, slots={"levy/a": dearer}))
    assert [item.amount for item in await reader.open_levies("130925", 2017)] == [18000]
    gone = dearer.model_copy(update={"state": SlotState.WITHDRAWN, "payload": ""})
    await ledger.record(_record(3, 4, date(2017, 2, 11), facts={}, slots={"levy/a": gone}))
    assert await reader.open_levies("130925", 2017) == []
    history = await reader.history("p1")
    assert [(line.kind, line.what.en, line.by) for line in history if line.kind == "fact"] == [
        ("fact", "registered", "school"),
        ("fact", "paid", ""),
        ("fact", "paid", ""),
    ]


async def test_open_matters_are_listed_by_area_in_pages(database: Database) -> None:
    ledger, reader = Ledger(database), Reader(database)
    for name in ("a", "b", "c"):
        await ledger.record(_record(0, 1, date(2017, 2, 3), person=name, area="130925" if name != "b" else "450100"))
    first = await reader.open_matters("130000", limit=1)
    rest = await reader.open_matters("130000", after=first[-1].key)
    assert [(item.person, item.question) for item in [*first, *rest]] == [("a", "fee"), ("c", "fee")]
    await ledger.record(_record(1, 2, date(2017, 2, 4), person="a", parked=[]))
    assert [item.person for item in await reader.open_matters("130925")] == ["c"]
    assert [item.person for item in await reader.people("000000", after="a")] == ["b", "c"]


async def test_days_that_came_and_went_before_a_record_are_written_in_order(database: Database) -> None:
    """While the registry was away the life changed its mind twice about days that begin alike."""
    ledger = Ledger(database)
    shorter = _cover(YEAR.starts, date(2017, 6, 30))
    changes = (_added(YEAR), _gone(YEAR), _added(shorter), _gone(shorter), _added(YEAR))
    await ledger.record(_record(0, 1, date(2017, 3, 1), *changes))
    assert await ledger.coverage("p1") == [YEAR]
    await ledger.record(_record(1, 2, date(2017, 3, 2), _added(YEAR)))
    assert await ledger.coverage("p1") == [YEAR], "what holds already is not opened twice"


async def test_of_two_writers_one_is_told_to_read_first(database: Database) -> None:
    ledger = Ledger(database)
    answers = await asyncio.gather(
        ledger.record(_record(0, 1, date(2017, 3, 1), _added(YEAR))),
        ledger.record(_record(0, 1, date(2017, 3, 1), _added(HALF))),
    )
    assert sorted(answer.ahead for answer in answers) == [False, True]


async def test_lives_are_found_where_they_belong_and_where_they_were_covered(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.record(_record(0, 1, date(2017, 3, 1), _added(YEAR), person="moved", area="450100"))
    await ledger.record(_record(0, 1, date(2017, 3, 1), person="new", area="130925"))
    await ledger.record(_record(0, 1, date(2017, 3, 1), person="other", area="450100"))
    assert await ledger.people("130925") == ["moved", "new"]
    assert await ledger.people("130000", after="moved") == ["new"]
    assert await ledger.people("450000") == ["moved", "other"]
    assert await ledger.people("000000", limit=2) == ["moved", "new"]


async def test_an_unknown_person_is_empty(database: Database) -> None:
    ledger = Ledger(database)
    assert (await ledger.read("nobody")).sequence == 0
    assert await ledger.standing("nobody") is None


async def test_a_half_written_record_is_undone(database: Database) -> None:
    def fail(session: Session) -> None:
        session.add(Feed(name="x", cursor="1"))
        session.flush()
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        await database.transaction(fail)
    assert await Feeds(database).position("x") == 0


async def test_a_registry_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    database = connect_registry(f"sqlite:///{tmp_path / 'nowhere' / 'registry.db'}", RING)
    with pytest.raises(Unavailable):
        await Ledger(database).read("p1")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        await connect_registry(f"sqlite:///{tmp_path / 'file' / 'registry.db'}", RING).prepare()


async def test_a_database_of_somebody_else_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE coverage (id INTEGER PRIMARY KEY, person TEXT)")
    database = connect_registry(f"sqlite:///{file}", RING)
    with pytest.raises(ConfigurationError, match="no release of the registry made"):
        await database.prepare()
    await database.close()


async def test_feeds_never_go_back(database: Database) -> None:
    feeds = Feeds(database)
    await feeds.advance("tax", 7)
    await feeds.advance("tax", 5)
    assert await feeds.position("tax") == 7


# -- identity -------------------------------------------------------------------------------------------------------

CERTIFICATE = IdentityDocument("birth_certificate", "T210000001")
TWIN = IdentityDocument("birth_certificate", "T210000002")
ID_NUMBER = IdentityDocument("id_number", "130925201703010018")


async def test_first_contact_from_many_sides_makes_one_person(database: Database) -> None:
    desks = [Identities(database, SECRET) for _ in range(8)]
    keys = await asyncio.gather(*(desk.person([CERTIFICATE]) for desk in desks))
    assert len(set(keys)) == 1


async def test_a_provisional_identity_is_joined_with_the_id_number(database: Database) -> None:
    identities = Identities(database, SECRET)
    key = await identities.person([CERTIFICATE])
    assert await identities.person([ID_NUMBER, CERTIFICATE]) == key
    assert await identities.person([ID_NUMBER]) == key
    assert await identities.person([TWIN]) != key


async def test_documents_of_two_people_are_never_joined_by_a_file(database: Database) -> None:
    identities = Identities(database, SECRET)
    await identities.person([CERTIFICATE])
    await identities.person([TWIN])
    with pytest.raises(Refused, match="two people"):
        await identities.person([CERTIFICATE, TWIN])


async def test_no_number_stands_in_the_database(database: Database, tmp_path: Path) -> None:
    await Identities(database, SECRET).person([CERTIFICATE, ID_NUMBER])
    await database.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for document in (CERTIFICATE, ID_NUMBER):
        assert document.number.encode() not in stored
        assert document.number not in repr(document)


async def test_another_secret_makes_other_keys(
    database: Database, registries: Registries, dialect: str, tmp_path: Path
) -> None:
    other = await registries.opened(dialect, tmp_path, "other.db")
    keys = [await Identities(database, SECRET).person([CERTIFICATE])]
    keys.append(await Identities(other, b"t" * 32).person([CERTIFICATE]))
    assert keys[0] != keys[1]
