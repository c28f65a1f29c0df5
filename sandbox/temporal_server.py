"""Temporal's own development server, as demonstrations, tests and measurements use it: one process, one file."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.processes import answers, program, running

# A clock per workflow that can be moved ahead, and timers that then fire at once instead of up to a second later.
_TIME_SKIPPING = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "history.timerProcessorMaxTimeShift": '"1ms"',
}


@contextmanager
def temporal_server(
    *,
    port: int,
    log: Path,
    ui_port: int | None = None,
    codec_endpoint: str = "",
    database: Path | None = None,
    namespaces: Sequence[str] = (),
    search_attributes: Sequence[tuple[str, str]] = (),
    dynamic_config: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A server on 127.0.0.1 while the block runs; in memory without a database file, without the Web UI without a port.

    `codec_endpoint` is where its Web UI has payloads decoded, and encoded.

    Raises Unavailable when it does not start; its own words are then in the log.
    """
    command = [program("temporal"), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port)]
    command += ["--log-level", "error"]
    command += ["--ui-port", str(ui_port), "--ui-ip", "127.0.0.1"] if ui_port else ["--headless"]
    if codec_endpoint:
        command += ["--ui-codec-endpoint", codec_endpoint]
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        # About twice as fast, and as safe as the operating system is.
        command += ["--db-filename", str(database)]
        command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
    for namespace in namespaces:
        command += ["--namespace", namespace]
    for name, kind in search_attributes:
        command += ["--search-attribute", f"{name}={kind}"]
    for name, value in {**_TIME_SKIPPING, **(dynamic_config or {})}.items():
        command += ["--dynamic-config-value", f"{name}={value}"]

    def ready() -> bool:
        return answers(port) and (ui_port is None or answers(ui_port)) and _healthy(port)

    with running(command, log, ready, "the Temporal development server") as process:
        yield process


def _healthy(port: int) -> bool:
    """The port is open a little before the server takes requests."""
    command = [program("temporal"), "operator", "cluster", "health", "--address", f"127.0.0.1:{port}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def kind_name(kind: str) -> str:
    """The server's name of a search attribute's kind: KEYWORD_LIST -> KeywordList."""
    return "".join(part.capitalize() for part in kind.split("_"))
