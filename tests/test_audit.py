"""The audit journal: whole while nobody touches it, and broken by whoever changes, adds or takes out a line."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from adapters.registry.audit import AuditJournal, Way
from adapters.registry.database import Database
from domain.errors import KeyMissing
from tests.keys import RING, RingInMemory


async def _lines(database: Database, count: int = 5) -> AuditJournal:
    audit = AuditJournal(database)
    for number in range(count):
        await audit.write(f"clerk-{number}", "decode", person=f"p{number}", way=Way.CODEC, reason="because" * number)
    return audit


async def _do(database: Database, statement: str) -> None:
    await database.transaction(lambda session: session.connection().execute(text(statement)) and None)


async def test_a_journal_that_nobody_touched_is_whole(database: Database) -> None:
    audit = AuditJournal(database)
    assert await audit.verify() == await audit.verify()
    assert (await audit.verify()).lines == 0
    await _lines(database)
    found = await audit.verify()
    assert (found.lines, found.broken) == (5, "")
    assert len(found.end) == 64
    await audit.write("clerk-7", "read timeline", person="p1", refused="no right")
    later = await audit.verify(found.end)
    assert (later.lines, later.broken) == (6, "")
    (last, *_) = await audit.lines(limit=1)
    assert (last.sender, last.act, last.person, last.outcome, last.because) == (
        "clerk-7",
        "read timeline",
        "p1",
        "refused",
        "no right",
    )


async def test_many_who_write_at_once_make_one_chain(database: Database) -> None:
    audits = [AuditJournal(database) for _ in range(8)]
    await asyncio.gather(*(audit.write(f"clerk-{n}", "decode") for n, audit in enumerate(audits * 5)))
    found = await audits[0].verify()
    assert (found.lines, found.broken) == (40, "")


@pytest.mark.parametrize(
    ("statement", "because"),
    [
        ("UPDATE audit SET sender = 'nobody' WHERE person = 'p2'", "was changed"),
        ("UPDATE audit SET at = '2020-01-01' WHERE person = 'p0'", "was changed"),
        ("UPDATE audit SET person = 'p9' WHERE person = 'p4'", "was changed"),
        ("UPDATE audit SET outcome = 'refused' WHERE person = 'p1'", "was changed"),
        ("UPDATE audit SET reason = '' WHERE person = 'p3'", "was changed"),
        ("UPDATE audit SET because = 'x' WHERE person = 'p3'", "was changed"),
        ("UPDATE audit SET way = 'console' WHERE person = 'p3'", "was changed"),
        ("UPDATE audit SET act = 'encode' WHERE person = 'p3'", "was changed"),
        ("UPDATE audit SET digest = '' WHERE person = 'p2'", "was changed"),
        ("DELETE FROM audit WHERE person = 'p0'", "was changed, or one before it was taken out"),
        ("DELETE FROM audit WHERE person = 'p2'", "was changed, or one before it was taken out"),
        ("DELETE FROM audit WHERE person = 'p4'", "the last 1 lines are missing"),
        ("DELETE FROM audit", "the last 5 lines are missing"),
        ("DELETE FROM audit_head", "the end of the chain is missing"),
        ("UPDATE audit SET digest = ''", "before the chain was changed, added or taken out"),
        ("UPDATE audit_head SET number = 4", "the end of the chain was changed"),
        ("UPDATE audit_head SET earlier = 1", "the end of the chain was changed"),
        (
            "INSERT INTO audit (at, sender, act, person, outcome, because, way, reason, digest) "
            "VALUES ('2026-11-22', 'x', 'decode', 'p5', 'done', '', 'api', '', '')",
            "a line of before the chain was changed, added or taken out",
        ),
        (
            "INSERT INTO audit (at, sender, act, person, outcome, because, way, reason, digest) "
            "SELECT at, sender, act, person, outcome, because, way, reason, digest FROM audit WHERE person = 'p4'",
            "was changed",
        ),
    ],
)
async def test_whoever_touches_it_breaks_it(database: Database, statement: str, because: str) -> None:
    audit = await _lines(database)
    await _do(database, statement)
    found = await audit.verify()
    assert because in found.broken


async def test_an_older_state_that_was_put_back_is_found_by_the_end_that_was_noted(database: Database) -> None:
    audit = await _lines(database)
    head = text("SELECT * FROM audit_head")
    row = await database.transaction(lambda session: session.connection().execute(head).one())
    await audit.write("clerk-7", "decode", person="p5")
    noted = (await audit.verify()).end
    await _do(database, "DELETE FROM audit WHERE person = 'p5'")
    back = f"number = {row.number}, digest = '{row.digest}', sealed = '{row.sealed}'"
    await _do(database, f"UPDATE audit_head SET {back}")
    assert (await audit.verify()).broken == ""
    assert "an older state was put back" in (await audit.verify(noted)).broken


async def test_a_journal_that_was_made_anew_is_found_by_the_end_that_was_noted(database: Database) -> None:
    audit = await _lines(database)
    noted = (await audit.verify()).end
    await _do(database, "DELETE FROM audit_head")
    await _do(database, "UPDATE audit SET digest = '', sender = 'nobody'")
    assert "missing" in (await audit.verify()).broken
    await audit.write("clerk-7", "decode")
    assert "made anew" in (await audit.verify(noted)).broken


async def test_a_chain_that_was_begun_anew_says_so(database: Database) -> None:
    audit = await _lines(database)
    await _do(database, "DELETE FROM audit_head")
    await audit.write("clerk-7", "decode")
    assert (await audit.verify()).broken


async def test_lines_that_come_while_it_is_verified_are_no_fault(database: Database) -> None:
    audit, writing = await _lines(database, 30), AuditJournal(database)

    async def write() -> None:
        for number in range(20):
            await writing.write(f"clerk-{number}", "decode")

    busy = asyncio.create_task(write())
    while not busy.done():
        assert (await audit.verify()).broken == ""
    assert (await audit.verify()).lines == 50


async def test_words_that_would_break_a_line_are_replaced(database: Database) -> None:
    audit = AuditJournal(database)
    await audit.write("clerk\n7", "decode", reason="a\x1b[2Jb\ud800c 原因")
    (line,) = await audit.lines()
    assert (line.sender, line.reason) == ("clerk?7", "a?[2Jb?c 原因")
    assert (await audit.verify()).broken == ""


async def test_lines_of_releases_before_the_chain_are_sealed_by_the_first_line_of_it(database: Database) -> None:
    early = (
        "INSERT INTO audit (at, sender, act, person, outcome, because) "
        "VALUES ('2026-10-01', 'county-bureau', 'read open', '', 'done', '')"
    )
    await _do(database, early)
    await _do(database, early)
    audit = await _lines(database, 2)
    found = await audit.verify()
    assert (found.lines, found.broken) == (4, "")
    await _do(database, "DELETE FROM audit WHERE id = 1")
    assert "before the chain" in (await audit.verify()).broken


async def test_the_chain_outlives_rotation_and_needs_its_key(database: Database) -> None:
    ring = RingInMemory()
    database.keys.provider, before = ring, database.keys.provider
    try:
        audit = await _lines(database, 2)
        await ring.rotate()
        await audit.write("clerk-7", "decode")
        await database.keys.rewrap(("", ""), 10)
        found = await audit.verify()
        assert (found.lines, found.broken) == (3, "")
    finally:
        database.keys.provider = before
    assert before is RING
    database.keys._held.clear()  # as a process that has just started
    with pytest.raises(KeyMissing):
        await audit.verify()
