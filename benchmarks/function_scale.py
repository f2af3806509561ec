"""What many candidates of a training function, and much that they print, cost the driver.

    python benchmarks/function_scale.py                     # 10,000 candidates on 1,000 simulated workers, a minute
    python benchmarks/function_scale.py --ray               # functions that print 100 MB and nothing, on a real Ray

Simulated workers send what those of a training function send: reports, what was printed, and a result. The cost is the
driver's processor time per candidate: strategy, SQLite with every row, decisions, without Ray. On Ray, the same search
is run twice, on a function that prints nothing and one that prints many megabytes; the driver's processor time has what
Ray takes in this process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import setting

sys.path.insert(0, str(setting.ROOT))

import numpy as np

import tuner
from tests.support.simulated_workers import SimulatedPool
from tuner.core.events import LaneObservations, Reported
from tuner.core.trial import Evaluation, Status
from tuner.execution.messages import Update
from tuner.execution.pool_executor import PoolExecutor
from tuner.execution.retries import Attempt
from tuner.storage import Store, this_process
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_study
from tuner.studies.planner import SearchRequest, plan_search

SPLIT = "validation"
LINE = "x" * 999 + "\n"
CANDIDATES = 8  # of a search on Ray


def train(hyperparameters: dict[str, Any], *, budget: int, report: Callable[..., None]) -> None:
    """Print as many megabytes as the hyperparameter says, and report."""
    for _ in range(1_000 * hyperparameters["megabytes"]):
        sys.stdout.write(LINE)
    for step in range(1, budget + 1):
        report(step, loss=hyperparameters["x"] ** 2)


class FunctionWorkers(SimulatedPool):
    """Simulated workers that train by a function; a run takes about a second of their time."""

    def __init__(self, workers: int, printed: str) -> None:
        super().__init__(
            workers,
            lambda workload, attempt, is_new: float(np.random.default_rng(attempt.lanes[0].seed).lognormal(0, 0.5)),
            drivers_time=True,
        )
        self._printed = printed or None

    def updates(self, attempt: Attempt, seconds: float) -> list[Update]:
        """Return reports and output, and then the last report and the result together, as a worker sends them."""
        (trial,) = attempt.lanes
        loss = trial.hyperparameters["x"] ** 2 + trial.seed % 7 / 10
        reports = [
            LaneObservations(SPLIT, step, seconds, seconds, {"loss": (loss,)}) for step in range(1, trial.steps + 1)
        ]
        result = Evaluation(trial.key, Status.FINISHED, loss, (), trial.steps, seconds)
        printed = self._printed and f"{trial.key}\n{self._printed}"  # a text of its own, as each message has
        last = Reported(tuple(reports[-1:]), printed, is_last=True)
        return [Update((Reported(tuple(reports[:-1]), printed),)), Update((last, result))]


def request(arguments: argparse.Namespace, name: str, megabytes: int = 0) -> SearchRequest:
    """Return the request of a search."""
    return SearchRequest(
        task=f"{Path(__file__).resolve()}:train",
        strategy=arguments.strategy,
        generations=arguments.generations,
        population=arguments.population,
        steps=(10,),
        fresh_seeds=1,
        name=name,
        space=tuner.space(x=tuner.linear(0.5, low=-1.0, high=1.0), megabytes=megabytes),
    )


def simulated(folder: Path, arguments: argparse.Namespace, printed: str, name: str) -> str:
    """Return a line with the driver's milliseconds per candidate, and the size of the database."""
    pool = FunctionWorkers(arguments.workers, printed)
    path, before = folder / f"{name}.db", most_memory()
    with Store.open(str(path)) as store, PoolExecutor(pool, clock=lambda: pool.now) as executor:
        (spec,) = plan_search(request(arguments, name)).specs
        started, begun = time.perf_counter(), time.process_time()
        run_study(store, store.create_study(spec), executor, NoCallback(), owner=this_process())
        spent, elapsed = time.process_time() - begun, time.perf_counter() - started
        counts = store.find(name)[0].counts
    check(counts)
    each = 1000 * spent / sum(counts.values())
    return (
        f"{name:<16} {each:6.2f} ms of the driver per candidate; {sum(counts.values())} candidates, {arguments.workers}"
        f" workers, {elapsed:.0f} s, {path.stat().st_size / 1e6:.0f} MB of database,"
        f" {(most_memory() - before) / 1e6:.0f} MB more memory"
    )


def most_memory() -> int:
    """Return the most bytes that this process has held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def check(counts: Mapping[str, int]) -> None:
    """Check that every candidate has finished."""
    assert counts["finished"] == sum(counts.values()), counts


def on_ray(folder: Path, session: Any, arguments: argparse.Namespace, megabytes: int, name: str) -> str:
    """Return a line with the driver's processor time and the clock for a search whose candidates print so much."""
    from tuner.execution.executor import FUNCTION_TRAIN
    from tuner.execution.ray.executor import RayExecutor
    from tuner.execution.resources import Resources

    resources = Resources(workers=2)
    with (
        Store.open(str(folder / f"{name}.db")) as store,
        RayExecutor(session, resources, train=FUNCTION_TRAIN, checkpoints=folder) as executor,
    ):
        short = replace(request(arguments, name, megabytes), generations=2, population=CANDIDATES)
        (spec,) = plan_search(short).specs
        started, begun = time.perf_counter(), time.process_time()
        run_study(store, store.create_study(spec), executor, NoCallback(), owner=this_process())
        spent, elapsed = time.process_time() - begun, time.perf_counter() - started
        (study,) = store.find(name)
        counts, outputs = study.counts, [store.output(study.id, one.key) for one in store.candidates(study.id)]
    check(counts)
    return (
        f"{name:<16} {spent:6.2f} s of the driver, {elapsed:.1f} s by the clock; {sum(counts.values())} candidates; at"
        f" most {max(map(len, outputs)) / 1000:.0f} kB of output kept of each"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=5)
    parser.add_argument("--population", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--ray", action="store_true", help="much output, on two workers of a real Ray")
    parser.add_argument("--megabytes", type=int, default=100, help="printed by each candidate on Ray")
    arguments = parser.parse_args()
    print(setting.machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not arguments.ray:
            for what, printed in (("nothing printed", ""), ("a line printed", LINE[:60]), ("48 kB kept", LINE * 48)):
                print(simulated(folder, arguments, printed, what.replace(" ", "-")), flush=True)
            return
        from tuner.execution.ray.session import RaySession
        from tuner.execution.resources import Resources

        with RaySession.start(Resources(workers=2, dashboard=False)) as session:
            for turn, megabytes in enumerate((0, arguments.megabytes) * 2):
                print(on_ray(folder, session, arguments, megabytes, f"{megabytes}-MB-{turn // 2}"), flush=True)


if __name__ == "__main__":
    main()
