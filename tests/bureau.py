"""The sandbox tax bureau as a real process that tests can kill and start again."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from sandbox.processes import answers, free_port, program, running


class BureauProcess:
    """The process, on one port and one database file for as long as the test runs."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._running = ExitStack()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        command = [program("canbao"), "tax-sandbox", "--port", str(self._port), "--data", str(self._folder)]
        log = self._folder / "bureau.log"
        self._process = self._running.enter_context(
            running(command, log, lambda: answers(self._port), "the tax sandbox")
        )

    def kill(self) -> None:
        """Without a warning, as a machine ends."""
        self._process.kill()
        self._process.wait()
        self._running.close()

    def stop(self) -> None:
        self._running.close()
