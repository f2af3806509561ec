"""Fronts of loss and number of weights on two training functions: `nsga2`, pymoo's NSGA-II and Optuna's.

    pip install pymoo optuna
    python benchmarks/pareto_tasks.py                     # both, 10 searches of 256 trainings each; some minutes
    python benchmarks/pareto_tasks.py --task bumps --seeds 2 --generations 8

`bumps` fits a curve by a sum of bumps, the function of the guide to objectives: number, breadth and penalty are tuned.
`digits` is a network on the 8 × 8 digits of scikit-learn, whose width, learning rate, momentum and weight decay are.

Each program has its defaults, the same population and the same number of trainings. The searches with one number train
all candidates on one seed, the same for all programs; `nsga2` spends its last generation on other seeds where it finds
noise, which is part of that number. What a program recommends is trained again on fresh seeds, the same for all, whose
means are judged: hypervolume of log10 loss and log10 weights below the loss without training and the greatest number of
weights. Of the peers that is what no other training of the search dominates. Ratios are geometric means over the
searches, with 95 % intervals (t, of the logarithms, paired by search).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy: small products gain nothing by threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import moocore
import numpy as np
from numpy.typing import NDArray
from scipy import stats

import tuner
from search_spaces.space import Scale, SearchSpace

Array = NDArray[np.float64]
Values = Mapping[str, Any]
Trained = tuple[float, float]  # loss and number of weights; the loss is inf where training diverged
Evaluate = Callable[[Values], Trained]
Point = tuple[Values, Trained]

FRESH = 8  # seeds on which recommended points are judged
LOST = 1e30  # a loss that is not finite, for programs that take finite ones only


@dataclass(frozen=True)
class Task:
    """A training function of two objectives."""

    space: SearchSpace
    train: Callable[[Values, int], Trained]
    reference: tuple[float, float]  # the loss without training, and the greatest number of weights


def bumps(values: Values, seed: int) -> Trained:
    """Fit a curve by a sum of bumps; each has one weight."""
    random = np.random.default_rng(seed)
    x = random.uniform(-3, 3, 400)
    y = np.sin(2 * x) + np.sin(7 * x) + 0.1 * random.normal(size=400)
    count = values["bumps"]
    features = np.exp(-(((x[:, None] - np.linspace(-3, 3, count)) / values["breadth"]) ** 2))
    inner = features[:200].T @ features[:200] + values["penalty"] * np.eye(count)
    weights = np.linalg.solve(inner, features[:200].T @ y[:200])
    return float(np.mean((features[200:] @ weights - y[200:]) ** 2)), float(count)


@cache
def _digits() -> tuple[Array, Any, Array, Any]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = x / 16.0
    order = np.random.default_rng(0).permutation(len(x))
    train, validation = order[:1200], order[1200:]
    return x[train], y[train], x[validation], y[validation]


def digits(values: Values, seed: int) -> Trained:
    """Train a network of one hidden layer by SGD with momentum for 300 steps of 32."""
    x, y, x_validation, y_validation = _digits()
    width, rate, momentum, decay = (values[name] for name in ("width", "rate", "momentum", "decay"))
    random = np.random.default_rng(seed)
    weights = [
        random.normal(0, math.sqrt(2 / 64), (64, width)),
        np.zeros(width),
        random.normal(0, math.sqrt(1 / width), (width, 10)),
        np.zeros(10),
    ]
    velocity = [np.zeros_like(one) for one in weights]
    with np.errstate(all="ignore"):
        for _ in range(300):
            chosen = random.integers(0, len(x), 32)
            hidden = np.maximum(x[chosen] @ weights[0] + weights[1], 0.0)
            slope = _softmax(hidden @ weights[2] + weights[3])
            slope[np.arange(32), y[chosen]] -= 1.0
            slope /= 32
            back = (slope @ weights[2].T) * (hidden > 0)
            gradients = [x[chosen].T @ back, back.sum(0), hidden.T @ slope, slope.sum(0)]
            for one, speed, gradient in zip(weights, velocity, gradients, strict=True):
                speed *= momentum
                speed -= rate * (gradient + decay * one)
                one += speed
        hidden = np.maximum(x_validation @ weights[0] + weights[1], 0.0)
        shares = _softmax(hidden @ weights[2] + weights[3])[np.arange(len(y_validation)), y_validation]
        loss = float(-np.mean(np.log(np.maximum(shares, 1e-12))))
    return loss if math.isfinite(loss) else math.inf, float(sum(one.size for one in weights))


def _softmax(logits: Array) -> Array:
    powers: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


TASKS = {
    "bumps": Task(
        tuner.space(
            bumps=tuner.integer(32, low=1, high=256, log=True),
            breadth=tuner.log(0.3, low=0.01, high=10.0),
            penalty=tuner.log(0.1, low=1e-3, high=10.0),
        ),
        bumps,
        (1.0, 256.0),
    ),
    "digits": Task(
        tuner.space(
            width=tuner.integer(16, low=2, high=128, log=True),
            rate=tuner.log(0.05, low=1e-3, high=1.0),
            momentum=tuner.decay(0.9, low=0.0, high=0.99),
            decay=tuner.log(1e-4, low=1e-6, high=0.1),
        ),
        digits,
        (math.log(10), 128 * 75 + 10.0),
    ),
}


# Programs: each returns the points that it recommends, and all of the first seed, with their values in the search


def of_ours(task: Task, generations: int, population: int, seed: int) -> tuple[list[Point], list[Point]]:
    """Search by `nsga2`."""
    loop, points = _loop(task, generations, population, seed), []
    usual = loop.waiting[0].trial.seed
    while (candidate := loop.ask()) is not None:
        trained = task.train(candidate.trial.hyperparameters, candidate.trial.seed)
        loop.tell(candidate.key, trained if math.isfinite(trained[0]) else math.inf)
        points.append((candidate, trained))
    assert loop.is_over
    assert len(points) == generations * population
    searched = [(each.trial.hyperparameters, trained) for each, trained in points if each.trial.seed == usual]
    last, before = points[-population:], {each.genome for each, _ in points[:-population]}
    if not all(each.genome in before for each, _ in last):
        return _undominated(searched), searched
    again = {each.genome for each, _ in last}  # the front, on fresh seeds
    trainings: dict[tuple[float, ...], list[Trained]] = defaultdict(list)
    for each, trained in points:
        if each.genome in again and each.trial.seed == usual:
            trainings[each.genome].append(trained)
    for each, trained in last:
        trainings[each.genome].append(trained)
    values = {each.genome: each.trial.hyperparameters for each, _ in last}
    return _undominated([(values[genome], _mean(some)) for genome, some in trainings.items()]), searched


def of_pymoo(task: Task, generations: int, population: int, seed: int) -> tuple[list[Point], list[Point]]:
    """Search by pymoo's NSGA-II; whole numbers are rounded, and scales are ours."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.optimize import minimize

    usual = _loop(task, generations, population, seed).waiting[0].trial.seed
    points: list[Point] = []

    class Noted(ElementwiseProblem):
        def __init__(self) -> None:
            super().__init__(n_var=len(task.space.names), n_obj=2, xl=task.space.lower, xu=task.space.upper)

        def _evaluate(self, x: Array, out: dict[str, Any], *_args: Any, **_keywords: Any) -> None:
            values = task.space.decode(task.space.snapped(x))
            points.append((values, task.train(values, usual)))
            out["F"] = np.minimum(points[-1][1], LOST)

    minimize(Noted(), NSGA2(pop_size=population), ("n_gen", generations), seed=seed)
    return _undominated(points), points


