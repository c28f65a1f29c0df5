"""Logs, errors and metrics: whatever is put into them, no value of a person comes out."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from adapters.logs import configure, harmless, logger
from domain.errors import ConfigurationError, ContractError, KeyMissing
from domain.facts import FACT_TYPES, Fact, parse_fact, wire
from domain.life import Life

NAME, NUMBER = "李小明 Li Xiaoming", "130925198004040019"
WORDS = f"{NAME} {NUMBER}"
AMOUNT, DAY = "31415.92", "1980-04-04"
SECRETS = ("李小明", "Xiaoming", NUMBER, NUMBER[:-1], AMOUNT, DAY)


def _facts() -> Iterator[Fact]:
    """One of every type, with something of a person in every field that takes words, days or money."""
    for kind in get_args(Fact):
        content: dict[str, Any] = {"type": get_args(kind.model_fields["type"].annotation)[0]}
        for name, field in kind.model_fields.items():
            alias = field.alias or name
            if alias != "type" and alias != "withdrawn" and (value := _value(name, field)) is not None:
                content[alias] = value
        yield parse_fact(content)


def _value(name: str, field: FieldInfo) -> Any:
    """The most telling value that a field takes."""
    if name == "area" or name.endswith("_area"):
        return "130925"
    kind: Any = field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[(kind, *field.metadata)] if field.metadata else kind)
    for value in (WORDS, AMOUNT, DAY, "1980-04", 2017, 1, True, {"wait": 3}, *_words_of(field.annotation)):
        with contextlib.suppress(ValidationError):
            adapter.validate_python(value)
            return value
    return None


def _words_of(annotation: Any) -> list[Any]:
    """The words among which a field chooses."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [word for part in get_args(annotation) for word in _words_of(part)]


FACTS = list(_facts())


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """What is logged while a test runs; the logging of the run itself is put back."""
    root, out = logging.getLogger(), io.StringIO()
    before, level = list(root.handlers), root.level
    configure("DEBUG", out)
    yield out.getvalue
    root.handlers[:] = before
    root.setLevel(level)


def test_there_is_a_fact_of_every_type() -> None:
    assert [fact.type for fact in FACTS] == list(FACT_TYPES)
    assert sum(NUMBER in wire(fact) for fact in FACTS) == len(FACTS), "each has something to hide"


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.type)
def test_no_value_of_a_fact_can_be_logged(fact: Fact, logged: Callable[[], str]) -> None:
    ours, theirs = logger("canbao.test"), logging.getLogger("a.library")
    content = json.loads(wire(fact))
    ours.info(
        "as it is",
        fact=fact,
        content=content,
        text=wire(fact),
        **{f"of_{name}": value for name, value in content.items()},
    )
    ours.info(f"by mistake in the sentence {fact!r} and {wire(fact)}")
    theirs.warning("took %s and %r", fact, content)
    theirs.warning("took %(person)s", {"person": wire(fact)})
    theirs.warning(wire(fact))
    theirs.warning("it failed, original error: Li Xiaoming")
    ours.info("it failed", exception=WORDS)
    theirs.warning("took %d", int(NUMBER))
    try:
        _fail(wire(fact))
    except ValueError as error:
        ours.exception("it failed", because=error)
        theirs.exception("it failed with %s", error)
    lines = logged().splitlines()
    assert len(lines) == 10
    for line in lines:
        assert [secret for secret in SECRETS if secret in json.dumps(json.loads(line), ensure_ascii=False)] == [], line


def _fail(words: str) -> None:
    raise ValueError(words) from KeyError(WORDS)


def _miss() -> None:
    raise KeyMissing("ring-0a1b2c3d")


@pytest.mark.parametrize("name", FACT_TYPES)
def test_no_error_of_the_contract_repeats_what_was_sent(name: str) -> None:
    """Every field of every type is given a person's words, and fields that do not exist are named after one."""
    kind = next(kind for kind in get_args(Fact) if get_args(kind.model_fields["type"].annotation)[0] == name)
    for field in (*kind.model_fields, NAME, NUMBER + "?"):
        if field == "type":
            continue
        for value in (WORDS, [WORDS], {WORDS: WORDS}, f"1980-{NUMBER}"):
            content = {"type": name, "on": "2026-01-01", field: value}
            try:
                parse_fact(content)
            except ContractError as error:
                said = f"{error} {error.text.both()} {error.__cause__}"
                assert [secret for secret in SECRETS if secret in said] == [], field


def test_a_line_says_what_an_operator_of_the_system_needs(logged: Callable[[], str]) -> None:
    logger("canbao.codec").error(
        "a message cannot be read",
        workflow_id="person-mz2w6yltn5zgk4tf",
        kind="key_missing",
        key="ring-0a1b2c3d",
        count=3,
    )
    logging.getLogger("temporalio").warning("poll of %s failed after %d tries", "canbao-lives", 4)
    try:
        _miss()
    except KeyMissing:
        logger("canbao.worker").exception("it does not start")
    first, second, third = (json.loads(line) for line in logged().splitlines())
    assert (first["workflow_id"], first["kind"], first["key"], first["count"], first["level"]) == (
        "person-mz2w6yltn5zgk4tf",
        "key_missing",
        "ring-0a1b2c3d",
        3,
        "error",
    )
    assert second["event"] == "poll of canbao-lives failed after 4 tries"
    assert third["exception"][0].startswith("KeyMissing: the key ring-0a1b2c3d is missing")
    assert "test_logs.py" in third["exception"][1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("canbao-lives", "canbao-lives"),
        ("import-county-hospital-0a1b", "import-county-hospital-0a1b"),
        ("registry.record", "registry.record"),
        ("01a20393-a765-7b02-a47a-7ba5761f26cb", "01a20393-a765-7b02-a47a-7ba5761f26cb"),
        (7, 7),
        (None, None),
        (True, True),
        ("T130000017", "<str>"),
        ("/people/110101199003071234", "<str>"),
        ("person-130925198004040019", "<str>"),
        ("zhang.xiaoming", "<str>"),
        ("li_ming", "<str>"),
        (19800404, "<int>"),
        (1.1010119900307123e17, "<float>"),
        ("li ming", "<str>"),
        ("person-李", "<str>"),
        (f"person-{'x' * 200}", "<str>"),
        (13092519800404001, "<int>"),
        (Life(key="a"), "<Life>"),
        ([NUMBER], "<list>"),
        (ValueError(NUMBER), "ValueError"),
        (ConfigurationError("the folder cannot be written"), "ConfigurationError: the folder cannot be written"),
    ],
)
def test_what_is_let_through(value: object, said: object) -> None:
    assert harmless(value) == said


def test_models_are_named_not_shown() -> None:
    class Held(BaseModel):
        name: str

    assert harmless(Held(name=NAME)) == "<Held>"
