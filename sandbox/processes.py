"""Helper processes of demonstrations, tests and measurements: free ports, waiting until they answer, ending them."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from domain.errors import ConfigurationError, Unavailable

_START_SECONDS = 30
_STOP_SECONDS = 10


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def claim_port(port: int | None, what: str) -> int:
    """The given port, or a free one. Raises ConfigurationError where somebody listens on it already."""
    if port is None:
        return free_port()
    with socket.socket() as listener:
        # As servers do: connections of a process that has ended do not keep its port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            raise ConfigurationError(
                f"port {port} for {what} is in use; give another one, or none",
                f"端口{port}({what})已被占用;请另选,或不指定",
            ) from None
    return port


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def running(
    command: Sequence[str],
    log: Path,
    ready: Callable[[], bool],
    what: str,
    *,
    user: str | None = None,
    ask: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs while the block does, its output in a file.

    `user` is whose process it is, where that is not us; `ask` is the signal by which it is asked to end. Raises
    Unavailable when it ends, or does not answer, before it is ready.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, user=user)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"{what} did not start; see {log}", f"{what}未能启动,见{log}")
            time.sleep(0.05)
        yield process
    finally:
        stop(process, ask)


def stop(process: subprocess.Popen[bytes], ask: signal.Signals = signal.SIGTERM) -> None:
    """Ask a process to end, and end it when it does not."""
    if process.poll() is None:
        process.send_signal(ask)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def program(name: str) -> str:
    """The path of a program that is installed beside this Python."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise ConfigurationError(
            f"{name} is not installed beside {sys.executable}; run ./do setup",
            f"{name}没有与{sys.executable}一同安装;请运行 ./do setup",
        )
    return str(path)
