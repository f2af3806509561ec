"""How long the service's pages take of a study with 100,000 candidates, and whether its memory stays flat.

    python benchmarks/service_pages.py [--database FILE] [--candidates 100000] [--views 1000]

The database is made through the store, with plausible fitnesses and a tenth of the candidates diverged, unless the file
exists already. The server runs in a process of its own; a page is asked for over loopback, and the time is that of the
first byte and of the whole page.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.reading_service import BEARER, application, served
from tuner.core.study import SearchSpec
from tuner.core.trial import Candidate, Evaluation, Key, Role, Status, Trial, Workload
from tuner.storage import Store

POPULATION = 500
STEPS = 1000
SPACE = {
    "optimizer": "Adam",
    "hyperparameters": {
        "learning_rate": {"scale": "log", "default": 0.001},
        "beta_1": {"scale": "decay", "default": 0.9},
        "beta_2": {"scale": "decay", "default": 0.999},
    },
}


def make_database(path: Path, candidates: int, *, curve: int = 50) -> None:
    """Write a search of generations of POPULATION candidates, and leave it with its driver."""
    generations = candidates // POPULATION
    spec = SearchSpec(
        run="large",
        workload=Workload("rosenbrock", "Adam", 16),
        strategy="genetic",
        seed=0,
        generations=generations + 1,
        population=POPULATION,
        parameters={},
        steps=(STEPS,) * (generations + 1),
        fresh_seeds=8,
        space=SPACE,
    )
    random = np.random.default_rng(0)
    with Store.open(str(path)) as store:
        study = store.create_study(spec).id
        epoch = store.acquire(study, owner="elsewhere:1", lease_seconds=3600)
        for generation in range(generations):
            keys = [Key(Role.SEARCH, generation, slot) for slot in range(POPULATION)]
            rates = np.exp(random.normal(-5, 2, POPULATION))
            store.add(
                study,
                epoch,
                [
                    Candidate(
                        (float(np.log(rate)), 0.1, 0.2),
                        Trial(key, {"learning_rate": float(rate), "beta_1": 0.9, "beta_2": 0.999}, 7, STEPS),
                    )
                    for key, rate in zip(keys, rates, strict=True)
                ],
            )
            store.record(study, epoch, [_evaluation(key, random, generation, curve) for key in keys])


def _evaluation(key: Key, random: np.random.Generator, generation: int, curve: int) -> Evaluation:
    diverged = random.random() < 0.1
    at = int(random.integers(1, STEPS))
    return Evaluation(
        key,
        Status.DIVERGED if diverged else Status.FINISHED,
        math.inf if diverged else float(np.exp(random.normal(-generation / 50, 1))),
        random.normal(size=curve).astype(np.float32),
        at if diverged else STEPS,
        0.01,
        node="node-1",
        device="CPU",
        reason=f"loss was nan at evaluation {at}" if diverged else "",
    )


def timed(address: str) -> tuple[float, float, int]:
    """Return the seconds until the first byte and until the last, and the number of bytes."""
    start = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(address, headers=BEARER)) as answer:  # noqa: S310 (an address of this file)
        answer.read(1)
        first = time.perf_counter() - start
        size = 1 + len(answer.read())
    return first, time.perf_counter() - start, size


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def serve(file: str, port: int) -> None:
    """Serve the pages of a database, in this process."""
    with served(application(file), port=port):
        sys.stdin.read()


def measure(file: Path, views: int) -> None:
    """Print the times of the pages, first read and later, and the memory of the server over many views."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "--serve", str(port), "--database", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(300):
                with contextlib.suppress(urllib.error.URLError):
                    timed(f"{address}/static/live.js")
                    break
                time.sleep(0.1)
            pages = {
                "study": "/studies/1",
                "candidates": "/studies/1/candidates",
                "candidates, best first": "/studies/1/candidates?sort=fitness",
                "candidates that diverged": "/studies/1/candidates?status=diverged&sort=-seconds",
                "run": "/runs/large",
                "home": "/",
                "candidate": "/candidates/50000",
            }
            print(f"{'page':26}{'first view':>22}{'median of 20':>22}{'kB':>8}")
            for name, path in pages.items():
                first = timed(address + path)
                later = sorted(timed(address + path)[:2] for _ in range(20))[10]
                print(
                    f"{name:26}{first[0]:>10.3f} /{first[1]:>8.3f} s{later[0]:>10.3f} /{later[1]:>8.3f} s"
                    f"{first[2] / 1000:>8.0f}"
                )
            paths = itertools.cycle(pages.values())
            before = memory_mb(server.pid)
            for number in range(views):
                timed(address + next(paths))
                if number % (views // 5) == views // 5 - 1:
                    print(f"memory after {number + 1:,} views: {memory_mb(server.pid):.0f} MB (before: {before:.0f})")
        finally:
            server.stdin.close()  # type: ignore[union-attr]
            server.wait(timeout=30)


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, default=Path(tempfile.gettempdir()) / "lodo-service-pages.db")
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--views", type=int, default=1000)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(str(arguments.database), arguments.serve)
        return
    if not arguments.database.exists():
        make_database(arguments.database, arguments.candidates)
    measure(arguments.database, arguments.views)


if __name__ == "__main__":
    main()
