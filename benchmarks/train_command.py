"""Seconds that `lodo-tune train` takes for LODO on a toy task, beside the same steps in an eager loop, in one run.

    python benchmarks/train_command.py                      # 2,000 steps on the noisy quadratic bowl
    python benchmarks/train_command.py --steps 10000 --rounds 5

The command runs in a process of its own. Its seconds of training are those that it reports, after TensorFlow was
loaded and the loop compiled; the whole process is timed from outside. The eager loop is LODO by autodiff with a tape a
step, in float64 on one thread; a part of its steps is timed and scaled to all of them. The two take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

import setting

TASKS = ("noisy-quadratic-bowl", "rosenbrock")


def command(task: str, steps: int) -> tuple[float, float]:
    """Return the seconds of training that the command reports, and those of its whole process."""
    line = [sys.executable, "-m", "tuner.cli", "train", "--task", task, "--optimizer", "LODO", "--steps", str(steps)]
    surroundings = {**os.environ, "PYTHONPATH": str(setting.ROOT)}
    elapsed, done = setting.timed(
        lambda: subprocess.run([*line, "--json"], env=surroundings, stdout=subprocess.PIPE, text=True, check=True)
    )
    return json.loads(done.stdout)["runs"][0]["seconds"], elapsed


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the medians: seconds of the command's training, of its process, and of the eager loop."""
    import eager

    import tasks.registry
    from search_spaces import loader

    values = loader.builtin("LODO").defaults()
    problem = eager.PROBLEMS[arguments.task](tasks.registry.load(arguments.task)())
    step = eager.autodiff_lodo(values, problem)
    eager.losses(step, 5)  # the first calls set things up
    training, process, eager_loop = [], [], []
    for _ in range(arguments.rounds):
        reported, whole = command(arguments.task, arguments.steps)
        training.append(reported)
        process.append(whole)
        elapsed, _ = setting.timed(lambda: eager.losses(step, arguments.eager_steps))
        eager_loop.append(elapsed / arguments.eager_steps * arguments.steps)
    medians = {"training": training, "process": process, "eager": eager_loop}
    found: dict[str, Any] = {name: statistics.median(taken) for name, taken in medians.items()}
    found |= {"ratio": found["eager"] / found["training"], "ratio_process": found["eager"] / found["process"]}
    return {"task": arguments.task, "steps": arguments.steps, "eager_steps": arguments.eager_steps, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default=TASKS[0])
    parser.add_argument("--steps", type=int, default=2_000, help="gradient evaluations")
    parser.add_argument("--eager-steps", type=int, default=100, help="steps of the eager loop that a round times")
    parser.add_argument("--rounds", type=int, default=3, help="times that each is timed")
    parser.add_argument("--json", action="store_true", help="the medians as JSON")
    arguments = parser.parse_args()
    setting.prepare()
    found = measure(arguments)
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{setting.machine()}; LODO on {found['task']}, {found['steps']:,} steps, median of {arguments.rounds}")
    print(f"lodo-tune train, as it reports      {found['training']:>9.3f} s")
    print(f"lodo-tune train, the whole process  {found['process']:>9.3f} s")
    print(f"eager loop                          {found['eager']:>9.3f} s   scaled from {found['eager_steps']:,} steps")
    print(f"eager loop / as it reports          {found['ratio']:>8,.0f}×")
    print(f"eager loop / the whole process      {found['ratio_process']:>8,.1f}×")


if __name__ == "__main__":
    main()
