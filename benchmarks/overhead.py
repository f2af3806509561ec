"""Milliseconds that a candidate costs beside its training: a study of a task that does nothing, and the parts of it.

    python benchmarks/overhead.py                           # 10 generations of 32, a worker a core
    python benchmarks/overhead.py --workers 1 --no-dashboard --folder .

The study is that of `lodo-tune --task benchmarks/nothing.py:Nothing --optimizers Momentum --steps 1`: the strategy asks
and is told, Ray trains, SQLite keeps every row. The clock starts when the first candidate does, after Ray's own start.
Each worker loads TensorFlow and compiles the loop for its first candidate; the warm figure leaves the first generation
out. The parts are measured by themselves, one candidate after the other, but for Ray, whose workers run side by side:
they show where the time goes and do not add up to the whole.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import setting

TASK = f"{Path(__file__).resolve().parent / 'nothing.py'}:Nothing"
LOSSES = 200  # of a curve that the storage keeps


def specification(arguments: argparse.Namespace) -> Any:
    """Return the study's specification, as the command line makes it."""
    from tuner.studies.planner import SearchRequest, plan_search

    request = SearchRequest(
        task=TASK,
        optimizers=("Momentum",),
        generations=arguments.generations,
        population=arguments.population,
        steps=(1,),
        name="overhead",
    )
    return plan_search(request).specs[0]


def study(spec: Any, executor: Any, database: Path) -> dict[str, float]:
    """Run the study; return milliseconds a candidate of the search: all of them, and without the first generation."""
    from tuner.core.events import AttemptStarted
    from tuner.core.trial import Evaluation, Role
    from tuner.storage import Store, this_process
    from tuner.studies.callbacks import NoCallback
    from tuner.studies.driver import run_study

    begun: list[float] = []
    ended: list[float] = []

    class Clock(NoCallback):
        """Notes when the candidates of the search begin and end."""

        def on_event(self, event: Any) -> None:
            if isinstance(event, AttemptStarted):
                begun.append(time.perf_counter())
            elif isinstance(event, Evaluation) and event.key.role is Role.SEARCH:
                ended.append(time.perf_counter())

    with Store.open(str(database)) as store:
        run_study(store, store.create_study(spec), executor, Clock(), owner=this_process())
    first = ended[spec.population - 1]  # the first generation is over
    return {
        "study": (ended[-1] - begun[0]) / len(ended) * 1e3,
        "study, warm": (ended[-1] - first) / (len(ended) - spec.population) * 1e3,
    }


def ray_alone(spec: Any, session: Any) -> float:
    """Return milliseconds a candidate of an executor whose training function returns at once."""
    from tuner.core.trial import Key, Role, Trial
    from tuner.execution.ray.executor import RayExecutor

    def run(count: int) -> float:
        trials = [Trial(Key(Role.SEARCH, 0, slot), {}, slot, 1) for slot in range(count)]
        elapsed, _ = setting.timed(lambda: list(executor.evaluate(spec.workload, trials, label="nothing")))
        return elapsed / count * 1e3

    with RayExecutor(session, train="nothing:train") as executor:
        run(20)  # the workers import what they need
        return run(10 * spec.population)


def training_alone(spec: Any) -> float:
    """Return the median milliseconds of training a candidate in this process, the loop compiled."""
    from tuner.core.trial import Key, Role, Trial
    from tuner.training.train import train

    trial = Trial(Key(Role.SEARCH, 0, 0), {"learning_rate": 0.01, "momentum": 0.0}, 0, 1)
    taken = [setting.timed(lambda: list(train(spec.workload, [trial])))[0] for _ in range(51)]
    return statistics.median(taken[1:]) * 1e3


