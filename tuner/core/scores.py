"""Scores of a search on several tasks: one number of a candidate.

The lower the better. A task's term is the logarithm of the fitness where fitnesses are positive, such as losses, and
the distance from the median in units of the interquartile range where they are not, or where the greatest value of the
objective is best. The score is the exponential of the mean of the terms: for positive fitnesses their geometric mean. A
task whose fitnesses are multiplied by a constant (or, of the second kind, shifted as well) changes no order of scores.

The kind of a task, its median and its range come from the first generation of which anything finished on it, and are
fixed from then on.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SMALLEST = 1e-26  # a lower loss counts as this one: below, differences are rounding
MAX_EXPONENT = 700.0  # e to the power of this is finite


@dataclass(frozen=True, slots=True)
class Measure:
    """How the fitnesses of one task count."""

    is_log: bool
    middle: float = 0.0  # median; of a task that is not logarithmic
    width: float = 1.0  # interquartile range; where it is 0 the whole range, or else 1

    def term(self, fitness: float) -> float:
        """Return the term of a finite fitness."""
        return math.log(max(fitness, SMALLEST)) if self.is_log else (fitness - self.middle) / self.width


def measure_of(fitnesses: Sequence[float], *, is_max: bool) -> Measure:
    """Return the measure of a task.

    Args:
        fitnesses: Finite; at least one.
        is_max: Whether the greatest value of the task's objective is best.
    """
    if not is_max and min(fitnesses) > 0:
        return Measure(True)
    ordered = sorted(fitnesses)
    lower, upper = (_quantile(ordered, share) for share in (0.25, 0.75))
    return Measure(False, statistics.median(ordered), upper - lower or ordered[-1] - ordered[0] or 1.0)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile by linear interpolation between the two nearest values."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


class Scale:
    """The measures of some tasks, as far as they are known.

    Args:
        is_max: Whether the greatest value of a task's objective is best, per task.
    """

    def __init__(self, is_max: Iterable[bool]) -> None:
        self._is_max = tuple(is_max)
        self.measures: list[Measure | None] = [None] * len(self._is_max)

    def learn(self, task: int, fitnesses: Iterable[float]) -> None:
        """Take the fitnesses of a generation on a task, unless its measure is known; infinite ones do not count."""
        finite = [fitness for fitness in fitnesses if math.isfinite(fitness)]
        if self.measures[task] is None and finite:
            self.measures[task] = measure_of(finite, is_max=self._is_max[task])

    @property
    def is_log(self) -> bool:
        """Whether every measure is a logarithm, so that a score is a geometric mean."""
        return all(measure is not None and measure.is_log for measure in self.measures)

    def mean_term(self, fitnesses: Sequence[float]) -> float:
        """Return the mean of the terms of a candidate's fitnesses, one per task; +inf if one is not finite."""
        terms = [
            measure.term(fitness)
            for measure, fitness in zip(self.measures, fitnesses, strict=True)
            if measure is not None and math.isfinite(fitness)
        ]
        return math.fsum(terms) / len(terms) if len(terms) == len(fitnesses) else math.inf

    def score(self, fitnesses: Sequence[float]) -> float:
        """Return the score of a candidate; +inf if one of its fitnesses is not finite."""
        mean = self.mean_term(fitnesses)
        return mean if math.isinf(mean) else math.exp(max(-MAX_EXPONENT, min(MAX_EXPONENT, mean)))
