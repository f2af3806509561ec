"""What it saves to end candidates of `genetic` early on networks, and what it costs.

    python benchmarks/pruning.py                                  # 12 searches per problem and arm; some minutes
    python benchmarks/pruning.py --problems softmax --searches 8 --allowances 1.5

Networks in NumPy classify the digits of scikit-learn, or tell them apart without a hidden layer. A search without
pruning, and one with it per allowance, have the same seeds; each tuned point is trained on 32 fresh seeds. A candidate
that was ended is trained to its end afterwards, which costs the search nothing, to know whether that was wrong. A line
has

    saved        share of the evaluations of full trainings that were not made (mean, and the extremes of the searches)
    ratio        geometric mean of the final losses, divided by those without pruning, with a 95 % bootstrap interval
    ended        candidates per search that were ended
    elites       those among them whose loss would have been below that of the worst elite when they were proposed
    best eight   those among them that would have been among the best eight of the full trainings of their search
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tuner
from search_spaces.space import SearchSpace
from tuner.core.objective import Objective
from tuner.core.objective_text import parse
from tuner.core.seeds import strategy_seed, trial_seed
from tuner.core.trial import Key, Milestone, Role
from tuner.strategies import create
from tuner.strategies.rungs import rung_schedule
from tuner.strategies.schedule import ScheduleRequest
from tuner.training.judgement import Look, judge
from tuner.training.milestones import Milestones

Array = NDArray[np.float64]
FRESH = 32


@cache
def digits() -> tuple[Array, NDArray[np.int64], Array, NDArray[np.int64]]:
    """Return images and labels for training and validation."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order] / 16, labels[order]
    return images[:1300], labels[:1300], images[1300:], labels[1300:]


def forward(weights: Sequence[Array], x: Array) -> list[Array]:
    """Return the values of all layers; the last are logarithms of probabilities."""
    layers = [x]
    for at in range(0, len(weights), 2):
        z = layers[-1] @ weights[at] + weights[at + 1]
        layers.append(np.maximum(z, 0) if at + 2 < len(weights) else z)
    z = layers[-1] - layers[-1].max(axis=1, keepdims=True)
    layers[-1] = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return layers


