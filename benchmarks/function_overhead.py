"""Milliseconds that a candidate of an empty training function costs, beside Ray Tune on the same function and Ray.

    python benchmarks/function_overhead.py                  # 10 generations of 64, two workers, 40 trials of Ray Tune

Ours is a whole search: strategy, Ray, and every row in SQLite, with what was reported and printed. The clock starts
with the first generation that finds all workers warm, the second. Ray Tune is the `Tuner` with its defaults, as many
trials at a time as there are workers; it starts a process per trial, which is what it costs.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import setting


def train(hyperparameters: dict[str, Any], *, report: Any) -> None:
    """Report once."""
    report(1, loss=hyperparameters["x"])


def searched(arguments: argparse.Namespace, folder: Path, session: Any) -> float:
    """Return milliseconds per candidate of our search, without its first generation."""
    import tuner
    from tuner.execution.executor import FUNCTION_TRAIN
    from tuner.execution.ray.executor import RayExecutor
    from tuner.execution.resources import Resources
    from tuner.storage import Store, this_process
    from tuner.studies.callbacks import NoCallback
    from tuner.studies.driver import run_study
    from tuner.studies.planner import SearchRequest, plan_search

    starts: dict[str, float] = {}

    class Clock(NoCallback):
        """Notes when each generation begins."""

        def on_batch_begin(self, name: str, budget: int, keys: Any) -> None:
            starts[name] = time.perf_counter()

    request = SearchRequest(
        task=f"{Path(__file__).resolve()}:train",
        strategy=arguments.strategy,
        generations=arguments.generations,
        population=arguments.population,
        steps=(1,),
        name="overhead",
        space=tuner.space(x=tuner.linear(0.5, low=0.0, high=1.0)),
    )
    (spec,) = plan_search(request).specs
    resources = Resources(workers=arguments.workers)
    with (
        Store.open(str(folder / "studies.db")) as store,
        RayExecutor(session, resources, train=FUNCTION_TRAIN, checkpoints=folder) as executor,
    ):
        run_study(store, store.create_study(spec), executor, Clock(), owner=this_process())
        counts = store.find("overhead")[0].counts
    assert sum(counts.values()) == arguments.generations * arguments.population, counts
    seconds = starts["fresh seeds"] - starts["generation 1"]
    return 1000 * seconds / ((arguments.generations - 1) * arguments.population)


def of_ray_tune(arguments: argparse.Namespace, folder: Path) -> float:
    """Return milliseconds per trial of Ray Tune, its start and end included."""
    from ray import tune

    def trainable(config: dict[str, Any]) -> None:
        tune.report({"loss": config["x"]})

    tuned = tune.Tuner(
        trainable,
        param_space={"x": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(num_samples=arguments.trials, max_concurrent_trials=arguments.workers),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    started = time.perf_counter()
    results = tuned.fit()
    seconds = time.perf_counter() - started
    assert not results.errors, results
    assert len(results) == arguments.trials, results
    return 1000 * seconds / arguments.trials


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--population", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trials", type=int, default=40, help="of Ray Tune; 0: leave it out")
    parser.add_argument("--strategy", default="random", help="of our search")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    setting.find_project()
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"

    from tuner.execution.ray.session import RaySession
    from tuner.execution.resources import Resources

    with (
        tempfile.TemporaryDirectory() as folder,
        RaySession.start(Resources(workers=arguments.workers, dashboard=False)) as session,
    ):
        row = {"ours": searched(arguments, Path(folder), session)}
        if arguments.trials:
            row["ray_tune"] = of_ray_tune(arguments, Path(folder) / "ray")
            row["ratio"] = row["ray_tune"] / row["ours"]
    if arguments.json:
        print(json.dumps(row))
        return
    print(setting.machine())
    print(f"an empty training function, {arguments.workers} workers: {row['ours']:.2f} ms per candidate", end="")
    print(f"; Ray Tune {row['ray_tune']:.0f} ms per trial, {row['ratio']:.0f}×" if arguments.trials else "")


if __name__ == "__main__":
    main()
