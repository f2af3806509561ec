"""Microseconds a candidate-step: the compiled loop, alone and in a cohort, beside an eager loop, in one run.

    python benchmarks/candidate_step.py                                     # five optimizers, both toy tasks
    python benchmarks/candidate_step.py --optimizers LODO --lanes 1 16 32
    python benchmarks/candidate_step.py --optimizers all --tasks rosenbrock --json

A candidate-step is one step of one candidate: a loop of 16 lanes takes 16 of them at a time. All loops run on one
thread of one process at the default hyperparameters, and take turns, so that whatever else the machine does falls on
all of them alike. Before the clock starts, the eager losses are checked against the compiled ones.

    eager                 the optimizer of `lodo`, operation by operation, its gradient from a tape
    eager, autodiff       LODO with its hypergradient from that tape as well
    one tf.function       the eager step wrapped in a tf.function, called from a Python loop
    compiled, P lanes     the loop that trains candidates

The ratio is the faster eager loop's median over this one's.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Callable
from typing import Any

import setting

LINE_UP = ("LODO", "Adam", "Momentum", "RMSprop", "Yogi")
TASKS = ("rosenbrock", "noisy-quadratic-bowl")
CHECKED_STEPS = 5
TOLERANCE = 1e-4  # relative; Keras' Adam keeps its learning rate in float32
# These begin with a step of 1e-10: gradients that close differ in few digits only, and rounding soon shows.
SENSITIVE = {"L-BFGS": 2, "O-LBFGS": 2}  # steps that are checked

Run = Callable[[], int]  # trains, and returns the candidate-steps that it took


def seeds(lanes: int) -> Any:
    """Return a seed for each lane, int32 [P, 2]; the first one is that of the eager loops."""
    import eager
    import tensorflow as tf

    return eager.SEED + tf.constant([[0, lane] for lane in range(lanes)])


def compiled(task: Any, optimizer: Any, values: dict[str, float], lanes: int, steps: int) -> tuple[Run, Any]:
    """Return a run of the loop that trains candidates, and its first losses."""
    import tensorflow as tf

    from tuner.training.loop import MAX_CHUNK_STEPS, Loop

    loop = Loop(task, optimizer, lanes)
    hyperparameters = {name: tf.constant([value] * lanes, loop.dtype) for name, value in values.items()}
    start = loop.begin(hyperparameters, seeds(lanes), seeds(lanes))

    def run() -> int:
        carry = start
        for done in range(0, steps, MAX_CHUNK_STEPS):
            size = min(MAX_CHUNK_STEPS, steps - done)
            carry, _ = loop.run(carry, hyperparameters, seeds(lanes), done + 1, size, steps)
        return steps * lanes

    _, losses = loop.run(start, hyperparameters, seeds(lanes), 1, CHECKED_STEPS, steps)
    return run, losses[:: optimizer.evaluations_per_step, 0]


def checked_states(task: Any, *, jit_compile: bool) -> list[Any]:
    """Return the task's own states of the first steps; XLA draws other noise than TensorFlow from the same seed."""
    import tensorflow as tf

    advance = tf.function(task.advance, jit_compile=jit_compile)
    states = [task.initial(seeds(1))[1]]
    for t in range(1, CHECKED_STEPS + 1):
        states.append(advance(states[-1], seeds(1), tf.constant(t)))
    return states[1:]


def check(step: Callable[[], Any], expected: Any, where: str) -> None:
    """Exit unless an eager loop finds the losses that the compiled one found."""
    import eager
    import numpy as np

    found = eager.losses(step, len(expected))
    if not np.allclose(found, expected, rtol=TOLERANCE):
        sys.exit(f"{where}: the eager losses {found} are not the compiled {expected}")


