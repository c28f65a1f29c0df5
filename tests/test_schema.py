"""The registry's schema: from every release to this one, on both databases, and where it has drifted."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from adapters.registry.database import connect_registry
from adapters.registry.identities import Identities
from adapters.registry.ledger import Ledger
from adapters.registry.reader import Reader
from adapters.registry.schema import Schema
from domain.errors import ConfigurationError, Unavailable
from domain.identity_documents import IdentityDocument
from domain.life import SlotState
from sandbox.processes import program
from tests.keys import RING
from tests.registries import Registries

FIRST = Path(__file__).parent / "registry_versions" / "first.sql"
LEVY = "levy/resident/130925/2017/basic"


async def _first_release(dialect: str, registries: Registries, folder: Path) -> str:
    """A registry as the first release left it, which knew SQLite only; its rows on PostgreSQL stand for it there."""
    with closing(sqlite3.connect(folder / "first.db")) as connection:
        connection.executescript(FIRST.read_text(encoding="utf-8"))
        if dialect == "sqlite":
            return f"sqlite:///{folder / 'first.db'}"
        connection.row_factory = sqlite3.Row
        names = ("person", "document", "journal", "coverage", "decision", "feed")
        rows = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}
    address = await registries.empty(dialect, folder)

    def fill(schema: Schema) -> None:
        command.upgrade(schema._config(), "0001")
        schema.connection.execute(text("DROP TABLE alembic_version"))
        for name, content in rows.items():
            for row in content:
                row.pop("id", None)
                fields = ", ".join(f":{field}" for field in row)
                schema.connection.execute(text(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({fields})"), row)

    database = connect_registry(address, RING)
    await database.on_schema(fill)
    await database.close()
    return address


async def test_what_the_first_release_kept_goes_on(dialect: str, registries: Registries, tmp_path: Path) -> None:
    database = connect_registry(await _first_release(dialect, registries, tmp_path), RING)
    try:
        await database.on_schema(Schema.upgrade)
        assert await database.on_schema(Schema.drift) == []
        known = await Ledger(database).read("first1")
        assert list(known.facts) == ["b1", "r1", "p1", "p2", "p3"]
        assert known.slots[LEVY].state is SlotState.DONE
        assert known.known_conclusions == ["c1", "c2"]
        spans = [(span.starts, span.ends) for span in known.coverage]
        assert spans == [(date(2017, 1, 1), date(2017, 12, 31))]
        early = await Reader(database).coverage_on("first1", date(2017, 2, 1), known_on=date(2017, 3, 8))
        assert early == []
        assert await Reader(database).coverage_on("first1", date(2017, 2, 1), known_on=date(2017, 3, 9))
        money = await database.transaction(
            lambda session: (
                session.connection()
                .execute(text("SELECT fact_id, amount, superseded_on IS NULL FROM payment ORDER BY fact_id"))
                .all()
            )
        )
        assert [tuple(row) for row in money] == [("p1", 15000, True), ("p2", 3150, False)]
        certificate = IdentityDocument("birth_certificate", "T210000001")
        identities = Identities(database, b"s" * 32)
        key = await identities.person([certificate])
        assert await identities.documents(key) == [certificate], "a document is encrypted when it is seen again"
    finally:
        await database.close()


async def test_drift_is_found(dialect: str, registries: Registries, tmp_path: Path) -> None:
    database = await registries.opened(dialect, tmp_path)

    def change(schema: Schema) -> None:
        schema.connection.execute(text("ALTER TABLE feed ADD COLUMN note VARCHAR"))
        guard = {
            "sqlite": "DROP TRIGGER no_two_covers_at_once",
            "postgresql": "ALTER TABLE coverage DROP CONSTRAINT no_two_covers_at_once",
        }
        schema.connection.execute(text(guard[dialect]))

    await database.on_schema(change)
    found = await database.on_schema(Schema.drift)
    assert any("note" in line for line in found)
    assert any("no_two_covers_at_once" in line for line in found)
    assert len(found) == 2


async def test_a_server_is_upgraded_only_when_it_is_said(registries: Registries, tmp_path: Path) -> None:
    database = connect_registry(await registries.empty("postgresql", tmp_path), RING)
    with pytest.raises(ConfigurationError, match="canbao db upgrade"):
        await database.prepare()
    await database.on_schema(Schema.upgrade)
    await database.prepare()
    await database.close()


async def test_a_registry_of_a_newer_release_is_left_alone(
    dialect: str, registries: Registries, tmp_path: Path
) -> None:
    database = await registries.opened(dialect, tmp_path)
    await database.on_schema(
        lambda schema: schema.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )
    with pytest.raises(ConfigurationError, match="newer release"):
        await database.prepare()


async def test_a_server_that_is_away_is_unavailable() -> None:
    database = connect_registry("postgresql://nobody@127.0.0.1:1/none", RING)
    with pytest.raises(Unavailable, match="CANBAO_DATABASE_URL"):
        await database.prepare()
    with pytest.raises(Unavailable):
        await Ledger(database).read("p1")
    await database.close()


@pytest.mark.parametrize("address", ["mysql://x/y", "sqlite://", "nonsense", ""])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="postgresql://"):
        connect_registry(address, RING)


async def test_the_console_upgrades_and_checks(dialect: str, registries: Registries, tmp_path: Path) -> None:
    address = await registries.empty(dialect, tmp_path)
    environment = {**os.environ, "CANBAO_DATABASE_URL": address, "CANBAO_DATA": str(tmp_path), "LANG": "C"}

    def run(verb: str) -> subprocess.CompletedProcess[str]:
        command_line = [program("canbao"), "db", verb]
        return subprocess.run(command_line, capture_output=True, text=True, env=environment, timeout=60, check=False)

    before = run("check")
    assert (before.returncode, "schema (none)" in before.stdout) == (1, True), before.stderr
    assert "schema (none) → 0004" in run("upgrade").stdout
    assert "nothing to do" in run("upgrade").stdout
    assert run("check").stdout.endswith("no drift\n")
