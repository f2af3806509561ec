"""Hypervolume of the fronts of `nsga2`, pymoo's NSGA-II and Optuna's, at equal evaluations.

    pip install pymoo optuna
    python benchmarks/pareto_fronts.py                     # ZDT1 to 3, 10 seeds, 50 generations of 40; some minutes
    python benchmarks/pareto_fronts.py --seeds 2 --generations 25

The test problems are those of Zitzler, Deb and Thiele (2000), with 10 variables from 0 to 1. Each program has its
defaults, the same population and the same number of evaluations. A front is what no other evaluated point of its search
dominates; its hypervolume is that below (1.1, 1.1), the same for all.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import moocore
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Problem = Callable[[Array], tuple[float, float]]

VARIABLES = 10  # as many as a search of hyperparameters may have; 30 in the paper
REFERENCE = (1.1, 1.1)


def zdt1(x: Array) -> tuple[float, float]:
    g = 1 + 9 * float(np.mean(x[1:]))
    return float(x[0]), g * (1 - float(np.sqrt(x[0] / g)))


def zdt2(x: Array) -> tuple[float, float]:
    g = 1 + 9 * float(np.mean(x[1:]))
    return float(x[0]), g * (1 - float((x[0] / g) ** 2))


def zdt3(x: Array) -> tuple[float, float]:
    g = 1 + 9 * float(np.mean(x[1:]))
    return float(x[0]), g * (1 - float(np.sqrt(x[0] / g) + x[0] / g * np.sin(10 * np.pi * x[0])))


PROBLEMS: dict[str, Problem] = {"ZDT1": zdt1, "ZDT2": zdt2, "ZDT3": zdt3}


def of_ours(problem: Problem, generations: int, population: int, seed: int) -> Array:
    """Return the values of all points that `nsga2` evaluated."""
    from tuner.strategies import create

    strategy = create(
        "nsga2",
        mean=[6.0] * VARIABLES,
        lower=[0.0] * VARIABLES,
        upper=[12.0] * VARIABLES,
        population=population,
        steps=(1,) * generations,
        seed=seed,
        parameters={"sigmas": [3.0] * generations},
    )
    values = []
    while (proposal := strategy.ask()) is not None:
        told = [problem(genome / 12) for genome in proposal.genomes]
        strategy.tell(told)
        values += told
    return np.array(values)


def of_pymoo(problem: Problem, generations: int, population: int, seed: int) -> Array:
    """Return the values of all points that pymoo's NSGA-II evaluated."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.optimize import minimize

    values = []

    class Noted(ElementwiseProblem):
        def __init__(self) -> None:
            super().__init__(n_var=VARIABLES, n_obj=2, xl=0.0, xu=1.0)

        def _evaluate(self, x, out, *_args, **_keywords) -> None:
            out["F"] = problem(x)
            values.append(out["F"])

    minimize(Noted(), NSGA2(pop_size=population), ("n_gen", generations), seed=seed)
    return np.array(values)


def of_optuna(problem: Problem, generations: int, population: int, seed: int) -> Array:
    """Return the values of all points that Optuna's NSGA-II evaluated."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.NSGAIISampler(population_size=population, seed=seed)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    study.optimize(
        lambda trial: problem(np.array([trial.suggest_float(f"x{at}", 0.0, 1.0) for at in range(VARIABLES)])),
        n_trials=generations * population,
    )
    return np.array([trial.values for trial in study.trials])


PROGRAMS = {"nsga2": of_ours, "pymoo": of_pymoo, "Optuna": of_optuna}


def main() -> None:
    """Print a line per problem and program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--generations", type=int, default=50)
    parser.add_argument("--population", type=int, default=40)
    parser.add_argument("--output", type=Path, help="JSON lines with each hypervolume.")
    arguments = parser.parse_args()
    for name, problem in PROBLEMS.items():
        for program, evaluated in PROGRAMS.items():
            volumes = []
            for seed in range(arguments.seeds):
                values = evaluated(problem, arguments.generations, arguments.population, seed)
                assert len(values) == arguments.generations * arguments.population
                volumes.append(float(moocore.hypervolume(values, ref=REFERENCE)))
                if arguments.output:
                    with arguments.output.open("a", encoding="utf-8") as file:
                        row = {"problem": name, "program": program, "seed": seed, "hypervolume": volumes[-1]}
                        file.write(json.dumps(row) + "\n")
            spread = statistics.stdev(volumes) if len(volumes) > 1 else 0.0
            print(f"{name}  {program:<7} {statistics.mean(volumes):.4f} ± {spread:.4f}", flush=True)


if __name__ == "__main__":
    main()
