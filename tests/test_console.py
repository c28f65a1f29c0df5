"""The console program as its users meet it: in their language, with one sentence where something cannot be done."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from adapters.settings import Settings
from cli.language import Speaker
from cli.main import VERBS, build
from domain.bilingual import Language
from sandbox.processes import free_port, program
from tests.byte_search import people_of_the_demonstration, stores, traces

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases" / "own.yaml"


def canbao(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [program("canbao"), *arguments],
        capture_output=True,
        text=True,
        timeout=80,
        env={**clean, "COLUMNS": "120", **environment},
        check=False,
    )


@pytest.mark.parametrize(
    "verb", [*VERBS, "person report", "person write-off", "case answer", "notice apply", "keys erase"]
)
def test_every_verb_has_help_in_both_languages(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for language in get_args(Language):
        # Within this process: to start one for each of them would take a minute.
        arguments = [*verb.split(), "--help"]
        build(Speaker(language), arguments)(arguments, standalone_mode=False)
        said[language] = capsys.readouterr().out
    assert re.search(r"[\u4e00-\u9fff]", said["zh"])
    assert not re.search(r"[\u4e00-\u9fff]", said["en"])


def test_the_program_itself_prints_its_help_in_either_language() -> None:
    chinese, english = canbao("--help", "--lang", "zh"), canbao("--help", "--lang=en")
    assert chinese.returncode == english.returncode == 0
    assert re.search(r"[\u4e00-\u9fff]", chinese.stdout)
    assert not re.search(r"[\u4e00-\u9fff]", english.stdout)


def test_the_locale_chooses_the_language() -> None:
    assert canbao("assess", "--help", LANG="zh_CN.UTF-8").stdout == canbao("assess", "--help", "--lang", "zh").stdout
    assert canbao("assess", "--help", LANG="C").stdout == canbao("assess", "--help", "--lang", "en").stdout


def test_assess_prints_what_follows_and_why() -> None:
    done = canbao("assess", str(CASES), "--lang", "zh")
    assert done.returncode == 0
    assert "2017-05-05 → 2017-12-31  居民医保 盐山县 (130925)" in done.stdout
    assert "依据" in done.stdout
    assert "S002:L337" in done.stdout


def test_assess_gives_json_and_the_exit_code_of_the_expectations(tmp_path: Path) -> None:
    done = canbao("assess", str(CASES), "--json")
    results = json.loads(done.stdout)
    assert done.returncode == 0
    assert results[0]["id"] == "newborn-late-paper"
    assert results[0]["mismatches"] == []
    assert results[0]["assessment"]["coverage"][0]["from"] == "2017-05-05"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("id: a\nas_of: 2017-01-01\nfacts: []\nexpect: {parked: [{question: fee}]}\n", encoding="utf-8")
    assert canbao("assess", str(wrong), "--json").returncode == 1


def test_packs_are_listed_shown_checked_and_compared() -> None:
    listed = canbao("packs", "list", "--lang", "zh")
    assert "130925/2017" in listed.stdout
    assert "盐山县" in listed.stdout
    shown = canbao("packs", "show", "130925", "--on", "2017-05-01", "--lang", "en")
    assert "newborn.act: register_and_pay" in shown.stdout
    assert "S002:L337" in shown.stdout
    assert "newborn.cross_year: the sources do not say" in shown.stdout
    checked = canbao("packs", "check", "--lang", "en")
    assert (checked.returncode, "every one has a source" in checked.stdout) == (0, True)
    changed = canbao("packs", "diff", "360000/2025", "360000/2026", "--lang", "en")
    assert "wait.unit: no longer stated (was anniversary_month)" in changed.stdout
    assert "newborn.free: now stated" in changed.stdout
    same = canbao("packs", "diff", "130925@2017-01-01", "130925/2017", "--lang", "zh")
    assert "不再规定" in same.stdout
    assert canbao("packs", "diff", "130925/2017", "130925/2017", "--lang", "en").stdout == "no difference\n"


def test_packs_that_are_due_for_review_are_named(tmp_path: Path) -> None:
    packs = ROOT / "policy" / "packs"
    shutil.copytree(packs, tmp_path / "packs")
    file = tmp_path / "packs" / "130925" / "2017.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("review_by: 2027-11-21", "review_by: 2026-01-01"), "utf-8")
    due = canbao("packs", "check", str(tmp_path / "packs"), "--lang", "en")
    assert due.returncode == 1
    assert "130925/2017: its sources were to be read again by 2026-01-01" in due.stdout
    file.write_text(file.read_text(encoding="utf-8").replace("register_and_pay", "whenever"), "utf-8")
    wrong = canbao("packs", "check", str(tmp_path / "packs"), "--lang", "en")
    assert wrong.returncode == 2
    assert "clauses.6.says.newborn.act" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["packs", "show", "13"], {}, "13 is no area code"),
        (["packs", "show", "130925", "--on", "1999-01-01"], {}, "no pack is in force"),
        (["packs", "show", "130925", "--on", "x"], {}, "x"),
        (["packs", "diff", "a", "b"], {}, "there is no pack a"),
        (["packs", "diff", "130925@x", "130925@y"], {}, "YYYY-MM-DD"),
        (["packs", "check", "/nowhere"], {}, "no policy packs are here"),
        (["assess", "nowhere.yaml"], {}, "nowhere.yaml: cannot be read: No such file"),
        (["assess"], {}, "file"),
        (["nonsense"], {}, "nonsense"),
        (["demo", "--port", "x"], {}, "integer"),
        (["--lang", "fr"], {}, "zh or en"),
        (["worker"], {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "no Temporal server answers at 127.0.0.1:1"),
        (["worker"], {"CANBAO_TAX_ADRESS": "x"}, "CANBAO_TAX_ADRESS is not a setting"),
        (["payments"], {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "no Temporal server answers"),
        (["import", "nowhere.csv"], {}, "nowhere.csv: cannot be read"),
        (["demo", "--data", "/proc/nowhere"], {}, "cannot be written"),
        (["tax-sandbox", "--data", "/proc/nowhere"], {}, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(
    arguments: list[str], environment: dict[str, str], sentence: str
) -> None:
    done = canbao(*arguments, **environment)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_what_cannot_be_done_is_said_in_the_readers_language() -> None:
    done = canbao("worker", "--lang", "zh", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert done.returncode == 2
    assert "没有 Temporal 服务器答复" in done.stderr


@pytest.mark.parametrize("option", ["--port", "--ui-port", "--tax-port", "--codec-port"])
def test_a_port_in_use_is_named(option: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = canbao("demo", "--exit", "--data", str(tmp_path), option, port)
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_do_lists_its_verbs_and_refuses_others() -> None:
    listing = subprocess.run([str(ROOT / "do")], capture_output=True, text=True, timeout=20, check=False)
    assert listing.returncode == 0
    for verb in ("demo", "test", "lint", "format", "bench", "worker", "bundle"):
        assert f"  {verb} " in listing.stdout
    helped = subprocess.run(
        [str(ROOT / "do"), "lint", "--help"], capture_output=True, text=True, timeout=20, check=False
    )
    assert helped.stdout == listing.stdout
    assert "检查" in helped.stdout
    nowhere = subprocess.run([str(ROOT / "do"), "bundle"], capture_output=True, text=True, timeout=60, check=False)
    assert (nowhere.returncode, "name the folder: ./do bundle DIR" in nowhere.stderr) == (2, True)
    wrong = subprocess.run([str(ROOT / "do"), "dmeo"], capture_output=True, text=True, timeout=20, check=False)
    assert wrong.returncode == 2


def test_a_short_command_never_aborts_at_exit(temporal_address: str, namespace: str, tmp_path: Path) -> None:
    """On CPython 3.11 the engine's threads can abort the interpreter after all work was done."""
    environment = {"TEMPORAL_ADDRESS": temporal_address, "TEMPORAL_NAMESPACE": namespace, "CANBAO_DATA": str(tmp_path)}
    broken = tmp_path / "broken.csv"
    broken.write_text("事项,发生日期\n飞行,2026-11-01\n", encoding="utf-8")
    for _ in range(3):
        done = canbao("import", str(broken), "--no-progress", **environment)
        assert (done.returncode, "not usable 1" in done.stdout) == (1, True), done.stderr