def gradient(weights: Sequence[Array], x: Array, labels: NDArray[np.int64]) -> tuple[float, list[Array]]:
    """Return the cross-entropy, and its gradient."""
    layers = forward(weights, x)
    rows = np.arange(len(labels))
    loss = -float(layers[-1][rows, labels].mean())
    error = np.exp(layers[-1])
    error[rows, labels] -= 1
    error /= len(labels)
    parts: list[Array] = []
    for at in range(len(weights) - 2, -1, -2):
        parts = [layers[at // 2].T @ error, error.sum(axis=0), *parts]
        if at:
            error = (error @ weights[at].T) * (layers[at // 2] > 0)
    return loss, parts


@dataclass(frozen=True)
class Problem:
    """A network, what is tuned, and what is minimised."""

    space: SearchSpace
    sizes: tuple[int, ...]
    steps: int
    batch: int
    objective: Objective
    update: Callable[[Mapping[str, Any], list[Array], dict[str, Any]], list[Array]]
    every: int = 0  # steps between two validations


def adam(values: Mapping[str, Any], parts: list[Array], state: dict[str, Any]) -> list[Array]:
    """Return Adam's update."""
    first, second = values["beta_1"], values["beta_2"]
    state["t"] = t = state.get("t", 0) + 1
    m = state["m"] = [first * a + (1 - first) * g for a, g in zip(state.get("m", [0.0] * 9), parts, strict=False)]
    v = state["v"] = [second * a + (1 - second) * g * g for a, g in zip(state.get("v", [0.0] * 9), parts, strict=False)]
    rate = values["rate"] * math.sqrt(1 - second**t) / (1 - first**t)
    return [rate * a / (np.sqrt(b) + 1e-8) for a, b in zip(m, v, strict=True)]


def momentum(values: Mapping[str, Any], parts: list[Array], state: dict[str, Any]) -> list[Array]:
    """Return the update of gradient descent with momentum and a rate that falls."""
    t = state["t"] = state.get("t", -1) + 1
    v = state["v"] = [values["momentum"] * a + g for a, g in zip(state.get("v", [0.0] * 9), parts, strict=False)]
    rate = values["rate"] * values["decay"] ** (t / 300)
    return [rate * a for a in v]


BETAS = {
    "beta_1": tuner.decay(0.9),
    "beta_2": tuner.decay(0.999),
}
PROBLEMS = {
    "adam": Problem(
        tuner.space(rate=tuner.log(1e-3, low=1e-6, high=10.0), **BETAS),
        (64, 32, 10), 300, 32, parse("training-loss"), adam,
    ),
    "momentum": Problem(
        tuner.space(
            rate=tuner.log(0.01, low=1e-6, high=100.0),
            momentum=tuner.decay(0.9),
            decay=tuner.log(0.5, low=1e-4, high=1.0),
        ),
        (64, 48, 48, 10), 300, 16, parse("validation.loss"), momentum, every=15,
    ),
    "softmax": Problem(
        tuner.space(rate=tuner.log(1e-3, low=1e-6, high=10.0), **BETAS),
        (64, 10), 200, 16, parse("validation.accuracy:max"), adam, every=10,
    ),
}  # fmt: skip


@dataclass
class Run:
    """What became of a training."""

    fitness: float
    evaluations: int
    reached: list[tuple[int, float]] = field(default_factory=list)
    pruned: bool = False


def train(problem: Problem, values: Mapping[str, Any], seed: int, budget: int, milestones: Sequence[Milestone]) -> Run:
    """Train a network as a worker does."""
    x, labels, other_x, other_labels = digits()
    generator = np.random.default_rng(seed)
    weights: list[Array] = []
    for before, after in zip(problem.sizes, problem.sizes[1:], strict=False):
        weights += [generator.standard_normal((before, after)) * math.sqrt(2 / before), np.zeros(after)]
    state: dict[str, Any] = {}
    losses, looks = np.full(budget, np.nan), list[Look]()
    watch = Milestones(milestones, budget, problem.objective)
    reached: list[tuple[int, float]] = []
    for step in range(1, budget + 1):
        batch = generator.integers(0, len(x), problem.batch)
        losses[step - 1], parts = gradient(weights, x[batch], labels[batch])
        weights = [w - u for w, u in zip(weights, problem.update(values, parts, state), strict=True)]
        if not math.isfinite(losses[step - 1]):
            return Run(math.inf, step)
        if problem.every and (step % problem.every == 0 or step == budget):
            scores = forward(weights, other_x)[-1]
            accuracy = float((scores.argmax(axis=1) == other_labels).mean())
            loss = -float(scores[np.arange(len(other_labels)), other_labels].mean())
            value = accuracy if problem.objective.validation_metric == "accuracy" else loss
            if not math.isfinite(value):
                return Run(math.inf, step)
            looks.append(Look(step, math.nan, value))
        if watch.is_due(step):
            reached += [(one.evaluations, one.metrics["fitness"]) for one in watch.reached(step, losses[:step], looks)]
            if watch.pruned:
                return Run(math.inf, step, reached, True)
    _, fitness, _ = judge(losses, budget, problem.objective, looks)
    return Run(fitness, budget, reached)


def search(name: str, seed: int, allowance: float | None, cost: int) -> dict[str, Any]:
    """Return what a search found, and what it saved."""
    np.seterr(all="ignore")
    problem = PROBLEMS[name]
    space, full = problem.space, problem.steps

    @dataclass(frozen=True)
    class Defaults:
        generations: int = 10
        population: int = 8
        sigmas: tuple[float, ...] = (3.0,)
        steps: tuple[int, ...] = (full,)

    schedule = rung_schedule(Defaults(), ScheduleRequest(budget=cost * full))
    strategy: Any = create(
        "genetic",
        mean=space.default_genome(),
        lower=space.lower,
        upper=space.upper,
        population=schedule.population,
        steps=schedule.steps,
        seed=strategy_seed(seed, space.optimizer),
        parameters={**schedule.parameters, **({} if allowance is None else {"pruning": allowance})},
    )
    generation, spent, elites = 0, 0, list[float]()
    finished: list[float] = []
    ended: list[tuple[float, float]] = []  # the loss that it would have had, and that of the worst elite
    while (proposal := strategy.ask()) is not None:
        runs = []
        for slot, genome in enumerate(proposal.genomes):
            key = Key(Role.SEARCH, generation, slot)
            replicate = proposal.replicates[slot] if proposal.replicates else 0
            one_seed = trial_seed(seed, key, proposal.seed_block, replicate)
            milestones = proposal.milestones[slot] if proposal.milestones else ()
            run = train(problem, space.decode(genome), one_seed, proposal.budget, milestones)
            if run.pruned:
                worst = sorted(each.loss for each in strategy._pruning._best.values())[7]
                ended.append((train(problem, space.decode(genome), one_seed, proposal.budget, ()).fitness, worst))
            runs.append(run)
        if proposal.budget == full:
            spent += sum(run.evaluations for run in runs)
            elites.append(full * len(runs))
            finished += [run.fitness for run in runs]
        if allowance is not None:
            strategy.tell_milestones([run.reached for run in runs], [run.pruned for run in runs])
        strategy.tell([run.fitness for run in runs])
        generation += 1
    tuned = space.decode(strategy.result())
    fresh = [train(problem, tuned, 10**9 + 1000 * seed + at, full, ()).fitness for at in range(FRESH)]
    best = sorted(finished)[7]
    return {
        "problem": name,
        "allowance": allowance,
        "search": seed,
        "saved": 1 - spent / sum(elites),
        "final": statistics.mean(fresh),
        "ended": len(ended),
        "elites": sum(loss < worst for loss, worst in ended),
        "best eight": sum(loss < best for loss, _ in ended),
    }


def interval(logs: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a mean."""
    generator = np.random.default_rng(0)
    means = generator.choice(np.array(logs), (10_000, len(logs))).mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def lines(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line per problem and allowance."""
    cells = list(dict.fromkeys((one["problem"], one["allowance"]) for one in results))
    for name, allowance in cells:
        own = {one["search"]: one for one in results if (one["problem"], one["allowance"]) == (name, allowance)}
        without = {one["search"]: one for one in results if (one["problem"], one["allowance"]) == (name, None)}
        shown = PROBLEMS[name].objective.is_max
        if allowance is None:
            value = statistics.mean(one["final"] for one in own.values())
            yield f"{name:9} without pruning: final {-value if shown else value:.4g}"
            continue
        pairs = [(own[at]["final"], without[at]["final"]) for at in own if at in without]
        # The error rate of an accuracy, so that ratios are of positive numbers.
        logs = [math.log((1 + a) / (1 + b)) if shown else math.log(a / b) for a, b in pairs]
        low, high = interval(logs)
        saved = [one["saved"] for one in own.values()]
        means = {key: statistics.mean(one[key] for one in own.values()) for key in ("ended", "elites", "best eight")}
        yield (
            f"{name:9} allowance {allowance:<4g} saved {statistics.mean(saved):.0%} ({min(saved):.0%} to"
            f" {max(saved):.0%}), ratio {math.exp(statistics.mean(logs)):.3f} ({math.exp(low):.3f} to"
            f" {math.exp(high):.3f}), " + ", ".join(f"{key} {mean:.2f}" for key, mean in means.items())
        )


def main() -> None:
    """Search, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", default="adam,momentum,softmax", help="default: all")
    parser.add_argument("--allowances", default="1,1.5,2,3")
    parser.add_argument("--searches", type=int, default=12)
    parser.add_argument("--first", type=int, default=0, help="seed of the first search")
    parser.add_argument("--cost", type=int, default=76, help="of a search, in full trainings")
    parser.add_argument("--together", type=int, default=1, help="searches at the same time")
    parser.add_argument("--results", type=Path, help="a file to which each result is appended, as a line of JSON")
    given = parser.parse_args()
    allowances: list[float | None] = [None, *map(float, given.allowances.split(","))]
    seeds = range(given.first, given.first + given.searches)
    jobs = [(name, seed, each) for name in given.problems.split(",") for seed in seeds for each in allowances]
    results = []
    with ProcessPoolExecutor(given.together) as pool:
        for one in pool.map(search, *zip(*[(*job, given.cost) for job in jobs], strict=True)):
            results.append(one)
            if given.results:
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(one) + "\n")
    print("\n".join(lines(results)))


if __name__ == "__main__":
    main()
