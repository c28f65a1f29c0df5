"""Notices, the key secret, settings, and the documents made from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.notices import NoticeLog
from adapters.secrets import load_or_create
from adapters.settings import load_settings
from cli.configuration import describe_settings
from domain.errors import ConfigurationError, Unavailable

PAYLOAD = '{"to":"guardian","matter":"newborn_reminder"}'


async def test_a_notice_is_written_once_also_by_another_process(tmp_path: Path) -> None:
    file = tmp_path / "notices.jsonl"
    for log in (NoticeLog(file), NoticeLog(file)):
        await log.send("p:notice:1", "p", PAYLOAD, correction=False)
        await log.send("p:notice:1", "p", PAYLOAD, correction=True)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(line["key"], line["correction"]) for line in lines] == [
        ("p:notice:1", False),
        ("p:notice:1:correction", True),
    ]


async def test_a_line_that_a_crash_cut_short_is_written_again(tmp_path: Path) -> None:
    file = tmp_path / "notices.jsonl"
    file.write_text('{"key": "p:notice:1", "per\n', encoding="utf-8")
    await NoticeLog(file).send("p:notice:1", "p", PAYLOAD, correction=False)
    assert json.loads(file.read_text(encoding="utf-8").splitlines()[1])["key"] == "p:notice:1"


async def test_a_notice_log_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = NoticeLog(tmp_path / "file" / "notices.jsonl")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        log.check()
    with pytest.raises(Unavailable):
        await log.send("k", "p", PAYLOAD, correction=False)


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "person-key.secret"
    secret = load_or_create(file)
    assert len(secret) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_or_create(file) == secret
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_or_create(file)
    file.chmod(0o600)
    file.write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="damaged"):
        load_or_create(file)


def test_settings_come_from_the_environment_and_unknown_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANBAO_CACHED_LIVES", "5")
    assert load_settings().cached_lives == 5
    monkeypatch.setenv("CANBAO_CACHED_LIVES", "none")
    with pytest.raises(ConfigurationError, match="CANBAO_CACHED_LIVES cannot be used"):
        load_settings()
    monkeypatch.delenv("CANBAO_CACHED_LIVES")
    monkeypatch.setenv("CANBAO_CASHED_LIVES", "5")
    with pytest.raises(ConfigurationError, match="CANBAO_CASHED_LIVES is not a setting"):
        load_settings()


def test_the_settings_document_is_that_of_the_code() -> None:
    file = Path(__file__).parent.parent / "docs" / "configuration.md"
    assert file.read_text(encoding="utf-8") == describe_settings(), "run ./do docs"