@pytest.mark.timeout(170)
def test_the_demonstration_runs_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    ports = ["--port", str(free_port())]
    first = subprocess.run(
        [program("canbao"), "demo", "--exit", "--data", str(tmp_path), *ports],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert first.returncode == 0, first.stderr
    table = [line for line in first.stdout.splitlines() if line.startswith("│")]
    assert len([line for line in table if re.search(r"[\u4e00-\u9fff]{2,}", line)]) >= 60
    assert "2017-03-01 → 2017-12-31" in first.stdout
    assert "roster.csv, line 63: field on" in " ".join(first.stdout.split())
    assert "/namespaces/default/workflows" in first.stdout
    picture = (tmp_path / "coverage.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert picture.count("<rect") > 40
    assert traces(stores(tmp_path), people_of_the_demonstration()) == {}
    notices = (tmp_path / "notices.jsonl").read_text(encoding="utf-8")
    second = subprocess.run(
        [program("canbao"), "demo", "--exit", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 0, second.stderr
    assert [line for line in second.stdout.splitlines() if line.startswith("│")] == table
    assert (tmp_path / "coverage.svg").read_text(encoding="utf-8") == picture
    assert (tmp_path / "notices.jsonl").read_text(encoding="utf-8") == notices


def test_the_settings_model_names_every_setting_in_both_languages() -> None:
    for field in Settings.model_fields.values():
        assert " · " in (field.description or "")


def test_python_is_the_one_that_the_project_supports() -> None:
    assert (3, 11) <= sys.version_info < (3, 14)