def loops(task_name: str, name: str, lanes: list[int], steps: int, eager_steps: int) -> dict[str, Run]:
    """Return runs of all loops for one task and optimizer, each traced, compiled and run once."""
    import eager

    import tasks.registry
    from search_spaces import loader
    from tuner.training.loop import build_optimizer

    task = tasks.registry.load(task_name)()
    optimizer = build_optimizer(name, task)
    values = loader.builtin(name).defaults()
    found: dict[str, Run] = {}
    for width in lanes:
        found[f"compiled, {width} lane{'s' * (width > 1)}"], losses = compiled(task, optimizer, values, width, steps)

    makers = {"eager": lambda problem: eager.loop(optimizer, values, problem, horizon=steps)}
    if name == "LODO":
        makers["eager, autodiff"] = lambda problem: eager.autodiff_lodo(values, problem)
    states = checked_states(task, jit_compile=task.jit_compile and optimizer.jit_compile)
    with eager.operation_by_operation():
        for loop, make in makers.items():
            problem, given = eager.PROBLEMS[task_name](task), iter(states)
            problem.advance = lambda _, given=given: next(given)
            check(make(problem), losses[: SENSITIVE.get(name)], f"{task_name}, {name}, {loop}")
    makers["one tf.function"] = lambda problem: eager.loop(optimizer, values, problem, horizon=steps, compile=True)

    def stepper(loop: str) -> Run:
        # Ten times as many steps of what is some ten times as fast.
        count = eager_steps * 10 if loop == "one tf.function" else eager_steps
        step = makers[loop](eager.PROBLEMS[task_name](task))

        def run() -> int:
            eager.losses(step, count)
            return count

        def run_eagerly() -> int:
            with eager.operation_by_operation():
                return run()

        return run if loop == "one tf.function" else run_eagerly

    found = {loop: stepper(loop) for loop in makers} | found
    for run in found.values():
        run()
    return found


def measure(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row a task, optimizer and loop: median and least microseconds a candidate-step."""
    pairs = list(itertools.product(arguments.tasks, arguments.optimizers))
    runs = {}
    for pair in pairs:
        print(f"compiling {pair[1]} on {pair[0]}", end="\x1b[K\r", file=sys.stderr, flush=True)
        made = loops(*pair, arguments.lanes, arguments.steps, arguments.eager_steps)
        runs |= {(*pair, loop): run for loop, run in made.items()}
    taken: dict[Any, list[float]] = {key: [] for key in runs}
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}", end="\x1b[K\r", file=sys.stderr, flush=True)
        for key, run in runs.items():
            elapsed, count = setting.timed(run)
            taken[key].append(elapsed / count * 1e6)
    print(end="\x1b[K", file=sys.stderr, flush=True)
    medians = {key: statistics.median(times) for key, times in taken.items()}
    rows = []
    for key, times in taken.items():
        eager = min(medians[other] for other in medians if other[:2] == key[:2] and other[2].startswith("eager"))
        row = dict(zip(("task", "optimizer", "loop"), key, strict=True))
        rows.append(row | {"median": medians[key], "least": min(times), "ratio": eager / medians[key]})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS, metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--optimizers", nargs="+", default=LINE_UP, metavar="NAME", help="names, or all")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16], help="candidates of the compiled loops")
    parser.add_argument("--steps", type=int, default=1_000, help="steps a round of a compiled loop")
    parser.add_argument("--eager-steps", type=int, default=10, help="steps a round of an eager loop")
    parser.add_argument("--rounds", type=int, default=5, help="times that each loop is timed")
    parser.add_argument("--json", action="store_true", help="the rows as JSON")
    arguments = parser.parse_args()
    setting.prepare()
    import lodo.registry

    if arguments.optimizers == ["all"]:
        arguments.optimizers = list(lodo.registry.OPTIMIZERS)
    for name in arguments.optimizers:
        lodo.registry.check(name)
    rows = measure(arguments)
    if arguments.json:
        print(json.dumps(rows))
        return
    print(f"{setting.machine()}; one thread, float64, {arguments.rounds} rounds; µs a candidate-step")
    print(f"{'task':<20} {'optimizer':<20} {'loop':<19} {'median':>10} {'least':>10} {'ratio':>8}")
    for row in rows:
        print(
            f"{row['task']:<20} {row['optimizer']:<20} {row['loop']:<19} {row['median']:>10.2f} {row['least']:>10.2f}"
            f" {row['ratio']:>7,.1f}×"
        )


if __name__ == "__main__":
    main()
