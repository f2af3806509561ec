"""Whether a service divides its workers fairly while one user has 100 runs in the queue and two come with one each.

    python benchmarks/service_fairness.py [--workers 4] [--runs 100] [--cohort 20] [--minutes 10] [--weights 1 1 1]

The service and its drivers are those of `lodo-tune serve`, with a Ray per run. A candidate sleeps, so that two cores
are enough for any number of workers; its cohort is itself. The first user submits all her runs, and when they have had
the workers for two cohorts, each of the others submits one that lasts until the end. What is measured are the seconds
from those submissions until each has a worker and until its first candidate is trained, beside the time of a cohort and
that which a driver takes to start where nothing else runs; and how the workers' time divides among the users: that for
which they held them, and that in which these trained, which lacks the start of each driver.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tuner.storage import ServiceStore, UnknownStudy, processes

TOKEN = "f" * 43
PATIENCE = 240.0  # seconds after which what is waited for is taken as missing
USERS = ("ann", "bob", "eve")
MODULE = '''"""A training function that sleeps."""
import time

import numpy as np

import tuner


def train(hyperparameters, *, seed, budget, report):
    """Sleep."""
    time.sleep({seconds} * np.random.default_rng(seed).uniform({least}, 1.0))
    report(budget, loss=hyperparameters["rate"])


train.search_space = tuner.space(rate=tuner.log(1e-3, low=1e-6, high=10.0))
'''
SHORT = {"generations": 2, "population": 4}  # eight candidates and the fresh seeds
LONG = {"generations": 100, "population": 8}


def offer(folder: Path, seconds: float, least: float) -> Path:
    """Put an installed package with the task `sleeping` into a folder; return a catalogue that lists it.

    Args:
        folder: The folder.
        seconds: The longest time of a candidate.
        least: The shortest, as a part of that.
    """
    (folder / "sleeping_task.py").write_text(MODULE.format(seconds=seconds, least=least))
    information = folder / "sleeping_task-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: sleeping_task\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[lodo_tune.tasks]\nsleeping = sleeping_task:train\n")
    catalogue = folder / "catalogue.yaml"
    catalogue.write_text("tasks: [sleeping]\n")
    return catalogue


@contextlib.contextmanager
def service(folder: Path, workers: int, seconds: float, least: float = 0.5) -> Iterator[tuple[str, str]]:
    """Start a service on a database in a folder; yield its address and the database. Its drivers end with it."""
    catalogue, database = offer(folder, seconds, least), str(folder / "runs.db")
    command = [sys.executable, "-c", "from tuner.cli import main; main()", "serve", "--port", "0"]
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [*command, "--database", database, "--workers", str(workers), "--catalogue", str(catalogue)],
        stderr=subprocess.PIPE,
        env=os.environ | {"LODO_TUNE_TOKEN": TOKEN, "PYTHONPATH": path},
        text=True,
    )
    try:
        assert process.stderr is not None
        select.select([process.stderr], [], [], PATIENCE)
        line = process.stderr.readline()
        named = re.search(r"http://[^ ]+", line)
        assert named is not None, f"the service has not said its address: {line}"
        yield named[0].rstrip("/"), database
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)
        end_drivers(database)


def end_drivers(database: str) -> None:
    """End the drivers of a database, which outlive their service, and wait until they are gone."""
    with ServiceStore.open(database) as store:
        held = [one.driver for one in store.requests() if one.driver is not None and one.driver_lives]
    pids = [pid for driver in held if (pid := processes.pid_of(driver)) is not None]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until("the end of the drivers", lambda: not any(map(processes.start_ticks, pids)))


def ask(address: str, method: str, path: str, body: Mapping[str, Any] | None = None, token: str = TOKEN) -> Any:
    """Return the answer of the service, as JSON."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if method == "GET" else json.dumps(body or {}).encode()
    asked = urllib.request.Request(f"{address}/api/v1{path}", data, headers, method=method)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310 (an address of this machine)
        return json.load(answer)


def spans(store: ServiceStore, run: str) -> list[tuple[float, float]]:
    """Return when each attempt of a run began and ended, in seconds since 1970; now of those that are trained."""

    def at(text: str | None) -> float:
        return time.time() if text is None else datetime.fromisoformat(text).timestamp()

    try:
        studies = store.find(run)
    except UnknownStudy:  # its driver is starting
        return []
    return [(at(one.started_at), at(one.ended_at)) for study in studies for one in store.attempts(study.id)]


