"""Keys, the audit journal and the codec server from the console, as whoever keeps the system uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.registry.audit import AuditJournal, Way
from adapters.registry.database import open_registry
from adapters.registry.identities import Identities
from adapters.secrets import load_or_create
from adapters.settings import Settings
from domain.identity_documents import IdentityDocument
from tests.test_console import canbao

PAPER = IdentityDocument("birth_certificate", "T130000017")


async def _registry(folder: Path) -> str:
    """A registry in a data folder with one person in it; the key."""
    settings = Settings(data=folder)
    database = open_registry(settings)
    await database.prepare()
    try:
        key = await Identities(database, load_or_create(settings.secret_file)).person([PAPER], "李小明")
        await AuditJournal(database).write("clerk-7", "decode", person=key, way=Way.CODEC)
    finally:
        await database.close()
    return key


async def test_keys_are_rotated_and_the_journal_stays_whole(tmp_path: Path) -> None:
    key = await _registry(tmp_path)
    data = {"CANBAO_DATA": str(tmp_path)}
    first = json.loads((tmp_path / "key-ring.json").read_text(encoding="utf-8"))["keys"][0]["id"]
    rotated = canbao("keys", "rotate", **data)
    assert rotated.returncode == 0, rotated.stderr
    listed = canbao("keys", "list", **data)
    assert first in listed.stdout
    current = rotated.stdout.split()[-1]
    assert f"{current} (current)  3" in listed.stdout, listed.stdout  # the old registry key, the new one, the journal's
    shown = canbao("audit", "show", "--person", key, **data)
    assert f"codec  clerk-7  decode  {key}  done" in shown.stdout
    assert "李小明" not in shown.stdout
    verified = canbao("audit", "verify", **data)
    assert (verified.returncode, "3 lines" in verified.stdout) == (0, True), verified.stdout
    refused = canbao("audit", "verify", "--expect", "0" * 64, **data)
    assert (refused.returncode, "older state" in refused.stdout) == (1, True)
    (tmp_path / "key-ring.json").chmod(0o644)
    open_to_others = canbao("keys", "list", **data)
    assert (open_to_others.returncode, "can be read by others" in open_to_others.stderr) == (2, True)
    (tmp_path / "key-ring.json").unlink()
    lost = canbao("keys", "rotate", **data)
    assert (lost.returncode, "is missing" in lost.stderr) == (2, True)
    assert not (tmp_path / "key-ring.json").exists()


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (["codec", "--token-in-path", "--host", "0.0.0.0"], "--token-in-path is for this machine only"),
        (
            ["codec", "break-glass", "KEY", "--reason", "r", "--token", "t", "--server", "http://127.0.0.1:1"],
            "codec server",
        ),
        (["codec", "--ui", "https://temporal.example/ui"], "is no origin"),
        (["codec", "--ui", "*"], "is no origin"),
        (["keys", "erase", "KEY", "--actor", "a", "--approved-by", " A ", "--basis", "PIPL 47"], "a second person"),
        (["keys", "erase", "KEY", "--actor", "a", "--approved-by", "b", "--basis", "x"], "document and article"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], because: str, tmp_path: Path) -> None:
    done = canbao(*arguments, CANBAO_DATA=str(tmp_path))
    assert done.returncode == 2
    assert because in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_operators_that_are_not_there(tmp_path: Path) -> None:
    done = canbao("codec", "--port", "0", CANBAO_DATA=str(tmp_path), CANBAO_OPERATORS=str(tmp_path / "none.yaml"))
    assert done.returncode == 2
    assert "there is no list of operators" in done.stderr
