"""Processes of drivers.

They are started in a session of their own, so that they outlive the service.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from tuner.api.request_driver import Assigned
from tuner.storage import processes

COMMAND = (sys.executable, "-m", "tuner.cli.drive")
TAIL_BYTES = 4000
"""Bytes at the end of a driver's log that are shown as its error."""


class DriverProcesses:
    """Starts drivers, and finds what has become of them.

    A driver writes its output to a file of a folder that only this user can read. The folder is found again by the
    service that comes next.

    Args:
        database: URL of the database.
        command: The command of a driver, which reads what to train from standard input.
        folder: Folder of the output. Default: one in the folder for temporary files, by the URL.
    """

    def __init__(self, database: str, command: Sequence[str] = COMMAND, folder: Path | None = None) -> None:
        name = hashlib.sha256(database.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        default = Path(tempfile.gettempdir()) / f"lodo-tune-drivers-{os.getuid()}-{name}"
        self._folder = default if folder is None else folder
        self._command = tuple(command)
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, assigned: Assigned) -> str:
        """Start the process of a driver, and return it as "host:pid".

        Raises:
            OSError: The system starts no more processes, or the log cannot be written.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{self._folder} belongs to another user")
        text = json.dumps({**asdict(assigned), "catalogue": dict(assigned.catalogue)})
        with open(self._log(assigned.request), "ab") as log:
            child = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        self._children.append(child)
        with contextlib.suppress(BrokenPipeError), child.stdin:  # type: ignore[union-attr]
            child.stdin.write(text.encode())  # type: ignore[union-attr]
        return processes.owner_of(child.pid)

    def reap(self) -> None:
        """Take note of children that have ended, which would stay in the table of processes otherwise."""
        self._children = [child for child in self._children if child.poll() is None]

    def last_words(self, request: int) -> str:
        """Return the end of what the drivers of a request have written; "" without a log."""
        try:
            content = self._log(request).read_bytes()[-TAIL_BYTES:]
        except OSError:
            return ""
        return content.decode("utf-8", "replace").strip()

    def keep_logs(self, requests: Collection[int]) -> None:
        """Remove the logs of all but some requests."""
        kept = {self._log(request).name for request in requests}
        for log in self._folder.glob("request-*.log"):
            if log.name not in kept:
                log.unlink(missing_ok=True)

    def signal(self, owner: str, number: signal.Signals) -> bool:
        """Send a signal to a driver of this machine; return whether there is such a process.

        Args:
            owner: "host:pid", which has a lease: its process is the one that has claimed the request.
            number: The signal.
        """
        pid = processes.pid_of(owner)
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _log(self, request: int) -> Path:
        return self._folder / f"request-{request}.log"
