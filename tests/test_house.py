"""The house's own rules, as far as no tool knows them."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
from pathlib import Path

import pytest
import typer
from temporalio import workflow

import worker
from domain.carried import unpack
from domain.facts import FACT_TYPES
from domain.life import Life
from domain.status import STATUS_NAMES, Status

ROOT = Path(__file__).parent.parent
ROOMS = ("activities", "adapters", "cli", "demo", "domain", "intake", "policy", "sandbox", "workflows")
WORKFLOW_FILES = sorted((ROOT / "workflows").glob("*.py"))
_DATE_LITERAL = re.compile(r"\d{4}-\d{2}-\d{2}")


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", WORKFLOW_FILES, ids=lambda file: file.name)
def test_workflow_modules_import_names_not_modules(file: Path) -> None:
    """Under a sandbox `from workflows import helper` would escape the pass-through without a word."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name}, line {node.lineno}"
            assert node.module not in ROOMS, f"{file.name}, line {node.lineno}"


def test_the_package_of_the_workflows_is_empty() -> None:
    assert (ROOT / "workflows" / "__init__.py").read_text(encoding="utf-8") == ""


# What another replay would see differently, or what would hold up every other life; `workflow` has its own of each.
_NOT_REPLAYABLE = {
    *("time", "random", "secrets", "uuid", "os", "sys", "io", "socket", "subprocess", "threading", "pathlib"),
    *("concurrent", "multiprocessing", "tempfile", "logging", "httpx2", "sqlmodel", "sqlalchemy", "current_day"),
}
_NOT_REPLAYABLE_CALLS = {
    *("now", "utcnow", "today", "fromtimestamp", "open", "print", "input", "set", "frozenset"),
    *("wait", "as_completed", "to_thread", "run_in_executor", "timeout", "urandom", "uuid4"),
}


@pytest.mark.parametrize("file", WORKFLOW_FILES, ids=lambda file: file.name)
def test_a_workflow_asks_the_machine_for_nothing(file: Path) -> None:
    """What the SDK's sandbox would refuse while running is refused here before it runs."""
    assert _unreplayable(_tree(file)) == []


@pytest.mark.parametrize(
    "code",
    [
        "import random",
        "from datetime import datetime\nx = datetime.now()",
        "from domain.civil_time import current_day",
        "import asyncio\nasyncio.wait([])",
        "for x in {1, 2}: pass",
        "open('x')",
    ],
)
def test_what_does_not_replay_is_seen(code: str) -> None:
    assert _unreplayable(ast.parse(code)) != []


def _unreplayable(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [item.name for item in names if item.name.partition(".")[0] in _NOT_REPLAYABLE]
            case ast.ImportFrom(module=str(module), names=names):
                imported = [module.partition(".")[0], *(item.name for item in names)]
                found += [name for name in imported if name in _NOT_REPLAYABLE]
            case ast.Call(func=ast.Name(id=name)) if name in _NOT_REPLAYABLE_CALLS:
                found.append(name)
            case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id=owner))):
                if name in _NOT_REPLAYABLE_CALLS and owner not in ("workflow", "self"):
                    found.append(f"{owner}.{name}")
            case ast.For(iter=ast.Set()) | ast.comprehension(iter=ast.Set()):
                found.append("iteration over a set")
    return found


@pytest.mark.parametrize("file", WORKFLOW_FILES, ids=lambda file: file.name)
def test_patches_are_named_in_one_place(file: Path) -> None:
    """A patch id lives in histories for ever, so nobody makes one up where it is used."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Attribute) and node.attr in ("patched", "deprecate_patch"):
            assert file.name == "patches.py", f"{file.name}, line {node.lineno}"


def test_every_workflow_that_is_defined_is_served() -> None:
    defined = set()
    for file in WORKFLOW_FILES:
        module = importlib.import_module(f"workflows.{file.stem}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__ and hasattr(kind, "__temporal_workflow_definition"):
                defined.add(kind)
    assert defined == set(worker.WORKFLOWS)
    assert all(workflow._Definition.from_class(kind) for kind in defined)


@pytest.mark.parametrize("room", ["policy", "workflows", "activities", "domain", "intake", "adapters"])
def test_no_rule_stands_outside_the_packs(room: str) -> None:
    """No date of a regulation, and no window, as a literal in code: those are values of packs, with their sources."""
    for file in (ROOT / room).rglob("*.py"):
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("date", "datetime"):
                literals = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                assert not any(isinstance(value, int) and value > 1900 for value in literals), f"{file}:{node.lineno}"
            if isinstance(node, ast.Constant) and isinstance(node.value, int):
                assert node.value not in (90, 180) or room != "policy", f"{file}:{node.lineno}"


def test_nobody_else_asks_what_day_it_is() -> None:
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            assert "date.today" not in text, file
            assert "ZoneInfo(" not in text or file.name == "civil_time.py", file


def test_nothing_of_ours_is_installed_as_a_copy() -> None:
    """A copy of a module beside the libraries would be run by the console program and never change."""
    copies = {*ROOMS, "bench", "worker.py"} & {path.name for path in Path(typer.__file__).parent.parent.iterdir()}
    assert copies == set()


def test_every_module_says_why_it_exists() -> None:
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            if file.parent.name != "workflows" or file.name != "__init__.py":
                assert ast.get_docstring(_tree(file)), file


def test_every_status_has_its_name_in_both_languages() -> None:
    assert set(STATUS_NAMES) == set(Status)


def test_fact_types_are_those_of_the_contract() -> None:
    assert len(FACT_TYPES) == len(set(FACT_TYPES)) == 34


@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "carried").glob("*.json")), ids=lambda file: file.name)
def test_carried_state_of_every_release_is_still_read(file: Path) -> None:
    life = unpack(Life.model_validate_json(file.read_text(encoding="utf-8")))
    assert life.facts
    assert life.key


def test_there_is_carried_state_to_read() -> None:
    assert list((ROOT / "tests" / "carried").glob("*.json"))


def test_the_lock_file_holds_hashes_and_no_addresses() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]


def test_nothing_that_is_made_or_secret_is_in_the_tree() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    ).stdout.split()
    assert not [name for name in tracked if name.endswith((".db", ".secret", ".pyc", ".log", ".sqlite"))]


def test_histories_are_of_made_up_people() -> None:
    for file in (ROOT / "tests" / "histories").glob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))
