"""What reading a database for people costs: a report of nine searches, and the verbs that list a hundred.

python benchmarks/report.py

report          whole command on 9 searches x 320 candidates with curves, and the page's size
studies, show, table    whole commands on 100 searches x 320 candidates with curves, from start to end of the process
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import setting

sys.path.insert(0, str(setting.ROOT))

import numpy as np

from search_spaces import loader
from tuner.core.study import SearchSpec, StudyStatus
from tuner.core.trial import Candidate, Evaluation, Key, Role, Status, Trial, Workload
from tuner.storage import Store, this_process

NINE = ("Momentum", "RMSprop", "Adam", "Yogi", "L-BFGS", "O-LBFGS", "BFGS", "Levenberg-Marquardt", "LODO")
GENERATIONS, POPULATION, POINTS = 10, 32, 1_000
FRESH = 8
ROUNDS = 5


def searched(store: Store, run: str, optimizer: str, points: int, seed: int) -> None:
    """Store a search that is complete; its losses are drawn, and one candidate in twenty has diverged."""
    space = loader.builtin(optimizer)
    spec = SearchSpec(
        run=run,
        workload=Workload(task="noisy-quadratic-bowl", optimizer=optimizer, cohort_size=16),
        strategy="paper",
        seed=seed,
        generations=GENERATIONS,
        population=POPULATION,
        parameters={"sigmas": np.linspace(3, 0.6, GENERATIONS).tolist()},
        steps=(100, 300, *[points] * (GENERATIONS - 2)),
        fresh_seeds=FRESH,
        space=space.to_dict(),
    )
    draw = np.random.default_rng(seed)
    study = store.create_study(spec)
    epoch = store.acquire(study.id, owner=this_process())

    def put(keys: list[Key], genomes: list[np.ndarray], steps: int) -> None:
        trials = [Trial(key, space.decode(genome), key.slot, steps) for key, genome in zip(keys, genomes, strict=True)]
        store.add(
            study.id,
            epoch,
            [Candidate(tuple(genome.tolist()), trial) for genome, trial in zip(genomes, trials, strict=True)],
        )
        found = []
        for trial in trials:
            if draw.random() < 0.05 and trial.key.role is Role.SEARCH:
                curve = np.append(draw.lognormal(size=16), np.nan)
                reason = "loss was nan at evaluation 17"
                found.append(Evaluation(trial.key, Status.DIVERGED, np.inf, curve, 17, 0.1, reason=reason))
            else:
                curve = draw.lognormal(3 - trial.key.generation / 5, 1, steps)
                fitness = float(curve[-steps // 10 :].mean())
                found.append(Evaluation(trial.key, Status.FINISHED, fitness, curve, steps, 0.1))
        store.record(study.id, epoch, found)

    mean = space.default_genome()
    for generation in range(GENERATIONS):
        drawn = mean + spec.sigmas[generation] * draw.normal(size=(POPULATION, len(mean)))
        genomes = list(np.clip(drawn, space.lower, space.upper))
        keys = [Key(Role.SEARCH, generation, slot) for slot in range(POPULATION)]
        put(keys, genomes, spec.steps[generation])
    for role in (Role.DEFAULT, Role.TUNED):
        put([Key(role, 0, slot) for slot in range(FRESH)], [mean] * FRESH, spec.steps[-1])
    store.finish(study.id, epoch, tuned=space.decode(mean), tuned_genome=mean.tolist())
    store.release(study.id, epoch, StudyStatus.COMPLETE)


def command(cache: Path, *arguments: str) -> str:
    """Return what a whole command takes, by the clock and of the processor; the latter on a busy machine, too.

    The byte code of modules is kept in a folder, as an installed package has it, whatever this process was told.
    """
    line = [sys.executable, "-m", "tuner.cli", *arguments]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    options = {"env": kept | {"PYTHONPYCACHEPREFIX": str(cache)}, "cwd": setting.ROOT}
    subprocess.run(line, check=True, capture_output=True, **options)
    clock, processor = [], []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        clock.append(setting.timed(lambda: subprocess.run(line, check=True, capture_output=True, **options))[0])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return (
        f"{statistics.median(clock):.2f} s, least {min(clock):.2f}; of the processor {statistics.median(processor):.2f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", help="an empty folder, where the databases and the page stay")
    asked = parser.parse_args()
    print(setting.machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(asked.keep or name)
        nine, hundred, page = (str(folder / each) for each in ("nine.db", "hundred.db", "report.html"))
        cache = folder / "byte-code"
        with Store.open(nine) as store:
            for number, optimizer in enumerate(NINE):
                searched(store, "bowl", optimizer, POINTS, number)
        took = command(cache, "report", "--database", nine, "--output", page, "--force")
        print(f"{'report':14} {took}; {Path(page).stat().st_size / 1e6:.1f} MB", flush=True)
        with Store.open(hundred) as store:
            for number in range(100):
                searched(store, f"run{number // 9}", NINE[number % 9], POINTS // 5, number)
        for verb in (["studies"], ["show", "run0"], ["show", "run0/Adam"], ["table"], ["table", "run0"]):
            print(f"{' '.join(verb):14} {command(cache, *verb, '--database', hundred)}", flush=True)


if __name__ == "__main__":
    main()