def until(what: str, condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Wait until a condition holds, and return what it returns."""
    end = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)
    return found


def measure(address: str, store: ServiceStore, arguments: argparse.Namespace) -> None:
    """Have the three users compete, and print what each had."""
    weights = dict(zip(USERS, arguments.weights, strict=True))
    tokens = {
        user: ask(address, "POST", "/tokens", {"user": user, "weight": weight})["token"]
        for user, weight in weights.items()
    }

    def submit(user: str, run: str, size: Mapping[str, int]) -> float:
        fields = {"task": ["sleeping"], "preset": "quick", "steps": [1], "fresh_seeds": 2, **size}
        ask(address, "PUT", f"/runs/{run}", fields, tokens[user])
        return time.time()

    came = submit("ann", "ann-0", SHORT)
    alone = until("a first candidate", lambda: spans(store, "ann-0"))[0][0] - came
    print(f"a driver alone has a candidate trained {alone:.1f} s after its run is submitted")
    runs = {"ann": [f"ann-{number}" for number in range(arguments.runs)], "bob": ["bob-0"], "eve": ["eve-0"]}
    for run in runs["ann"][1:]:
        submit("ann", run, SHORT)
    until("all workers", lambda: sum(one.using for one in store.requests()) == arguments.workers)
    time.sleep(2 * arguments.cohort)
    submitted = {user: submit(user, runs[user][0], LONG) for user in USERS[1:]}
    granted: dict[str, float] = {}

    def all_granted() -> bool:
        for one in store.requests():
            if one.submitted_by in submitted and one.state.has_driver:
                granted.setdefault(one.submitted_by, time.time() - submitted[one.submitted_by])
        return len(granted) == len(submitted)

    until("a worker for each", all_granted)
    starts = {
        user: until(f"{user} starts", lambda user=user: spans(store, runs[user][0]))[0][0] - submitted[user]
        for user in USERS[1:]
    }
    print(f"a cohort takes {arguments.cohort / 2:g} to {arguments.cohort:g} s; of those who came")
    for user, seconds in starts.items():
        print(f"  {user} had a worker after {granted[user]:.1f} s, and a candidate trained after {seconds:.1f} s")
    begin = time.time()
    held = dict.fromkeys(USERS, 0.0)
    while (now := time.time()) < begin + 60 * arguments.minutes:
        time.sleep(0.5)
        for one in store.requests():
            if one.state.has_driver:
                held[one.submitted_by] += (time.time() - now) * max(one.using, one.granted)
    had = {user: trained(store, runs[user], begin, now) for user in USERS}
    for what, seconds_of in (("were held", held), ("trained", had)):
        total = sum(seconds_of.values())
        print(f"workers {what} for {total / (now - begin):.2f} of {arguments.workers} workers' time; of that")
        for user, seconds in seconds_of.items():
            share, due = seconds / total, weights[user] / sum(weights.values())
            print(f"  {user}, whose weight is {weights[user]:g}, had {share:.3f}; {share / due - 1:+.1%} of {due:.3f}")


def trained(store: ServiceStore, runs: Sequence[str], begin: float, end: float) -> float:
    """Return the seconds that workers have trained runs between two times."""
    found = [span for run in runs for span in spans(store, run)]
    return sum(max(0.0, min(last, end) - max(first, begin)) for first, last in found)


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Example: python benchmarks/service_fairness.py --workers 2 --cohort 10 --minutes 20",
    )
    parser.add_argument("--workers", type=int, default=4, help="of the service, at least 2")
    parser.add_argument("--runs", type=int, default=100, help="of the first user")
    parser.add_argument("--cohort", type=float, default=20.0, metavar="SECONDS", help="longest time of a cohort")
    parser.add_argument("--minutes", type=float, default=10.0, help="for which the three compete")
    parser.add_argument("--weights", type=float, nargs=3, default=[1.0, 1.0, 1.0], help="of the users")
    arguments = parser.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    with (
        tempfile.TemporaryDirectory(prefix="lodo-fairness-", ignore_cleanup_errors=True) as folder,
        service(Path(folder), arguments.workers, arguments.cohort) as (address, database),
        ServiceStore.open(database) as store,
    ):
        measure(address, store, arguments)


if __name__ == "__main__":
    main()
