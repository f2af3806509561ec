"""By how much a service that answers 20 requests a second slows a search beside it, on SQLite.

    python benchmarks/service_load.py [--requests 20] [--seconds 8] [--pairs 12] [--task sleeping] [--workers 1]

The service and its driver are those of `lodo-tune serve`. One search is trained all the time. Turns without requests
and turns with requests follow one another, so that other programs on the machine disturb both alike. The requests are
for pages, lists, totals, exports and events, as they come when people look at a running search, without any client's
cache. What is compared are the cohorts that end in a second, and the driver's processor time per cohort; the ratios are
those of medians, with 95 % intervals by the bootstrap over pairs of turns. What the service answers with an error, and
each wait for a lock that has failed, is counted.

By default the candidates sleep for a second, so that the processor is free for the driver and the service. With a
shorter `--sleep` the driver and the database have more to do, and what the service costs a cohort weighs more. With
`--task rosenbrock` the candidates compute, and the service takes processor time from them as well.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from service_fairness import PATIENCE, TOKEN, ask, service, spans, until
from service_restart import cpu_seconds

from tuner.core.requests import State
from tuner.storage import ServiceStore, processes

PATHS = (
    "/", "/runs/run", "/studies/1", "/studies/1/candidates", "/studies/1/candidates?sort=fitness", "/queue",
    "/candidates/1", "/api/v1/runs", "/api/v1/runs/run", "/api/v1/studies/1", "/api/v1/studies/1/generations",
    "/api/v1/studies/1/candidates?limit=100", "/api/v1/studies/1/reasons", "/api/v1/candidates/1/curve",
    "/api/v1/queue", "/api/v1/runs/run/table?format=json", "/metrics",
)  # fmt: skip
FIELDS = {
    "sleeping": {"generations": 10_000, "population": 16, "steps": [1]},
    "rosenbrock": {"optimizers": ["Adam"], "generations": 10_000, "population": 64, "steps": [20_000]},
}


class Load:
    """Requests at a rate, from a few threads, while it is open; and a stream of events.

    Args:
        address: Of the service.
        rate: Requests a second.
        threads: That send them.
    """

    def __init__(self, address: str, rate: float, threads: int = 8) -> None:
        self.host, self.rate = address.removeprefix("http://"), rate
        self.answers: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.open = threading.Event()
        for number in range(threads):
            threading.Thread(target=self._send, args=(number, threads), daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _send(self, number: int, threads: int) -> None:
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        at = number
        while True:
            if not self.open.is_set():
                connection.close()  # as the service does with a connection that is not used
                self.open.wait()
            due = time.monotonic() + threads / self.rate
            path, at = PATHS[at % len(PATHS)], at + threads
            start = time.monotonic()
            connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
            answer = connection.getresponse()
            text = answer.read()
            self.seconds.append(time.monotonic() - start)
            self.answers[f"{answer.status}" + (" locked" if b"is locked" in text else "")] += 1
            time.sleep(max(0.0, due - time.monotonic()))

    def _listen(self) -> None:
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        connection.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        while answer.readline():
            pass


def interval(quiet: np.ndarray[Any, Any], loaded: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """Return the ratio of the medians of pairs, and its 95 % interval."""
    drawn = np.random.default_rng(0).integers(0, len(quiet), (10_000, len(quiet)))
    ratios = np.median(loaded[drawn], axis=1) / np.median(quiet[drawn], axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(np.median(loaded) / np.median(quiet)), float(low), float(high)


def measure(address: str, store: ServiceStore, arguments: argparse.Namespace, folder: Path) -> None:
    """Train a search, and print what the requests cost it."""
    fields = {"task": [arguments.task], "preset": "quick", "fresh_seeds": 2, **FIELDS[arguments.task]}
    ask(address, "PUT", "/runs/run", fields)
    until("the first candidates", lambda: len(spans(store, "run")) > 10)
    (driver,) = [processes.pid_of(one.driver) for one in store.requests([State.RUNNING]) if one.driver is not None]
    supervisor = store.supervisor()
    served = None if supervisor is None else processes.pid_of(supervisor)
    assert driver is not None
    assert served is not None
    load, turns = Load(address, arguments.requests), []
    for turn in range(2 * arguments.pairs):
        loaded = turn % 4 in (1, 2)  # without, with, with, without: a drift falls on both
        (load.open.set if loaded else load.open.clear)()
        time.sleep(1.0)  # until it has its effect
        begin, computed, answering = time.time(), cpu_seconds(driver), cpu_seconds(served)
        time.sleep(arguments.seconds)
        turns.append((loaded, begin, time.time(), cpu_seconds(driver) - computed, cpu_seconds(served) - answering))
    load.open.clear()
    ended = np.array(sorted({end for _, end in spans(store, "run")}))  # cohorts, whose candidates end at a time
    rates: dict[bool, list[float]] = {False: [], True: []}
    costs: dict[bool, list[float]] = {False: [], True: []}
    service_costs: dict[bool, list[float]] = {False: [], True: []}
    for loaded, begin, end, computed, answering in turns:
        within = ended[(ended >= begin) & (ended < end)]
        rates[loaded].append((len(within) - 1) / (within[-1] - within[0]))
        costs[loaded].append(1e3 * computed / len(within))
        service_costs[loaded].append(answering / (end - begin))
    locked = sum(answer.endswith("locked") for answer in load.answers)
    logs = "".join(log.read_text(errors="replace") for log in folder.glob("**/request-*.log"))
    print(f"{sum(load.answers.values())} requests, answered by {dict(load.answers)}; median", end=" ")
    print(f"{1e3 * np.median(load.seconds):.0f} ms, 95 % within {1e3 * np.quantile(load.seconds, 0.95):.0f} ms")
    print(f"'database is locked': {locked} in answers, {logs.count('is locked')} in the driver's log")
    for what, unit, values in (
        ("cohorts that end", "a second", rates),
        ("driver's processor time", "ms a cohort", costs),
    ):
        ratio, low, high = interval(np.array(values[False]), np.array(values[True]))
        quiet, busy = np.median(values[False]), np.median(values[True])
        print(f"{what}: {quiet:.2f} {unit} without, {busy:.2f} with; ratio {ratio:.3f} ({low:.3f} to {high:.3f})")
    print(f"service: {np.median(service_costs[False]):.2f} cores without, {np.median(service_costs[True]):.2f} with")


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Example: python benchmarks/service_load.py --task rosenbrock --pairs 40",
    )
    parser.add_argument("--requests", type=float, default=20.0, metavar="N", help="requests a second")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a turn")
    parser.add_argument("--pairs", type=int, default=12, help="of turns, one without requests and one with")
    parser.add_argument("--task", choices=sorted(FIELDS), default="sleeping")
    parser.add_argument("--sleep", type=float, default=1.0, metavar="SECONDS", help="of a candidate of `sleeping`")
    parser.add_argument("--workers", type=int, default=1, help="of the service")
    arguments = parser.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="lodo-load-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ["TMPDIR"] = name  # where the service writes the logs of drivers
        with (
            service(folder, arguments.workers, arguments.sleep, least=1.0) as (address, database),
            ServiceStore.open(database) as store,
        ):
            measure(address, store, arguments, folder)


if __name__ == "__main__":
    main()
