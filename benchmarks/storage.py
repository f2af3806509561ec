"""Benchmark of the storage: reading, resuming, cost per candidate, and concurrent drivers.

python benchmarks/storage.py
python benchmarks/storage.py --url postgresql://me@localhost/empty    # also measures `nothing` there

studies, show     whole commands on 10,000 candidates with 1,000,000 losses, including the start of the process
resume            from `resume` to the first submission of a study of 320 candidates of which 310 are recorded
nothing           strategy and storage of a search of 10 x 32 in cohorts of 16 and of 1; training takes no time
eight drivers     each with a study of its own in one SQLite file, all writing as fast as possible: longest commit
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import setting

sys.path.insert(0, str(setting.ROOT))

import numpy as np

from tuner.core.events import AttemptStarted
from tuner.core.study import SearchSpec, StudyStatus
from tuner.core.trial import Candidate, Evaluation, Key, Role, Status, Trial, Workload
from tuner.execution.executor import Batch, cohorts
from tuner.storage import Store, this_process
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_study

LARGE, POINTS = 10_000, 100
ROUNDS = 5
DRIVERS, COMMITS = 8, 100
LIVE = """
import sys, time
sys.path.insert(0, {root!r})
sys.path.insert(0, {here!r})
import storage
print(storage.commits({url!r}, {run!r}, {begin!r}))
"""


class Nothing:
    """Executor that trains one cohort at a time in no time; it can raise at the first submission."""

    has_room = True

    def __init__(self, *, stop: bool = False) -> None:
        self.stop = stop
        self._under_way: list[tuple[Batch, list[tuple[Trial, ...]]]] = []

    def submit(self, workload: Workload, trials: Sequence[Trial], *, label: str, remaining: int = 0) -> Batch:
        """Add trials."""
        del label, remaining
        if self.stop:
            raise KeyboardInterrupt
        batch = Batch()
        self._under_way.append((batch, cohorts(trials, workload.cohort_size)))
        return batch

    def poll(self) -> None:
        """Start and end the next cohort."""
        batch, left = self._under_way[0]
        cohort = left.pop(0)
        batch.add([AttemptStarted(tuple(trial.key for trial in cohort), 1, "node", 1)])
        for trial in cohort:
            losses = np.full(50, trial.hyperparameters["rate"])
            batch.add([Evaluation(trial.key, Status.FINISHED, float(losses[0]), losses, trial.steps, 0.0)])
        if not left:
            batch.is_open = False
            self._under_way.pop(0)

    def cancel(self) -> None:
        """Do nothing: no cohort runs between two calls."""


def spec(run: str, *, population: int = 32, generations: int = 10, cohort_size: int = 16) -> SearchSpec:
    """Return the specification of a study."""
    return SearchSpec(
        run=run,
        workload=Workload(task="nothing", optimizer="Adam", cohort_size=cohort_size),
        strategy="paper",
        seed=0,
        generations=generations,
        population=population,
        parameters={"sigmas": list((1.0,) * generations)},
        steps=(50,) * generations,
        fresh_seeds=0,
        space={"optimizer": "Adam", "hyperparameters": {"rate": {"scale": "log", "default": 0.5}}},
    )


def filled(url: str, candidates: int, points: int) -> None:
    """Create a database with one complete study."""
    with Store.open(url) as store:
        asked = spec("large", population=candidates // 10)
        study = store.create_study(asked)
        epoch = store.acquire(study.id, owner=this_process())
        draw = np.random.default_rng(0)
        for generation in range(10):
            trials = [
                Trial(Key(Role.SEARCH, generation, slot), {"rate": 0.5}, slot, points)
                for slot in range(candidates // 10)
            ]
            store.add(study.id, epoch, [Candidate((0.0,), trial) for trial in trials])
            store.record(
                study.id,
                epoch,
                [
                    Evaluation(trial.key, Status.FINISHED, 1.0, draw.normal(size=points), points, 0.1)
                    for trial in trials
                ],
            )
        store.finish(study.id, epoch, tuned={"rate": 0.5}, tuned_genome=[0.0])
        store.release(study.id, epoch, StudyStatus.COMPLETE)


def commands(folder: Path) -> None:
    """Measure the time of whole commands on a large database."""
    url = str(folder / "large.db")
    filled(url, LARGE, POINTS)
    for command in (["studies"], ["show", "large"]):
        took = []
        for _ in range(ROUNDS):
            line = [sys.executable, "-m", "tuner.cli", *command, "--database", url]
            elapsed, _ = setting.timed(
                lambda line=line: subprocess.run(line, check=True, capture_output=True, cwd=setting.ROOT)
            )
            took.append(elapsed)
        report(" ".join(command), f"{statistics.median(took):.2f} s, minimum {min(took):.2f}")


def resume(folder: Path) -> None:
    """Measure the time from a resumption to the first submission."""
    url = str(folder / "resume.db")
    with Store.open(url) as store:
        study = store.create_study(spec("run"))
        run_study(store, study, Nothing(), NoCallback(), owner=this_process())
        with store._writing() as connection:  # as if the last ten were unfinished
            connection.exec_driver_sql("DELETE FROM evaluations WHERE candidate_id > 310")
            connection.exec_driver_sql("UPDATE candidates SET status = 'waiting' WHERE id > 310")
            connection.exec_driver_sql("UPDATE studies SET status = 'interrupted', finished_at = NULL, tuned = NULL")
    code = (
        f"import sys, time; sys.path[:0] = [{str(setting.ROOT)!r}, {str(Path(__file__).parent)!r}]\n"
        "begun = time.perf_counter()\n"
        "import storage\n"
        f"storage.again({url!r})\n"
        "print(time.perf_counter() - begun)"
    )
    took = [
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
        for _ in range(ROUNDS)
    ]
    report("resume", f"{statistics.median(took):.2f} s to the first submission, imports included")


def again(url: str) -> None:
    """Resume a study, up to the first submission."""
    with Store.open(url) as store, suppress(KeyboardInterrupt):
        run_study(store, store.studies()[0], Nothing(stop=True), NoCallback(), owner=this_process())


def nothing(url: str, kind: str) -> None:
    """Measure the time of a search without training."""
    with Store.open(url) as store:
        for size in (16, 1):
            took = []
            for number in range(ROUNDS):
                study = store.create_study(spec(f"n{size}-{number}", cohort_size=size))
                elapsed, _ = setting.timed(
                    lambda study=study: run_study(store, study, Nothing(), NoCallback(), owner=this_process())
                )
                took.append(elapsed / 320 * 1e3)
            report("nothing", f"{kind}, cohorts of {size}: {statistics.median(took):.2f} ms per candidate")


def eight(folder: Path) -> None:
    """Measure the longest commit while eight processes write to one file."""
    url, begin = str(folder / "eight.db"), time.time() + 4.0
    Store.open(url).close()
    scripts = [
        LIVE.format(root=str(setting.ROOT), here=str(Path(__file__).parent), url=url, run=f"run{number}", begin=begin)
        for number in range(DRIVERS)
    ]
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for script in scripts
    ]
    outputs = [process.communicate()[0] for process in processes]
    failed = sum(process.returncode != 0 for process in processes)
    waits = [float(word) for text in outputs for word in text.split()]
    report("eight drivers", f"{DRIVERS * COMMITS} commits, {failed} drivers failed, longest wait {max(waits):.2f} s")


def commits(url: str, run: str, begin: float) -> float:
    """Record candidates one by one, and return the longest time for one of them."""
    with Store.open(url) as store:
        study = store.create_study(spec(run, population=COMMITS))
        epoch = store.acquire(study.id, owner=this_process())
        trials = [Trial(Key(Role.SEARCH, 0, slot), {"rate": 0.5}, slot, 50) for slot in range(COMMITS)]
        store.add(study.id, epoch, [Candidate((0.0,), trial) for trial in trials])
        while time.time() < begin:
            time.sleep(0.002)
        waits = []
        for trial in trials:
            one = Evaluation(trial.key, Status.FINISHED, 1.0, np.ones(50), 50, 0.1)
            elapsed, _ = setting.timed(lambda one=one: store.record(study.id, epoch, [one]))
            waits.append(elapsed)
        return max(waits)


def report(what: str, found: str) -> None:
    """Print a line."""
    print(f"{what:14} {found}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="an empty database on a server")
    asked = parser.parse_args()
    print(setting.machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands(folder)
        resume(folder)
        nothing(str(folder / "nothing.db"), "SQLite")
        if asked.url:
            nothing(asked.url, "server")
        eight(folder)


if __name__ == "__main__":
    main()
