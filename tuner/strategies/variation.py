"""Variation: a genetic algorithm's candidates for offspring, by DEAP."""

from __future__ import annotations

import random
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from deap import tools
from numpy.typing import NDArray

from tuner.strategies.individuals import Individual
from tuner.strategies.random_generators import ConfinedGenerators
from tuner.strategies.unordered import Levels, inherit

MUTANTS = 3  # of each first parent, of all genes, and as many of some
LEAST = 0.003  # width of a narrow mutation, in units of the prior's spread
MOST = 3.0  # the greatest width, in units of the spread of the better individuals
MOST_AT_LEAST = 0.1  # or in units of the prior's spread, if that is more: individuals may have come too close
_BLEND = 0.5  # how far a blend may leave the interval between its parents, relative to its length


def offspring(
    generators: ConfinedGenerators,
    parents: Sequence[Individual],
    count: int,
    *,
    spread: Sequence[float],
    sigma: float,
    lower: Sequence[float],
    upper: Sequence[float],
    levels: Levels = MappingProxyType({}),
) -> NDArray[np.float64]:
    """Return genomes that vary the better of some individuals.

    In turn: Gaussian mutations of all genes and of some, whose widths are drawn so that each order of magnitude is as
    frequent, down to `LEAST`; differential evolution's crossover; a blend of two parents, mutated a little; and a wide
    mutation. Parents are chosen by tournaments of two.

    Args:
        generators: Generators of the strategy; their state advances.
        parents: At least one, best first, with fitnesses.
        count: Number of genomes.
        spread: Spread of the better individuals, [d].
        sigma: Spread of the prior, for wide mutations.
        lower: [d].
        upper: [d].
        levels: The choices without an order, which an offspring has of one of its parents, some drawn anew. Default:
            none.

    Returns:
        float64 [count, d], within the bounds.
    """
    few = max(0.3, 1 / len(spread))  # probability that a gene changes, where only some do
    made: list[Individual] = []
    with generators.installed():
        while len(made) < count:
            first, second, third = (_one(parents) for _ in range(3))
            for _ in range(MUTANTS):
                for share in (1.0, few):
                    made.append(_mutated(first, _widths(spread, sigma), share))
                    inherit(made[-1], [first], levels)
            factor = random.uniform(0.3, 1.5)  # noqa: S311 - nothing secret
            difference = [a + factor * (b - c) for a, b, c in zip(first, second, third, strict=True)]
            made.append(_mutated(difference, [0.02 * width for width in spread], 1.0))
            inherit(made[-1], [first, second, third], levels)
            child, _ = tools.cxBlend(Individual(first), Individual(second), alpha=_BLEND)
            made.append(_mutated(child, [0.02 * width for width in spread], 1.0))
            inherit(made[-1], [first, second], levels)
            made.append(_mutated(first, [0.3 * sigma] * len(spread), few))
            inherit(made[-1], [first], levels, changed=few)
    return np.asarray(np.clip(np.array(made[:count]), lower, upper))


def _one(parents: Sequence[Individual]) -> Individual:
    winner: Individual = tools.selTournament(parents, 1, tournsize=2)[0]
    return winner


def _widths(spread: Sequence[float], sigma: float) -> list[float]:
    """Return the widths of a narrow mutation: between the least and the most, at the same place for each gene."""
    place, least = random.random(), LEAST * sigma  # noqa: S311 - nothing secret
    return [least * (max(MOST * width, MOST_AT_LEAST * sigma) / least) ** place for width in spread]


def _mutated(genome: Sequence[float], widths: Sequence[float], share: float) -> Individual:
    mutant: Individual = tools.mutGaussian(Individual(genome), mu=0.0, sigma=widths, indpb=share)[0]
    return mutant
