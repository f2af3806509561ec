"""Limits beyond which a candidate can no longer matter, from finished trainings.

Only complete generations count, so that limits do not depend on the order in which results arrive.
docs/explanation/strategies.md has the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.core.trial import Milestone

SHARES = (1 / 4, 1 / 2, 3 / 4)  # of the budget, at which a candidate may be ended
ELITES = 8  # finished trainings with which a candidate is compared
ALLOWANCE = 1.5  # a candidate may yet gain so many times as much as that elite did which gained most

Reached = Sequence[tuple[int, float]]
"""Step and running fitness of the milestones that a training has reached, in order."""


@dataclass(frozen=True, slots=True)
class _Finished:
    loss: float
    running: Mapping[int, float]


class Pruning:
    """The limits for trainings with one budget.

    Args:
        budget: Gradient evaluations of a training.
        allowance: See `ALLOWANCE`.
    """

    def __init__(self, budget: int, allowance: float) -> None:
        self._allowance = allowance
        self._steps = sorted({int(share * budget) for share in SHARES} - {0, budget})
        self._best: dict[tuple[float, ...], _Finished] = {}  # the best training of each genome

    def learn(self, genome: tuple[float, ...], loss: float, reached: Reached) -> None:
        """Take a finished training.

        Args:
            genome: What was trained.
            loss: Its fitness; finite.
            reached: Its running fitnesses.
        """
        known = self._best.get(genome)
        if known is None or loss < known.loss:
            self._best[genome] = _Finished(loss, dict(reached))

    def unlimited(self) -> tuple[Milestone, ...]:
        """Return the milestones of a candidate that is not to be ended early."""
        return tuple(Milestone(step, math.inf) for step in self._steps)

    def limits(self) -> tuple[Milestone, ...]:
        """Return the milestones of a candidate that may be; unlimited while fewer than `ELITES` genomes finished."""
        elites = sorted(self._best.values(), key=lambda each: each.loss)[:ELITES]
        if len(elites) < ELITES:
            return self.unlimited()
        return tuple(Milestone(step, self._ceiling(step, elites)) for step in self._steps)

    def _ceiling(self, step: int, elites: Sequence[_Finished]) -> float:
        """Return the worst elite's loss, and the allowance times what an elite has gained after the step at most.

        It is +inf where an elite has no running fitness.
        """
        if any(step not in each.running for each in elites):
            return math.inf
        gain = max(0.0, *(each.running[step] - each.loss for each in elites))
        return elites[-1].loss + self._allowance * gain
