"""How long a service takes that is started again on a database with 200 runs, of which 20 are trained.

    python benchmarks/service_restart.py [--database FILE] [--runs 200] [--running 20] [--times 3]

Three quarters of the runs are complete, the others wait. The drivers of those that are trained are processes that
sleep; they hold their requests as drivers do. What is measured are the seconds from the start of `serve` until it says
its address, shows the first page, has adopted all drivers, and has started that of the next run, which is ended then.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tuner.api.submission import Catalogue, cost_of, planned
from tuner.core.requests import Outcome, State
from tuner.core.study import SearchSpec
from tuner.core.trial import Candidate, Evaluation, Key, Role, Status, Trial
from tuner.storage import ServiceStore, processes, this_process

TOKEN = "r" * 43
USERS = 7
PATIENCE = 120.0
FIELDS = {"task": ["rosenbrock"], "optimizers": ["Adam", "LODO"], "preset": "quick", "generations": 6, "population": 32}


def make_database(path: Path, runs: int) -> None:
    """Submit runs, and complete three quarters of them."""
    specs = planned("any", FIELDS, Catalogue.of()).specs
    with ServiceStore.open(str(path)) as store:
        for number in range(runs):
            run = f"run-{number}"
            request, _ = store.submit(run, by=f"user-{number % USERS}", fields=FIELDS, cost=cost_of(specs))
            if number < runs * 3 // 4:
                for spec in specs:
                    assert isinstance(spec, SearchSpec)
                    complete(store, replace(spec, run=run))
                epoch = store.start_driver(request.id, request.epoch, 1)
                assert epoch is not None
                store.end_driver(request.id, epoch, Outcome.COMPLETE)


def complete(store: ServiceStore, spec: SearchSpec) -> None:
    """Store a study with all its candidates."""
    random = np.random.default_rng(spec.seed)
    study = store.create_study(spec).id
    epoch = store.acquire(study, owner=this_process())
    for generation in range(spec.generations):
        keys = [Key(Role.SEARCH, generation, slot) for slot in range(spec.population)]
        values = dict.fromkeys(spec.space["hyperparameters"], 0.1)
        genome = (0.1,) * len(values)
        store.add(study, epoch, [Candidate(genome, Trial(key, values, 7, 200)) for key in keys])
        store.record(
            study,
            epoch,
            [
                Evaluation(key, Status.FINISHED, float(random.normal()), random.normal(size=200).astype("f4"), 200, 0.1)
                for key in keys
            ],
        )
    store.release(study, epoch, "complete")


@contextlib.contextmanager
def sleeping_drivers(store: ServiceStore, count: int) -> Iterator[Callable[[], None]]:
    """Give drivers that sleep to the first runs that wait; yield a function that renews their leases."""
    held = {}
    try:
        for request in store.requests([State.QUEUED])[:count]:
            epoch = store.start_driver(request.id, request.epoch, 1)
            assert epoch is not None
            driver = subprocess.Popen(["/bin/sleep", "600"])
            store.claim(request.id, epoch, processes.owner_of(driver.pid))
            held[request.id] = (epoch, driver)

        def renew() -> None:
            for request, (epoch, _) in held.items():
                store.heartbeat(request, epoch, 1)

        yield renew
    finally:
        for request, (epoch, driver) in held.items():
            driver.kill()
            driver.wait()
            store.end_driver(request, epoch, Outcome.DRAINED)


def ask(address: str, path: str) -> bytes:
    """Return the body of an answer of the service."""
    asked = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310 (an address of this machine)
        return bytes(answer.read())


def cpu_seconds(pid: int) -> float:
    """Return the seconds that a process has computed for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(file: Path, running: int) -> dict[str, float]:
    """Return the seconds from the start of the service until each thing holds."""
    found: dict[str, float] = {}
    command = [sys.executable, "-c", "from tuner.cli import main; main()", "serve", "--port", "0"]
    with ServiceStore.open(str(file)) as store, sleeping_drivers(store, running) as renew:
        before = {one.id for one in store.requests([State.STARTING, State.RUNNING])}
        start = time.monotonic()

        def until(what: str, condition: Callable[[], object]) -> None:
            while not condition():
                if time.monotonic() > start + PATIENCE:
                    raise TimeoutError(what)
                time.sleep(0.02)
            found[what] = time.monotonic() - start

        service = subprocess.Popen(
            [*command, "--database", str(file), "--workers", str(running + 1)],
            stderr=subprocess.PIPE,
            env=os.environ | {"LODO_TUNE_TOKEN": TOKEN},
            text=True,
        )
        try:
            assert service.stderr is not None
            select.select([service.stderr], [], [], PATIENCE)
            named = re.search(r"http://[^ ]+", service.stderr.readline())
            assert named is not None, "the service has not said its address"
            address = named[0].rstrip("/")
            found["address"] = time.monotonic() - start
            ask(address, "/")
            found["first page"] = time.monotonic() - start
            found["of which computing"] = cpu_seconds(service.pid)
            until("drivers adopted", lambda: store.supervisor() == processes.owner_of(service.pid))
            until(
                "next run has a driver",
                lambda: {one.id for one in store.requests([State.STARTING, State.RUNNING])} - before,
            )
            renew()
            kept = store.requests([State.STARTING, State.RUNNING])
            assert before <= {one.id for one in kept}, "a driver was taken as lost"
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(timeout=PATIENCE)
            for one in store.requests([State.STARTING, State.RUNNING]):
                if one.id not in before:
                    end_driver(store, one.id)
    return found


def end_driver(store: ServiceStore, request: int) -> None:
    """End the driver that the service has started, and let its run wait again."""
    for one in store.requests([State.STARTING, State.RUNNING]):
        if one.id == request:
            pid = None if one.driver is None else processes.pid_of(one.driver)
            if pid is not None and one.driver_lives:
                os.killpg(pid, signal.SIGKILL)
            store.end_driver(request, one.epoch, Outcome.DRAINED)


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, default=Path(tempfile.gettempdir()) / "lodo-service-restart.db")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--running", type=int, default=20)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    if not arguments.database.exists():
        make_database(arguments.database, arguments.runs)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    for _ in range(arguments.times):
        found = measure(arguments.database, arguments.running)
        print(", ".join(f"{what} {seconds:.2f} s" for what, seconds in found.items()))


if __name__ == "__main__":
    main()
