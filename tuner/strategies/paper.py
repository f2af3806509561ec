"""The paper's rule: truncation selection of one half, recombination by averaging, Gaussian mutation on a schedule.

"Learning to Optimize Quasi-Newton Methods", arXiv 2210.06171, tunes every optimizer this way. Generation g draws its
individuals from N(mean_g, σ_g² I) in the transformed space, mean_0 being the defaults; mean_{g+1} is the average of
the better half of generation g; the tuned genome is the mean after the last. A loop of our own around DEAP's
operators, because its ready-made ones evaluate only what changed, and so fewer individuals than were planned.

What the paper leaves open:

- The better half of an odd population leaves the middle one out; of a population of 1 it is that one.
- Failures never count. Where fewer than half finished, those that did are the better half.
- Of equally good ones the lower slot goes first.
- A genome outside the bounds is clamped, and the clamped one is averaged: what was trained is what counts. So a mean at
  a bound moves away from it, as in the paper's own search, also where nothing selects (docs/differences.md).
- A generation that wholly fails says nothing: its mean is kept.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
from deap import tools
from numpy.typing import NDArray

from tuner.strategies.generational import Generational
from tuner.strategies.individuals import Individual, gaussian_mutants
from tuner.strategies.setting import Plan


class Truncation(Generational):
    """Strategy `paper`."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._mean = plan.mean

    def _draw(self, generation: int) -> NDArray[np.float64]:
        return gaussian_mutants(self.generators, self._mean, self.plan.sigmas[generation], self.plan.population)

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        population = self.plan.population
        half = max(1, population // 2)
        if not finished:
            return f"generation {generation}: none of {population} finished; its mean is kept"
        # DEAP sorts stably, and the individuals come in slot order: ties go to the lower slot.
        self._mean = average(tools.selBest(finished, half))
        if len(finished) < half:
            return f"generation {generation}: only {len(finished)} of {population} finished; the next mean is theirs"
        return ""

    def _tuned(self) -> Sequence[float]:
        return self._mean


def average(genomes: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the mean of each gene, computed exactly and rounded once.

    Exactly, so that equal genes average to themselves and no mean leaves the bounds of its genes: in floating point
    (0.1 + 0.1 + 0.1) / 3 is above 0.1.
    """
    return tuple(statistics.mean(gene) for gene in zip(*genomes, strict=True))
