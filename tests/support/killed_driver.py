"""A driver that kills itself: `python -m tests.support.killed_driver DATABASE POINT COUNT [comparison]`.

It creates or resumes a small study, a search or a comparison, with a substitute for training. When it reaches POINT for
the COUNT-th time, it ends like a process that is killed by SIGKILL; with COUNT 0 it never does. The points are added
here by patching; the program itself has none.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tuner.core.events import LaneObservations, TrainingProgress
from tuner.core.study import ComparisonSpec, Point, SearchSpec, StudyStatus
from tuner.core.trial import Evaluation, Measurement, Status, Trial, Workload
from tuner.execution.in_process import InProcessExecutor
from tuner.storage import Store, this_process, transactions
from tuner.strategies.generational import Generational
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_study

POINTS = (
    "before a transaction",
    "before a commit",
    "after a commit",
    "before training",
    "within training",
    "after training",
    "before telling the strategy",
    "after telling the strategy",
)
GENERATIONS, POPULATION = 4, 8
SECONDS = float(os.environ.get("COHORT_SECONDS", "0"))  # of training per cohort


def spec() -> SearchSpec:
    """Return the specification of a search: four generations of eight candidates in cohorts of four."""
    return SearchSpec(
        run="run",
        workload=Workload(task="stand-in", optimizer="Adam", cohort_size=4),
        strategy="paper",
        seed=1,
        generations=GENERATIONS,
        population=POPULATION,
        parameters={"sigmas": [1.0, 0.6, 0.4, 0.2]},
        steps=(10,) * GENERATIONS,
        fresh_seeds=2,
        space={"optimizer": "Adam", "hyperparameters": {"rate": {"scale": "log", "default": 0.5}}},
    )


def comparison() -> ComparisonSpec:
    """Return the specification of a comparison: two points on eight seeds in cohorts of four."""
    search = spec()
    return ComparisonSpec(
        run=search.run,
        workload=search.workload,
        space=search.space,
        seed=0,
        seeds=POPULATION,
        steps=10,
        points=(Point({"rate": 0.5}, value=0.5), Point({"rate": 1.5}, value=1.5)),
        measurement=Measurement(validate_every=5),
        source="the defaults",
        sweep="momentum",
    )


def train(workload: Workload, trials: Sequence[Trial]) -> Iterator[TrainingProgress | LaneObservations | Evaluation]:
    """Yield losses that depend only on the candidate, smallest at rate 2, and measurements if they are requested."""
    for part in range(2):
        time.sleep(SECONDS / 2)
        if workload.measurement is not None:
            metrics = {"loss": [float(_losses(trial)[5 * part]) for trial in trials]}
            yield LaneObservations("validation", 5 * part, math.nan, math.nan, metrics)
        yield TrainingProgress(5 * (part + 1), np.stack([_losses(trial)[:5] for trial in trials], axis=1))
    for trial in {trial.key: trial for trial in trials}.values():
        losses = _losses(trial)
        yield Evaluation(trial.key, Status.FINISHED, float(losses[-1]), losses, trial.steps, 0.01)


def _losses(trial: Trial) -> Any:
    distance = (math.log(trial.hyperparameters["rate"]) - math.log(2)) ** 2
    return distance + np.random.default_rng(trial.seed).uniform(0, 1e-3, trial.steps)


def patch(point: str, count: int) -> None:
    """Make this process kill itself when it reaches a point for the count-th time."""
    remaining = count

    def reach(name: str) -> None:
        nonlocal remaining
        if name == point:
            remaining -= 1
            if remaining == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    original = transactions.writing

    @contextmanager
    def writing(*arguments: Any) -> Iterator[Any]:
        reach("before a transaction")
        with original(*arguments) as opened:
            yield opened
            reach("before a commit")
        reach("after a commit")

    transactions.writing = writing
    _around(InProcessExecutor, "submit", reach, before="before training")
    _around(InProcessExecutor, "poll", reach, after="within training")
    _around(InProcessExecutor, "withdraw", reach, after="after training")
    _around(Generational, "tell", reach, before="before telling the strategy", after="after telling the strategy")


def _around(owner: Any, name: str, reach: Callable[[str], None], *, before: str = "", after: str = "") -> None:
    """Add points before and after a method."""
    method = getattr(owner, name)

    def wrapper(self: Any, *arguments: Any, **others: Any) -> Any:
        reach(before)
        result = method(self, *arguments, **others)
        reach(after)
        return result

    setattr(owner, name, wrapper)


def main() -> None:
    """Run or resume the study, until it ends or the point is reached."""
    database, point, count, *kind = sys.argv[1:]
    if point not in POINTS:
        sys.exit(f"no such point: {point}")
    patch(point, int(count))
    with Store.open(database, patience=float(os.environ.get("PATIENCE", "0"))) as store:
        studies = store.studies() or [store.create_study(comparison() if kind else spec())]
        if studies[0].status != StudyStatus.COMPLETE:
            with InProcessExecutor(train="tests.support.killed_driver:train") as workers:
                run_study(store, studies[0], workers, NoCallback(), owner=this_process())
    print("complete", flush=True)


if __name__ == "__main__":
    main()
