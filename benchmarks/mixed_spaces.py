"""Best values of `genetic`, `random` and Optuna's TPE on spaces of integers, choices and conditions.

    pip install optuna
    python benchmarks/mixed_spaces.py                       # 3 problems, 20 searches of 80 evaluations each; a minute
    python benchmarks/mixed_spaces.py --searches 10 --generations 20

The problems are pure functions whose least value, 0, is known. Each program has its defaults, the same search space and
the same number of evaluations. A line has the mean over searches of the best value that a search found, with a 95 %
interval of Student's t; and the mean difference from TPE, with its interval, where searches are independent.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy import stats

import tuner
from search_spaces.space import Scale, SearchSpace

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """A function of hyperparameters whose least value is 0."""

    space: SearchSpace
    value: Callable[[Values], float]


def integers(values: Values) -> float:
    """Five whole numbers, of which two are felt by ratios; two others interact."""
    ratios = math.log2(values["width"] / 192) ** 2 + math.log2(values["batch"] / 48) ** 2
    depth, blocks = values["depth"] - 7, values["blocks"] - 3
    return ratios + 0.1 * (depth + 2 * blocks) ** 2 + 0.2 * blocks**2 + 0.01 * (values["patience"] - 31) ** 2


ACTIVATIONS = {"relu": 0.4, "gelu": 0.0, "tanh": 0.9, "elu": 0.5, "selu": 1.2}
NORMS = {"none": 0.8, "batch": 0.3, "layer": 0.0, "group": 0.2}
RATES = {"sgd": 0.3, "adam": 0.003, "rmsprop": 0.001}
OPTIMIZERS = {"sgd": 0.3, "adam": 0.0, "rmsprop": 0.2}


def choices(values: Values) -> float:
    """Three choices without an order and a rate whose best value depends on one of them."""
    rate = math.log10(values["rate"] / RATES[values["optimizer"]])
    clash = 0.3 * (values["activation"] == "relu" and values["norm"] == "layer")
    parts = ACTIVATIONS[values["activation"]] + NORMS[values["norm"]] + OPTIMIZERS[values["optimizer"]]
    return parts + clash + rate**2


def conditions(values: Values) -> float:
    """A choice of a schedule, of which two have hyperparameters of their own; the best is the narrowest."""
    rate = math.log10(values["rate"] / 0.01) ** 2
    if values["schedule"] == "constant":
        return rate + 0.5
    if values["schedule"] == "cosine":
        return rate + 2 * (values["warmup"] - 0.08) ** 2 * 10 + math.log10(values["final"] / 0.02) ** 2
    return rate + 0.2 + 0.05 * (values["steps"] - 4) ** 2


PROBLEMS = {
    "integers": Problem(
        tuner.space(
            width=tuner.integer(32, low=8, high=1024, log=True),
            batch=tuner.integer(16, low=4, high=512, log=True),
            depth=tuner.integer(3, low=1, high=16),
            blocks=tuner.integer(1, low=1, high=8),
            patience=tuner.integer(10, low=1, high=50),
        ),
        integers,
    ),
    "choices": Problem(
        tuner.space(
            activation=tuner.choice(*ACTIVATIONS),
            norm=tuner.choice(*NORMS),
            optimizer=tuner.choice(*OPTIMIZERS),
            rate=tuner.log(0.01, low=1e-5, high=10.0),
        ),
        choices,
    ),
    "conditions": Problem(
        tuner.space(
            schedule=tuner.choice("constant", "cosine", "step"),
            rate=tuner.log(0.1, low=1e-5, high=10.0),
            warmup=tuner.linear(0.0, low=0.0, high=0.5, only_when={"schedule": "cosine"}),
            final=tuner.log(0.1, low=1e-4, high=1.0, only_when={"schedule": "cosine"}),
            steps=tuner.integer(1, low=1, high=10, only_when={"schedule": "step"}),
        ),
        conditions,
    ),
}


def of_ours(name: str) -> Callable[[Problem, int, int, int], list[float]]:
    """Return what searches by one of our strategies."""

    def searched(problem: Problem, generations: int, population: int, seed: int) -> list[float]:
        from tuner.core.seeds import strategy_seed
        from tuner.integrations.search_loop import planned
        from tuner.strategies import create
        from tuner.studies.coordinates import coordinates_of

        space = problem.space
        spec = planned(space, strategy=name, generations=generations, population=population, seed=seed)
        strategy = create(
            name,
            mean=space.default_genome(),
            lower=space.lower,
            upper=space.upper,
            population=population,
            steps=spec.budgets,
            seed=strategy_seed(seed, space.optimizer),
            parameters=spec.parameters,
            coordinates=coordinates_of(space),
        )
        found: list[float] = []
        while (proposal := strategy.ask()) is not None:
            values = [problem.value(space.decode(genome)) for genome in proposal.genomes]
            found += values
            strategy.tell(values)
        return found

    return searched


def of_tpe(problem: Problem, generations: int, population: int, seed: int) -> list[float]:
    """Return the values that Optuna's TPE evaluates, which begins with the defaults, too."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({name: value for name, value in problem.space.defaults().items() if value is not None})
    study.optimize(lambda trial: problem.value(suggested(problem.space, trial)), n_trials=generations * population)
    return [trial.value for trial in study.trials]


