"""The search for personal data finds it where it leaks; `test_console` has it find nothing in a sealed run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.byte_search import forms, people_of_the_demonstration, stores, traces

NAME, NUMBER = "李小明", "130925198004040019"


@pytest.mark.parametrize("words", [NAME, NUMBER])
@pytest.mark.parametrize("before", range(4))
def test_every_form_is_found(words: str, before: int, tmp_path: Path) -> None:
    file = tmp_path / "somewhere"
    for name, form in forms(words):
        file.write_bytes(os.urandom(1000) + b"x" * before + form + os.urandom(1000))
        assert name in traces([file], [words]).get("somewhere", set()), name
    file.write_bytes(os.urandom(100_000))
    assert traces([file], [words]) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("before", range(6))
def test_base64_is_found_wherever_the_words_begin(encoding: str, before: int, tmp_path: Path) -> None:
    import base64

    file = tmp_path / "somewhere"
    for words in (NAME, NUMBER):
        file.write_bytes(base64.b64encode(b"\xff" * before + words.encode(encoding) + b"\xff" * 7))
        assert f"base64 of {encoding}" in traces([file], [words])["somewhere"]


def test_the_roster_has_names_and_numbers_to_look_for() -> None:
    people = people_of_the_demonstration()
    assert len([words for words in people if words.isascii()]) > 60
    assert len([words for words in people if not words.isascii()]) > 60


@pytest.mark.timeout(170)
def test_a_leaky_build_is_found_out_in_every_store(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.leaky_build", "demo", "--exit", "--data", str(tmp_path)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={**os.environ, "CANBAO_PLAIN_PAYLOADS": "true"},
    )
    assert done.returncode == 0, done.stderr
    found = traces(stores(tmp_path), people_of_the_demonstration())
    for file in ("registry.db", "canbao.log", "metrics.txt"):
        assert "utf-8" in found[file], file
    assert "utf-8" in found.get("temporal.db", set()) | found.get("temporal.db-wal", set())