def strategy_alone(spec: Any) -> float:
    """Return milliseconds a candidate of asking for genomes, decoding them, and telling their fitnesses."""
    from search_spaces.space import SearchSpace
    from tuner import strategies

    space = SearchSpace.from_dict(spec.space)
    mean = space.default_genome()
    bounds = {"lower": space.lower, "upper": space.upper}
    sizes = {"population": spec.population, "steps": spec.steps, "parameters": spec.parameters}
    strategy = strategies.create(spec.strategy, mean=mean, **bounds, **sizes, seed=0)

    def search() -> None:
        for _ in spec.steps:
            genomes = [space.decode(tuple(map(float, genome))) for genome in strategy.ask().genomes]
            strategy.tell([1.0] * len(genomes))

    elapsed, _ = setting.timed(search)
    return elapsed / (len(spec.steps) * spec.population) * 1e3


def storage_alone(spec: Any, database: Path, *, started: int, recorded: int) -> float:
    """Return the median milliseconds a candidate of a generation that is added, started and recorded.

    Args:
        spec: The study's specification.
        database: A file, new or not.
        started: Candidates that are started in one transaction.
        recorded: Candidates that are recorded in one transaction, each with its curve.
    """
    import numpy as np

    from tuner.core.trial import Candidate, Evaluation, Key, Role, Status, Trial
    from tuner.storage import Store, this_process

    values, losses = {"learning_rate": 0.01, "momentum": 0.0}, np.ones(LOSSES)

    with Store.open(str(database)) as store:
        study = store.create_study(replace(spec, run=f"storage-{started}-{recorded}")).id
        epoch = store.acquire(study, owner=this_process(), lease_seconds=600)

        def generation(number: int) -> None:
            keys = [Key(Role.SEARCH, number, slot) for slot in range(spec.population)]
            store.add(study, epoch, [Candidate((-4.6, 0.0), Trial(key, values, 0, LOSSES)) for key in keys])
            for start in range(0, len(keys), started):
                store.start_attempt(study, epoch, keys[start : start + started], 1, "node", 1)
            results = [Evaluation(key, Status.FINISHED, 1.0, losses, LOSSES, 0.1) for key in keys]
            for start in range(0, len(keys), recorded):
                store.record(study, epoch, results[start : start + recorded])

        taken = [setting.timed(lambda number=number: generation(number))[0] for number in range(spec.generations)]
    return statistics.median(taken) / spec.population * 1e3


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Return milliseconds a candidate: of the whole, and of its parts."""
    from tuner.execution.ray.executor import RayExecutor
    from tuner.execution.ray.session import RaySession
    from tuner.execution.resources import Resources

    spec = specification(arguments)
    parts = {
        "strategy": strategy_alone(spec),
        "storage, singly": storage_alone(spec, folder / "storage.db", started=1, recorded=1),
        "storage, 16 at a time": storage_alone(spec, folder / "storage.db", started=16, recorded=16),
        "training": training_alone(spec),
    }
    with RaySession.start(Resources(workers=arguments.workers, dashboard=not arguments.no_dashboard)) as session:
        with RayExecutor(session) as executor:
            whole = study(spec, executor, folder / "study.db")
        parts["Ray"] = ray_alone(spec, session)
    return whole | parts


MEANINGS = {
    "study": "first candidate's start to last candidate's end",
    "study, warm": "without the first generation, for which the workers load and compile",
    "strategy": "ask, decode, tell",
    "storage, singly": f"two transactions a candidate, as where candidates take long; {LOSSES} losses",
    "storage, 16 at a time": "started and recorded together, as in this study and a toy task's",
    "training": "one step in the compiled loop, in this process",
    "Ray": "a task each, its messages streamed; training returns at once",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--population", type=int, default=32)
    parser.add_argument("--workers", type=int, help="default: one a core")
    parser.add_argument("--no-dashboard", action="store_true", help="as of lodo-tune")
    parser.add_argument("--folder", type=Path, help="where the databases are made; default: the system's for temporary")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    arguments = parser.parse_args()
    if arguments.generations < 2:
        parser.error("--generations is at least 2")
    setting.prepare()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        found = measure(arguments, Path(folder))
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{setting.machine()}; {arguments.generations} × {arguments.population} candidates; ms a candidate")
    for name, milliseconds in found.items():
        print(f"{name:<22} {milliseconds:>9.3f}   {MEANINGS[name]}")


if __name__ == "__main__":
    main()
