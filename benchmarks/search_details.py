"""How far the details of a search can be trusted, on simulated searches.

python benchmarks/search_details.py

tolerances    ends of tolerances on quadratics, whose intervals are known: how many are determined, and their errors in
              units of half the interval
doublings     what the last doubling of a random search brought, and what the next one brings, in log losses
extensions    what the last five of ten generations brought by the best so far, and what ten more bring by the true loss
              of the result, in log losses
limits        what `genetic` loses without its factor for candidates beside failures, where the loss falls towards a
              limit beyond which training diverges
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import setting

sys.path.insert(0, str(setting.ROOT))

import numpy as np
from numpy.typing import NDArray

from search_spaces.space import SearchSpace
from tests.support.builders import run, spec, study
from tuner import strategies
from tuner.core.study import CandidateRecord
from tuner.core.trial import Role, Status
from tuner.results.analysis.best_of import best_of
from tuner.results.analysis.landscape import SHARE, tolerances

Array = NDArray[np.float64]
Loss = Callable[[Array], float]

SIGMA = 3.0
OWN_NOISE = 0.3  # of a candidate, in units of what its generation has in common
MAX_LOSS = 2_000.0  # of the quadratics; higher losses diverge
FRESH_SEEDS = 8


def noisy(loss: float, noise: float, common: float, rng: np.random.Generator) -> float:
    """Return a loss with the noise of its generation and its own; +inf stays."""
    return loss * math.exp(noise * (common + OWN_NOISE * rng.normal())) if math.isfinite(loss) else loss


def searched(
    loss: Loss, strategy: str, dimensions: int, population: int, generations: int, noise: float, seed: int
) -> tuple[Array, list[tuple[Array, list[float], list[int]]]]:
    """Return the tuned genome of a search from 0, and genomes, losses and seeds of each generation."""
    created = strategies.create(
        strategy,
        mean=[0.0] * dimensions,
        lower=[-700.0] * dimensions,
        upper=[700.0] * dimensions,
        population=population,
        steps=(200,) * generations,
        seed=seed,
        parameters={"sigmas": [SIGMA] * generations, "draws": "sobol"},
    )
    rng, trained = np.random.default_rng(seed), []
    while (proposal := created.ask()) is not None:
        common, block = rng.normal(), 1_000 * len(trained)
        losses = [noisy(loss(genome), noise, common, rng) for genome in proposal.genomes]
        # Without a common seed each candidate has its own; random search has one block for all generations.
        shared = block if proposal.seed_block is None else 1_000 * proposal.seed_block
        own = range(population) if proposal.seed_block is None else proposal.replicates or (0,) * population
        trained.append((proposal.genomes, losses, [shared + number for number in own]))
        created.tell(losses)
    return np.array(created.result()), trained


def errors(strategy: str, dimensions: int, population: int, generations: int, noise: float, seed: int) -> list[Any]:
    """Return the error of each end of the tolerances of a search, or None where it is not determined."""
    rng = np.random.default_rng([seed, 1])
    centre, curvatures = 1.5 * rng.normal(size=dimensions), rng.choice([0.03, 0.3, 1.0], size=dimensions)

    def loss(genome: Array) -> float:
        value = float(10 * (1 + (curvatures * (genome - centre) ** 2).sum()))
        return value if value < MAX_LOSS else math.inf

    tuned, trained = searched(loss, strategy, dimensions, population, generations, noise, seed)
    candidates = [
        made(Role.SEARCH, generation, slot, genome, loss, seed)
        for generation, (genomes, losses, seeds) in enumerate(trained)
        for slot, (genome, loss, seed) in enumerate(zip(genomes, losses, seeds, strict=True))
    ]
    for slot in range(FRESH_SEEDS):
        common = rng.normal()
        for role, genome in ((Role.TUNED, tuned), (Role.DEFAULT, np.zeros(dimensions))):
            candidates.append(made(role, 0, slot, genome, noisy(loss(genome), noise, common, rng), 10**7 + slot))
    hyperparameters = {f"h{at}": {"scale": "log", "default": 1.0} for at in range(dimensions)}
    space = SearchSpace.from_dict({"optimizer": "Any", "hyperparameters": hyperparameters})
    of = spec(space.to_dict(), steps=(200,) * generations, population=population)
    found = []
    for at, one in enumerate(tolerances(replace(study(of), tuned=space.decode(tuned)), candidates)):
        others = ((tuned - centre) ** 2 * curvatures).sum() - (tuned[at] - centre[at]) ** 2 * curvatures[at]
        half = math.sqrt(SHARE * (1 + others) / curvatures[at])
        for end, right in ((one.low, centre[at] - half), (one.high, centre[at] + half)):
            found.append(None if end is None else abs(math.log(end) - right) / half)
    return found


def made(role: Role, generation: int, slot: int, genome: Array, loss: float, seed: int) -> CandidateRecord:
    """Return a candidate as it is recorded."""
    outcome = loss if math.isfinite(loss) else Status.DIVERGED
    return replace(run(role, generation, slot, outcome), genome=tuple(genome.tolist()), seed=seed)


def print_tolerances() -> None:
    """Print how many ends are determined, and the quantiles of their errors."""
    print("tolerances: strategy, hyperparameters, candidates, noise: ends determined; error, median and 90 %")
    for strategy in ("genetic", "cma-es", "random", "paper"):
        every: list[Any] = []
        for dimensions, population, generations in ((1, 8, 10), (3, 8, 12), (3, 16, 20), (6, 16, 20)):
            for noise in (0.0, 0.01, 0.05):
                sample = [
                    one
                    for seed in range(4)
                    for one in errors(strategy, dimensions, population, generations, noise, seed)
                ]
                every += sample
                print(
                    f"{strategy:8} {dimensions} {population * generations:4} {noise:.2f}: {described(sample)}",
                    flush=True,
                )
        print(f"{strategy:8} all: {described(every)}", flush=True)


def described(sample: Sequence[float | None]) -> str:
    """Return how many errors there are, and their quantiles."""
    known = [one for one in sample if one is not None]
    ends = np.quantile(known, [0.5, 0.9]).round(2).tolist() if known else "-"
    return f"{len(known)} of {len(sample)}; {ends}"


def print_doublings() -> None:
    """Print the mean gain of the last and of the next doubling, and their correlation."""
    print("doublings: hyperparameters, candidates: last, next, their ratio, correlation, share that finds a better one")
    for dimensions in (1, 2, 3, 6):
        for count in (32, 80, 160):
            last, following = [], []
            for seed in range(150):
                centre = 1.5 * np.random.default_rng(seed).normal(size=dimensions)
                _, ((genomes, _, _),) = searched(lambda _: 1.0, "random", dimensions, 2 * count, 1, 0.0, seed)
                losses = np.log(1 + ((genomes - centre) ** 2).sum(axis=1))
                expected, best = best_of(losses[:count].tolist(), count // 2).mean, losses[:count].min()
                last.append((math.inf if expected is None else expected) - best)
                following.append(best - losses.min())
            print(
                f"{dimensions} {count:4}: {compared(last, following)} {np.mean(np.array(following) > 0):.2f}",
                flush=True,
            )


def compared(last: Sequence[float], following: Sequence[float]) -> str:
    """Return two means, their ratio, and the correlation."""
    means = np.mean(last), np.mean(following)
    correlation = np.corrcoef(last, following)[0, 1] if np.std(following) else math.nan
    return f"{means[0]:.4f} {means[1]:.4f} {means[1] / means[0]:.2f} {correlation:+.2f}"


def print_extensions() -> None:
    """Print what generations brought by the best so far, and what as many more bring to the result."""

    def bowl(genome: Array) -> float:
        return float(1 + 0.1 * ((genome - 2) ** 2).sum())

    def valley(genome: Array) -> float:
        x = genome / 2
        return float(1 + 0.2 * (1 - x[0]) ** 2 + 5 * ((x[1:] - x[:-1] ** 2) ** 2).sum())

    def limit(genome: Array) -> float:
        return bowl(genome) if genome[0] < 2.3 else math.inf

    print("extensions: task, strategy, noise: last five of ten generations, ten more, their ratio, correlation")
    for loss in (bowl, valley, limit):
        for strategy in ("genetic", "cma-es"):
            for noise in (0.0, 0.02):
                last, following = [], []
                for seed in range(12):
                    tuned, trained = searched(loss, strategy, 3, 8, 10, noise, seed)
                    longer, _ = searched(loss, strategy, 3, 8, 20, noise, seed)
                    best = np.minimum.accumulate([min(losses) for _, losses, _ in trained])
                    last.append(math.log(best[4] / best[9]))
                    following.append(math.log(loss(tuned) / loss(longer)))
                print(f"{loss.__name__:6} {strategy:7} {noise:.2f}: {compared(last, following)}", flush=True)


def print_limits() -> None:
    """Print the failures among full trainings, and how far above the best feasible loss the results are."""
    from tuner.strategies.genetic import Genetic
    from tuner.strategies.setting import Setting

    class WithoutFeasibility(Genetic):
        def _feasible(self, genomes: Array, best: Sequence[float], scale: Array) -> Array:
            return np.ones(len(genomes))

    limit, minimum, steps = 2.3, np.array([2.6, 2.0, 2.0]), (10, 10, 40, *[160] * 8)

    def loss(genome: Array) -> float:
        value = 1 + 0.1 * ((genome - minimum) ** 2).sum()
        return float(value) if genome[0] <= limit else math.inf

    lowest = 1 + 0.1 * (minimum[0] - limit) ** 2
    print("limits: noise, class: share of full trainings that diverge; results above the best, median and 90 %")
    for noise in (0.0, 0.02):
        for kind in (Genetic, WithoutFeasibility):
            diverged, excess = [], []
            for seed in range(20):
                rng = np.random.default_rng(seed)
                setting = {"mean": [0.0] * 3, "lower": [-20.0] * 3, "upper": [20.0] * 3, "population": 8}
                search = kind(Setting(**setting, steps=steps, seed=seed, sigmas=(SIGMA,) * len(steps)))
                while (proposal := search.ask()) is not None:
                    common = rng.normal()
                    losses = [noisy(loss(genome), noise, common, rng) for genome in proposal.genomes]
                    if proposal.budget == steps[-1]:
                        diverged += [not math.isfinite(one) for one in losses]
                    search.tell(losses)
                excess.append(loss(search.result()) / lowest - 1)
            quantiles = np.quantile(excess, [0.5, 0.9]).round(4).tolist()
            print(f"{noise} {kind.__name__:18}: {np.mean(diverged):.2f} {quantiles}", flush=True)


if __name__ == "__main__":
    print_tolerances()
    print_doublings()
    print_extensions()
    print_limits()
