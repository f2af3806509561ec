"""A supervisor whose drivers train in their own process, without Ray."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from tuner.api.submission import Catalogue, preview
from tuner.core.requests import RequestRecord, State
from tuner.service.settings import Quota, ServiceSettings
from tuner.service.supervisor.processes import DriverProcesses
from tuner.service.supervisor.supervisor import Supervisor
from tuner.storage import ServiceStore, processes

COMMAND = (sys.executable, "-m", "tests.support.in_process_driver")
PATIENCE = 120.0  # seconds after which what is waited for is taken as missing; nothing is asserted about less
SMALL: Mapping[str, Any] = {
    "task": ["rosenbrock"],
    "optimizers": ["Momentum"],
    "preset": "quick",
    "generations": 3,
    "population": 32,
    "steps": [5],
    "seed": 7,
}
"""A search of three generations of two cohorts, and the fresh seeds."""


def processes_of(database: str) -> DriverProcesses:
    """Return what starts the drivers of a database, whose output is in DRIVERS_FOLDER, or beside a file."""
    folder = os.environ.get("DRIVERS_FOLDER") or Path(database).with_name("drivers")
    return DriverProcesses(database, COMMAND, Path(folder))


class Supervised:
    """A supervisor on a database, in this thread: `round` looks once, `until` looks until a condition holds."""

    def __init__(self, database: str, workers: int = 1, quota: Quota | None = None) -> None:
        self.database = database
        self.store = ServiceStore.open(database)
        settings = ServiceSettings(database, workers=workers, quota=quota or Quota())
        self.supervisor = Supervisor(settings, self.store, processes_of(database))

    def submit(self, run: str, by: str = "ann", **fields: Any) -> RequestRecord:
        """Submit a small run."""
        its_fields = {**SMALL, **fields}
        cost = preview(run, its_fields, Catalogue.of()).cost
        return self.store.submit(run, by=by, fields=its_fields, cost=cost)[0]

    def request(self, run: str) -> RequestRecord:
        """Return the request for a run."""
        found = self.store.request(run)
        assert found is not None
        return found

    def until(self, condition: Callable[[], Any], *, looks: bool = True) -> None:
        """Look until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, [(one.run, one.state, one.reason) for one in self.store.requests()]
            if looks:
                self.supervisor.round()
            time.sleep(0.05)

    def until_state(self, run: str, *states: State) -> RequestRecord:
        """Look until a run has one of some states; return its request."""
        self.until(lambda: self.request(run).state in states)
        return self.request(run)

    def final(self, run: str) -> int:
        """Return how many candidates of a run are final."""
        if run not in self.store.runs():
            return 0
        return sum(count for study in self.store.find(run) for status, count in study.counts.items() if status.is_final)

    def kill_driver(self, run: str) -> None:
        """Kill the driver of a run, and wait until it is gone."""
        owner = self.request(run).driver
        pid = None if owner is None else processes.pid_of(owner)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: processes.start_ticks(pid) is None, looks=False)

    def close(self) -> None:
        """Cancel all runs, wait for their drivers, and close the database."""
        for one in self.store.requests([state for state in State if state.has_driver]):
            pid = None if one.driver is None else processes.pid_of(one.driver)
            if pid is not None and one.driver_lives:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.supervisor.stop()
        self.store.close()


@contextlib.contextmanager
def supervised(
    database: Any, *, workers: int = 1, quota: Quota | None = None, **environment: str
) -> Iterator[Supervised]:
    """Yield a supervisor on a database; its drivers have further variables of the environment."""
    with mock.patch.dict(os.environ, environment):
        opened = Supervised(str(database), workers, quota)
        try:
            yield opened
        finally:
            opened.close()


def rows(store: ServiceStore, run: str) -> list[Any]:
    """Return what a run has found: all rows that do not name a driver, a machine or a time."""
    found: list[Any] = []
    for study in store.find(run):
        found.append((study.spec.workload.optimizer, study.status, study.tuned, study.tuned_genome))
        for one in store.candidates(study.id):
            values = (one.key, one.status, one.fitness, one.steps_done, one.genome, dict(one.hyperparameters), one.seed)
            found.append((*values, store.curve(study.id, one.key).tobytes()))
    return found