def of_optuna(task: Task, generations: int, population: int, seed: int) -> tuple[list[Point], list[Point]]:
    """Search by Optuna's NSGA-II."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    usual = _loop(task, generations, population, seed).waiting[0].trial.seed
    points: list[Point] = []

    def evaluate(trial: Any) -> Trained:
        values = {one.name: _suggested(trial, one) for one in task.space.dimensions}
        points.append((values, task.train(values, usual)))
        loss, weights = points[-1][1]
        return min(loss, LOST), weights

    sampler = optuna.samplers.NSGAIISampler(population_size=population, seed=seed)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    study.optimize(evaluate, n_trials=generations * population)
    return _undominated(points), points


def _suggested(trial: Any, one: Any) -> Any:
    if one.scale is Scale.INTEGER:
        return trial.suggest_int(one.name, one.low, one.high, log=one.log)
    if one.scale is Scale.DECAY:  # the distance from 1 by its logarithm
        return 1 - trial.suggest_float(one.name, 1 - one.high, 1 - one.low, log=True)
    return trial.suggest_float(one.name, one.low, one.high, log=one.scale is Scale.LOG)


PROGRAMS = {"nsga2": of_ours, "pymoo": of_pymoo, "Optuna": of_optuna}


def _loop(task: Task, generations: int, population: int, seed: int) -> Any:
    from tuner.integrations.search_loop import SearchLoop, planned

    request = {"generations": generations, "population": population, "seed": seed, "fresh_seeds": 0}
    return SearchLoop(planned(task.space, strategy="nsga2", **request), objectives=2)


def _mean(values: Sequence[Trained]) -> Trained:
    loss, weights = np.mean(values, axis=0).tolist()
    return loss, weights


def _undominated(points: Sequence[Point]) -> list[Point]:
    """Return the finished points that no other one dominates, of equal values one."""
    distinct = {trained: values for values, trained in points if math.isfinite(trained[0])}
    if len(distinct) < 2:
        return [(values, trained) for trained, values in distinct.items()]
    kept = moocore.is_nondominated(list(distinct), keep_weakly=True)
    return [(values, trained) for (trained, values), keep in zip(distinct.items(), kept, strict=True) if keep]


def hypervolume(task: Task, values: Sequence[Trained]) -> float:
    """Return the hypervolume of values below the reference, by their logarithms."""
    inside = [one for one in values if one[0] < task.reference[0] and one[1] < task.reference[1]]
    if not inside:
        return 0.0
    return float(moocore.hypervolume(np.log10(inside), ref=np.log10(task.reference)))


def judged(task: Task, points: Sequence[Point], seed: int) -> float:
    """Return the hypervolume of recommended points by their means over fresh seeds."""
    seeds = [10**9 + 1000 * seed + number for number in range(FRESH)]
    means = [_mean([task.train(values, each) for each in seeds]) for values, _ in points]
    return hypervolume(task, means)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return the geometric mean of ratios with its 95 % interval, in words."""
    logs = np.log(ours) - np.log(theirs)
    if len(logs) < 2:
        return f"{math.exp(logs.mean()):.3f}"
    half = stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs))
    low, high = math.exp(logs.mean() - half), math.exp(logs.mean() + half)
    return f"{math.exp(logs.mean()):.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Print a line per task, program and kind of hypervolume."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, action="append", help="Default: both.")
    parser.add_argument("--program", choices=PROGRAMS, action="append", help="Default: all.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--generations", type=int, default=16)
    parser.add_argument("--population", type=int, default=16)
    parser.add_argument("--output", type=Path, help="JSON lines with each hypervolume.")
    arguments = parser.parse_args()
    for name in arguments.task or TASKS:
        task = TASKS[name]
        found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for seed in range(arguments.seeds):
            for program in arguments.program or PROGRAMS:
                recommended, searched = PROGRAMS[program](task, arguments.generations, arguments.population, seed)
                volumes = {
                    "on fresh seeds": judged(task, recommended, seed),
                    "as searched": hypervolume(task, [trained for _, trained in searched]),
                }
                for kind, volume in volumes.items():
                    found[kind][program].append(volume)
                if arguments.output:
                    with arguments.output.open("a", encoding="utf-8") as file:
                        row = {"task": name, "program": program, "seed": seed, "points": len(recommended), **volumes}
                        file.write(json.dumps(row) + "\n")
        for kind, of in found.items():
            for program, volumes in of.items():
                spread = np.std(volumes, ddof=1) if len(volumes) > 1 else 0.0
                versus = (
                    ""
                    if program == "nsga2" or "nsga2" not in of
                    else f"  nsga2 has {ratio(of['nsga2'], volumes)} of it"
                )
                print(f"{name:<7} {kind:<15} {program:<7} {np.mean(volumes):.3f} ± {spread:.3f}{versus}", flush=True)


if __name__ == "__main__":
    main()
