"""Logs: one JSON object a line, in which no value of a person can stand.

Nothing is taken out that looks like personal data; rather, nothing is let in that is not known to be none. An event is
a constant sentence of the code; of what goes with it, numbers, ids that are opaque and names of things of ours stay,
and everything else is replaced by its type. An exception is named by its type and the places that it came through; only
errors whose sentences are ours are quoted. What other libraries log passes the same way, by its template.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from domain.errors import ConfigurationError, Unavailable

# What a text may be, to be repeated: an opaque id, a run id, the name of a queue, an address of this network, a place.
_HARMLESS = re.compile(
    r"(person|refund|transfer|duplicate|import|campaign|notice|reconciliation)-[a-z0-9-]{1,100}(T[0-9:]{8}Z)?"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|canbao(-[a-z]+)?(\.[a-z_]+)*|ring-[0-9a-f]{8}|vault-[a-z0-9_-]+"
    r"|(GET|POST|PUT|DELETE|OPTIONS)|/[a-z0-9/_{}.-]*"
    r"|https?://[a-z0-9.:-]+/?"
    r"|(assessment|registry|tax|cases|imports|campaigns|notices|policy_notices|reconciliation)\.[a-z_]+"
    r"|debug|info|warning|error|plain|elsewhere|tampered|key_missing|keys_away"
    r"|[A-Za-z]+(Error|Exception|Missing|Unavailable|Refused|Lifecycle|Workflow)"
)
_OUR_KEYS = frozenset({"event", "level", "timestamp", "logger"})
# Whatever it stands in, so many digits may be the number of a document, or a birthday.
_NUMBER = re.compile(r"\d[\d -]{5,}\d")
# In a text whose parts cannot be told apart any more: what is quoted, in angles, Chinese, or a long number.
_OPAQUE = re.compile(
    r"'[^']*'|\"[^\"]*\"|<[^>]*>|[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+|[A-Za-z]?\d[\d -]{5,}[\dXx]"
)
_LONGEST = 300
_LARGEST = 10**7
# Hexadecimal by chance: digits may follow one another there. So they may in a key of the ring.
_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|ring-[0-9a-f]{8}")
_QUOTED = (ConfigurationError, Unavailable)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Have everything that this process logs go through here, from `level` on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_of_others, *_STAMPS],
            use_get_message=False,
            pass_foreign_args=True,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redacted,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every call
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    structlog.configure(
        processors=[*_STAMPS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def logger(name: str) -> Any:
    """A logger: `logger("canbao.x").error("what happened", workflow_id=…)`. The event is a constant."""
    return structlog.stdlib.get_logger(name)


def redacted(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that lets through what is known to be no person's."""
    exception = event.pop("exc_info", None)
    found: dict[str, Any] = {}
    for name, value in event.items():
        if name in _OUR_KEYS:
            found[name] = value if name != "event" else _told(str(value))
        elif re.fullmatch(r"[a-z_]{1,40}", name):
            found[name] = harmless(value)
    if exception:
        found["exception"] = _described(exception)
    return found


def harmless(value: object) -> object:
    """A value, where it is known to be no person's; else its type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) < _LARGEST else f"<{type(value).__name__}>"
    if isinstance(value, str):
        opaque = _HARMLESS.fullmatch(value) and (_RUN.fullmatch(value) or not _NUMBER.search(value))
        return value if opaque else "<str>"
    if isinstance(value, BaseException):
        return _named(value)
    return f"<{type(value).__name__}>"


def _of_others(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What a library logged: its template, with what is put into it made harmless first."""
    record: logging.LogRecord = event["_record"]
    text, given = str(event["event"]), event.pop("positional_args", None)
    if given:
        with contextlib.suppress(TypeError, ValueError):  # a template for numbers stays as it is
            text %= (
                {name: harmless(value) for name, value in given.items()}
                if isinstance(given, dict)
                else tuple(harmless(value) for value in given)
            )
    # What stands behind a colon is mostly another error's text, put in before it came here.
    event["event"] = _told(text.partition(": ")[0])
    if record.exc_info:
        event["exc_info"] = record.exc_info
    return event


def _told(text: str) -> str:
    """A sentence without what may be somebody's; only its first line, since traces and representations follow."""
    return _OPAQUE.sub("…", text.splitlines()[0] if text else "")[:_LONGEST]


def _described(exception: object) -> list[str]:
    """An exception with its causes: types, our own sentences, and the places they came through."""
    if exception is True:
        exception = sys.exc_info()
    error = exception[1] if isinstance(exception, tuple) else exception
    lines: list[str] = []
    while isinstance(error, BaseException) and len(lines) < 60:
        lines.append(_named(error))
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        lines.extend(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        error = error.__cause__ or error.__context__
    return lines


def _named(error: BaseException) -> str:
    name = type(error).__name__
    return f"{name}: {_told(str(error))}" if isinstance(error, _QUOTED) else name


_STAMPS: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
