"""Strategy `paper`: truncation selection, averaging, scheduled Gaussian mutation.

"Learning to Optimize Quasi-Newton Methods", arXiv 2210.06171, tunes every optimizer with this rule. Generation g draws
its individuals from N(mean_g, σ_g² I) in the transformed space, where mean_0 is the defaults; mean_{g+1} is the average
of the better half of generation g; the tuned genome is the mean after the last generation. The loop around DEAP's
operators is our own, because DEAP's algorithms evaluate only changed individuals, and therefore fewer than planned.

Choices that the paper leaves open:

- The better half of an odd population excludes the middle individual; of a population of 1 it is that individual.
- Failures never count. If fewer than half finished, the better half consists of those that did.
- Ties go to the lower slot.
- A genome outside the bounds is clamped, and the clamped genome is trained and averaged. A mean at a bound therefore
  moves away from it, as in the paper's search, also where the fitness does not depend on it (docs/differences.md).
- After a generation that fails entirely, the mean is kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deap import tools
from numpy.typing import NDArray

from tuner.strategies.generational import Generational
from tuner.strategies.individuals import Individual, gaussian_mutants
from tuner.strategies.setting import Setting


class Paper(Generational):
    """The paper's rule."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._mean = setting.mean

    def _draw(self, generation: int) -> NDArray[np.float64]:
        return gaussian_mutants(self.generators, self._mean, self.setting.sigmas[generation], self.setting.population)

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        population = self.setting.population
        half = max(1, population // 2)
        if not finished:
            return f"generation {generation}: none of {population} finished; its mean is kept"
        # DEAP's sort is stable and the individuals are in slot order: ties go to the lower slot.
        self._mean = average(tools.selBest(finished, half))
        if len(finished) < half:
            return f"generation {generation}: only {len(finished)} of {population} finished; the next mean is theirs"
        return ""

    def _tuned(self) -> Sequence[float]:
        return self._mean


def average(genomes: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the mean of each gene, computed exactly and rounded once.

    In floating point (0.1 + 0.1 + 0.1) / 3 is above 0.1; computed exactly, equal genes average to themselves and a
    mean stays within the bounds of its genes.
    """
    return tuple(statistics.mean(gene) for gene in zip(*genomes, strict=True))


def create(*, parameters: Mapping[str, Any], **setting: Any) -> Paper:
    """Create the strategy; see `tuner.strategies.create`. Its parameter is `sigmas`, one per generation."""
    return Paper(Setting(sigmas=tuple(parameters["sigmas"]), **setting))
