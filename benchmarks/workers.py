"""How busy workers are kept, and what many of them cost the driver.

    python benchmarks/workers.py                     # five optimizers on eight simulated workers, and the costs
    python benchmarks/workers.py --ray --seconds 1   # the same on eight logical GPUs of a real Ray, about a minute

A candidate's training is a pause whose length is drawn log-normally (σ = 0.5). The busy share is the seconds of all
pauses divided by the workers' seconds from the first start to the last end. It is compared with that of the same search
with one study after the other, where each generation waits for its last candidate. The driver's cost is its own
processor time per candidate (strategy, SQLite, decisions) as the number of workers grows, without Ray.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import setting

sys.path.insert(0, str(setting.ROOT))

import numpy as np

from tests.support.simulated_workers import SimulatedPool
from tuner.core.study import SearchSpec
from tuner.core.trial import Evaluation, Status, Trial, Workload
from tuner.execution.pool_executor import PoolExecutor
from tuner.execution.retries import Attempt
from tuner.storage import Store, this_process
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_studies, run_study

OPTIMIZERS = ("Momentum", "RMSprop", "Adam", "Yogi", "LODO")
SIGMA = 0.5


def spec(run: str, optimizer: str, *, population: int = 32, generations: int = 10, scale: float = 1.0) -> SearchSpec:
    """Return a study's specification."""
    return SearchSpec(
        run=run,
        workload=Workload(task="pause", optimizer=optimizer, cohort_size=1, options={"seconds": scale}),
        strategy="paper",
        seed=0,
        generations=generations,
        population=population,
        parameters={"sigmas": list((1.0,) * generations)},
        steps=(10,) * generations,
        fresh_seeds=8,
        space={"optimizer": optimizer, "hyperparameters": {"rate": {"scale": "log", "default": 0.5}}},
    )


def pause(workload: Workload, trial: Trial) -> float:
    """Return a candidate's seconds, drawn by its own seed."""
    draw = np.random.default_rng([trial.seed, len(workload.optimizer)])
    return float(workload.options["seconds"] * draw.lognormal(0.0, SIGMA))


def train(workload: Workload, trials: Sequence[Trial]) -> Iterator[Evaluation]:
    """Pause; stands in for training in Ray's workers."""
    seconds = pause(workload, trials[0])
    time.sleep(seconds)
    yield Evaluation(trials[0].key, Status.FINISHED, seconds, (), trials[0].steps, seconds)


def simulated(workers: int, compilation: float, *, drivers_time: bool = False) -> SimulatedPool:
    """Return a pool in which a pause takes no real time."""

    def seconds(workload: Workload, attempt: Attempt, is_new: bool) -> float:
        return pause(workload, attempt.lanes[0]) + compilation * is_new

    return SimulatedPool(workers, seconds, drivers_time=drivers_time)


def share(folder: Path, *, workers: int, side_by_side: bool, compilation: float) -> float:
    """Return the busy share of a simulated search."""
    pool = simulated(workers, compilation)
    with Store.open(str(folder / f"{workers}-{side_by_side}-{compilation}.db")) as store:
        studies = [store.create_study(spec("run", optimizer)) for optimizer in OPTIMIZERS]
        with PoolExecutor(pool, clock=lambda: pool.now) as executor:
            if side_by_side:
                run_studies(store, studies, executor, NoCallback, owner=this_process())
            for study in [] if side_by_side else studies:
                run_study(store, study, executor, NoCallback(), owner=this_process())
    return pool.busy_share()


def on_ray(folder: Path, seconds: float, workers: int) -> tuple[float, float]:
    """Return the busy share of a search on logical GPUs, and how long it took."""
    from tuner.execution.ray.executor import RayExecutor
    from tuner.execution.ray.session import RaySession
    from tuner.execution.resources import Resources

    spent, moments = [], []
    resources = Resources(workers=workers, gpus_per_candidate=1, dashboard=False)

    class Clock(NoCallback):
        """Adds up the pauses."""

        def on_event(self, event: Any) -> None:
            moments.append(time.perf_counter())
            if isinstance(event, Evaluation):
                spent.append(event.seconds)

    with (
        Store.open(str(folder / "ray.db")) as store,
        RaySession.start(resources, gpus=workers) as session,
        RayExecutor(session, resources, train="workers:train") as executor,
    ):
        studies = [store.create_study(spec("run", optimizer, scale=seconds)) for optimizer in OPTIMIZERS]
        run_studies(store, studies, executor, Clock, owner=this_process())
    elapsed = moments[-1] - moments[0]
    return sum(spent) / (workers * elapsed), elapsed


def cost(folder: Path, workers: int) -> tuple[int, float]:
    """Return the number of candidates of a search that keeps so many workers busy, and the driver's ms for each."""
    pool = simulated(workers, 0.0, drivers_time=True)
    population = max(32, 2 * workers)
    with Store.open(str(folder / f"cost-{workers}.db")) as store:
        studies = [
            store.create_study(spec("run", optimizer, population=population, generations=2)) for optimizer in OPTIMIZERS
        ]
        with PoolExecutor(pool, clock=lambda: pool.now) as executor:
            begun = time.process_time()
            run_studies(store, studies, executor, NoCallback, owner=this_process())
    candidates = len(OPTIMIZERS) * (2 * population + 16)
    return candidates, (time.process_time() - begun) / candidates * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", action="store_true", help="on logical GPUs of a real Ray")
    parser.add_argument("--seconds", type=float, default=1.0, help="median pause on Ray. Default: 1")
    parser.add_argument("--workers", type=int, default=8)
    arguments = parser.parse_args()
    print(setting.machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.ray:
            sys.path.insert(0, str(Path(__file__).parent))
            busy, elapsed = on_ray(folder, arguments.seconds, arguments.workers)
            print(f"busy share    {busy:.1%} of {arguments.workers} logical GPUs on Ray, {elapsed:.0f} s")
            return
        for compilation in (0.0, 10.0):
            both = [
                share(folder, workers=arguments.workers, side_by_side=together, compilation=compilation)
                for together in (True, False)
            ]
            print(
                f"busy share    {both[0]:.1%} of {arguments.workers} workers side by side, {both[1]:.1%} one after the"
                f" other; {compilation:g} s to compile, a median second to train"
            )
        for workers in (8, 64, 1000):
            candidates, each = cost(folder, workers)
            print(f"driver's cost {each:.2f} ms per candidate; {workers} workers, {candidates} candidates")


if __name__ == "__main__":
    main()
