"""Individuals for DEAP's operators.

They do not use `deap.creator`, which adds classes to its own module.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from deap import base, tools
from numpy.typing import NDArray

from tuner.strategies.random_generators import ConfinedGenerators


class Loss(base.Fitness):  # type: ignore[misc]
    """A fitness that is minimised. It must never be NaN, which makes DEAP's selection depend on the order."""

    weights = (-1.0,)


class Individual(list[float]):
    """A genome with its fitness."""

    def __init__(self, genome: Sequence[float], loss: float | None = None) -> None:
        super().__init__(genome)
        self.fitness = Loss() if loss is None else Loss((loss,))

    @property
    def loss(self) -> float:
        """The fitness value."""
        return float(self.fitness.values[0])


def gaussian_mutants(
    generators: ConfinedGenerators, mean: Sequence[float], sigma: float, population: int
) -> NDArray[np.float64]:
    """Draw a population from N(mean, sigma² I), by mutating every gene of copies of the mean.

    Args:
        generators: Generators of the strategy; their state advances.
        mean: Mean of the distribution, [d].
        sigma: Standard deviation of each entry; 0 gives copies.
        population: Number of individuals.

    Returns:
        float64 [population, d]; not clamped.
    """
    with generators.installed():
        return np.array(
            [tools.mutGaussian(Individual(mean), mu=0.0, sigma=sigma, indpb=1.0)[0] for _ in range(population)]
        )
