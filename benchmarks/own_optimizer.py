"""What an optimizer of one's own costs: copies of Adam beside ours and Keras', and a whole search from its file.

    python benchmarks/own_optimizer.py                # µs a candidate-step in a cohort of 16 on the bowl
    python benchmarks/own_optimizer.py --table        # also seconds from a file to the tuned table on Rosenbrock

The copies are in `own_adam.py`. All loops run on one thread of one process and take turns; before the clock starts,
the losses of each copy are checked against those of what it copies. The search is a process of its own, from its start
to its end: TensorFlow, Ray, checks, search and table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import setting

HERE = Path(__file__).parent
COPIES = {"Adam": f"{HERE}/own_adam.py:MyAdam", "keras:Adam": f"{HERE}/own_adam.py:MyKerasAdam"}
LIMITS = {"Adam": 1.05, "keras:Adam": 1.3}  # ratios that are promised
HYPERPARAMETERS = {"learning_rate": 2.0**-7, "beta_1": 0.875, "beta_2": 1 - 2.0**-10}  # exact in float32
LANES, CHECKED_STEPS = 16, 50
SEARCH = ["--task", "rosenbrock", "--preset", "quick", "--no-dashboard", "--name", "mine"]


def loop_of(name: str, place: str | None, steps: int, values: Mapping[str, float] = HYPERPARAMETERS) -> tuple[Any, Any]:
    """Return a run of the loop that trains candidates, and its first losses."""
    import tensorflow as tf

    import tasks.registry
    from tuner.training.loop import MAX_CHUNK_STEPS, Loop, build_optimizer

    task = tasks.registry.load("noisy-quadratic-bowl")()
    loop = Loop(task, build_optimizer(name, task, list(values), place=place), LANES)
    tensors = {key: tf.constant([value] * LANES, loop.dtype) for key, value in values.items()}
    seeds = tf.constant([[0, lane] for lane in range(LANES)], tf.int32)
    start = loop.begin(tensors, seeds, seeds)

    def run() -> None:
        carry = start
        for done in range(0, steps, MAX_CHUNK_STEPS):
            carry, _ = loop.run(carry, tensors, seeds, done + 1, min(MAX_CHUNK_STEPS, steps - done), steps)

    _, losses = loop.run(start, tensors, seeds, 1, CHECKED_STEPS, steps)
    return run, losses


def candidate_steps(steps: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the microseconds a candidate-step of each optimizer and its copy, and their ratio."""
    import numpy as np

    runs = {}
    for name, place in COPIES.items():
        runs[name, "original"], losses = loop_of(name, None, steps)
        runs[name, "copy"], copied = loop_of(f"My{name.removeprefix('keras:')}", place, steps)
        if not np.allclose(losses, copied, rtol=1e-5):
            sys.exit(f"{place} is no copy of {name}: its losses are {copied[-1]}, not {losses[-1]}")
    for run in runs.values():
        run()
    taken: dict[Any, list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            taken[key].append(setting.timed(run)[0] / (steps * LANES) * 1e6)
    rows = {}
    for name in COPIES:
        ratios = [copy / original for original, copy in zip(taken[name, "original"], taken[name, "copy"], strict=True)]
        medians = {which: statistics.median(taken[name, which]) for which in ("original", "copy")}
        rows[name] = medians | {"ratio": statistics.median(ratios), "limit": LIMITS[name]}
    return rows


def table_seconds() -> float:
    """Return the seconds of a whole search of the copy in our protocol."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tuner.cli", *SEARCH, "--optimizers", COPIES["Adam"]]
        surroundings = {"cwd": folder, "env": setting.os.environ | {"PYTHONPATH": str(setting.ROOT)}}
        seconds, _ = setting.timed(lambda: subprocess.run(command, capture_output=True, check=True, **surroundings))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5_000, help="steps a round")
    parser.add_argument("--rounds", type=int, default=15, help="times that each loop is timed")
    parser.add_argument("--table", action="store_true", help="also a whole search")
    parser.add_argument("--json", action="store_true", help="the rows as JSON")
    arguments = parser.parse_args()
    setting.prepare()
    rows = candidate_steps(arguments.steps, arguments.rounds)
    seconds = table_seconds() if arguments.table else None
    if arguments.json:
        print(json.dumps({"candidate_steps": rows, "table_seconds": seconds}))
        return
    print(f"{setting.machine()}; one thread, float64, cohorts of {LANES}, {arguments.rounds} rounds")
    print(f"{'optimizer':<12} {'µs a candidate-step':>20} {'copy':>8} {'ratio':>7}")
    for name, row in rows.items():
        print(f"{name:<12} {row['original']:>20.3f} {row['copy']:>8.3f} {row['ratio']:>6.2f}×")
    if seconds is not None:
        print(f"from a file to the tuned table on rosenbrock: {seconds:.1f} s")


if __name__ == "__main__":
    main()
