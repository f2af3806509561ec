"""The fitness of the tuned point as measured by the search itself.

It is biased: individuals were selected for a low fitness on their own seeds. The tuned point is therefore trained again
on fresh seeds, and tables show both numbers.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FinishedGeneration:
    """Fitness values of one generation of a search."""

    steps: int  # budget of a candidate, in gradient evaluations
    population: int
    fitnesses: tuple[float, ...]  # of the candidates that finished, ascending


def mean_of_last_better_half(generations: Sequence[FinishedGeneration]) -> float | None:
    """Return the mean fitness of the individuals whose average the tuned point is.

    These are the better half of the last generation in which an individual finished; None if that generation has
    another budget than the last, or if none finished.
    """
    newest = next((generation for generation in reversed(generations) if generation.fitnesses), None)
    if newest is None or newest.steps != generations[-1].steps:
        return None
    return statistics.mean(newest.fitnesses[: max(1, newest.population // 2)])


def best_at_last_budget(generations: Sequence[FinishedGeneration]) -> float | None:
    """Return the lowest fitness of all generations with the last generation's budget; None if none finished."""
    steps = generations[-1].steps
    return min((each.fitnesses[0] for each in generations if each.steps == steps and each.fitnesses), default=None)
