"""Temporary PostgreSQL server that tests start, kill and remove.

PostgreSQL's programs refuse to run as root, so root starts them as another user. `postgres` is started directly instead
of by pg_ctl, so that it is a child of this process, which can wait for it after a kill.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest


class Server:
    """A server in a directory of its own, without `fsync`, because tests simulate no power failure."""

    def __init__(self, programs: str) -> None:
        """Create the files of the server; `start` starts it."""
        self._directory = Path(tempfile.mkdtemp(prefix="lodopg-"))
        self._programs = programs
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _unprivileged_user()
            os.chown(self._directory, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._numbers = count()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        data = str(self._directory / "data")
        subprocess.run(
            [*self._program("initdb"), "-D", data, "-U", "lodo", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            env=self._environment,
            cwd=self._directory,
            **self._as_user,
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = ["fsync=off", "shared_buffers=16MB", "max_connections=60", "listen_addresses=127.0.0.1"]
        self._process = subprocess.Popen(
            [
                *self._program("postgres"),
                *("-D", str(self._directory / "data"), "-k", str(self._directory), "-p", str(self.port)),
                *(part for option in options for part in ("-c", option)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            cwd=self._directory,
            **self._as_user,
        )
        for _ in range(600):
            command = [*self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
            if subprocess.run(command, check=False, env=self._environment).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start within 30 s")

    def kill(self) -> None:
        """Kill the server, as in a crash."""
        self._process.kill()
        self._process.wait()
        time.sleep(0.2)  # until its children have ended and released the shared memory

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Have the server hang: all its processes are suspended, so that it neither answers nor refuses."""
        children = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        self._process.send_signal(signal.SIGSTOP)  # first, so that it starts no more
        pids = [int(pid) for pid in Path(children).read_text().split()]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in [*pids, self._process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextmanager
    def suspended_backend(self, pid: int) -> Iterator[None]:
        """Have the process of one connection hang, while those of the others go on."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def backends(self, database: str, where: str = "true") -> list[int]:
        """Return the processes of the connections to a database, the oldest first, by a condition on their activity."""
        import psycopg

        query = f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND {where} ORDER BY backend_start"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            return [row[0] for row in connection.execute(query)]  # type: ignore[call-overload]

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self._process.send_signal(signal.SIGQUIT)  # immediate shutdown
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def url(self, database: str, user: str = "lodo") -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """Create a database and return its name."""
        name = f"lodo{next(self._numbers)}"
        self.execute("postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def execute(self, database: str, *statements: str) -> None:
        """Run statements as the superuser."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def _program(self, name: str) -> list[str]:
        return [str(Path(self._programs) / name)]

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": f"{self._programs}:/usr/bin:/bin", "LC_ALL": "C", "HOME": str(self._directory)}


@pytest.fixture(scope="module", name="postgresql_server")
def a_postgresql_server() -> Server:
    """Return the server that all tests share; skip the test if PostgreSQL is not installed."""
    pytest.importorskip("psycopg", reason="psycopg, PostgreSQL's driver, is not installed")
    programs = server_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server programs (initdb, postgres) are not installed")
    return _shared(programs)


@cache
def _shared(programs: str) -> Server:
    server = Server(programs)
    server.start()
    atexit.register(server.remove)
    return server


def server_programs() -> str | None:
    """Return the directory of the server programs, which is usually not on PATH; None if they are not installed."""
    configured = shutil.which("pg_config")
    folders = [subprocess.check_output([configured, "--bindir"], text=True).strip()] if configured else []
    folders += [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    folders += [str(Path(program).resolve().parent) for program in [shutil.which("initdb")] if program]
    return next(
        (folder for folder in folders if all((Path(folder) / name).exists() for name in ("initdb", "postgres"))), None
    )


def _unprivileged_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