def suggested(space: SearchSpace, trial: Any) -> dict[str, Any]:
    """Return what a trial suggests for each hyperparameter that has an effect, in Optuna's way."""
    values: dict[str, Any] = {}
    for one in space.dimensions:
        if any(values.get(name) not in accepted for name, accepted in one.only_when):
            continue
        if one.scale is Scale.CHOICE:
            values[one.name] = trial.suggest_categorical(one.name, list(one.values))
        elif one.scale is Scale.INTEGER:
            values[one.name] = trial.suggest_int(one.name, one.low, one.high, log=one.log)
        else:
            values[one.name] = trial.suggest_float(one.name, one.low, one.high, log=one.scale is Scale.LOG)
    return values


PROGRAMS = {"genetic": of_ours("genetic"), "random": of_ours("random"), "TPE": of_tpe}


def interval(mean: float, variance: float, degrees: float) -> str:
    """Return a mean with the half width of its 95 % interval."""
    half = float(stats.t.ppf(0.975, max(degrees, 1))) * math.sqrt(variance)
    return f"{mean:7.4f} ± {half:.4f}"


def difference(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return the mean difference of independent searches, with Welch's interval."""
    parts = [statistics.variance(each) / len(each) for each in (ours, theirs)]
    total = sum(parts)
    shares = sum(part**2 / (len(each) - 1) for part, each in zip(parts, (ours, theirs), strict=True))
    return interval(statistics.mean(ours) - statistics.mean(theirs), total, total**2 / shares if shares else 1)


def main() -> None:
    """Print a line per problem and program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--population", type=int, default=8)
    parser.add_argument("--output", type=Path, help="JSON lines with the best value of each search.")
    arguments = parser.parse_args()
    for name, problem in PROBLEMS.items():
        best: dict[str, list[float]] = {}
        for program, searched in PROGRAMS.items():
            for seed in range(arguments.searches):
                values = searched(problem, arguments.generations, arguments.population, seed)
                assert len(values) == arguments.generations * arguments.population
                best.setdefault(program, []).append(min(values))
                if arguments.output:
                    with arguments.output.open("a", encoding="utf-8") as file:
                        row = {"problem": name, "program": program, "seed": seed, "best": min(values)}
                        file.write(json.dumps(row) + "\n")
        for program, found in best.items():
            own = interval(statistics.mean(found), statistics.variance(found) / len(found), len(found) - 1)
            against = "" if program == "TPE" else f"   minus TPE {difference(found, best['TPE'])}"
            print(f"{name:<10}  {program:<7} {own}{against}", flush=True)


if __name__ == "__main__":
    main()
