"""A service that trains: its drivers train in their own processes, without Ray."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.support.reading_service import application, served
from tests.support.supervised import processes_of
from tuner.cli.repeat_command import repeat_command
from tuner.service.supervisor.supervisor import Supervisor
from tuner.storage import ServiceStore, processes


@contextlib.contextmanager
def working(file: Path, workers: int = 1, root_path: str = "", port: int = 0) -> Iterator[str]:
    """Serve a database, and train what is submitted; yield the address."""
    app = application(str(file), root_path=root_path, workers=workers, repeat_command=repeat_command)
    store = ServiceStore.open(str(file))
    supervisor = Supervisor(app.state.settings, store, processes_of(str(file)), interval=0.05)
    supervisor.start()
    try:
        with served(app, port) as address:
            yield address
    finally:
        supervisor.stop()
        for one in store.requests():
            pid = None if one.driver is None else processes.pid_of(one.driver)
            if pid is not None and one.driver_lives:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        store.close()
