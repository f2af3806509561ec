"""The end of a training whose candidate can no longer matter to the search.

A trial says at which steps to look, and what may not be exceeded there. The decision thus depends on the trial and its
own training alone, and is the same on every worker and at every attempt.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.core.objective import Objective
from tuner.core.trial import MILESTONES, RUNNING, Milestone, Observation
from tuner.training.judgement import Look

_NO_LOSSES = np.empty(0)


class Milestones:
    """The milestones of one training.

    Args:
        milestones: Those of the trial, in order.
        budget: Gradient evaluations of the trial.
        objective: Definition of the fitness; without a target, and without further objectives.

    Attributes:
        pruned: Why the training ends early; empty while it goes on.
    """

    def __init__(self, milestones: Sequence[Milestone], budget: int, objective: Objective) -> None:
        self._left = list(milestones)
        self._window, self._objective = objective.evaluations(budget), objective
        self.pruned = ""

    def is_due(self, evaluations: int) -> bool:
        """Return whether a milestone is reached after so many evaluations that was not looked at yet."""
        return bool(self._left) and self._left[0].step <= evaluations and not self.pruned

    def reached(
        self,
        evaluations: int,
        losses: NDArray[np.floating] = _NO_LOSSES,
        looks: Sequence[Look] = (),
    ) -> Iterator[Observation]:
        """Yield the running fitness at each milestone that is reached for the first time, and decide.

        Args:
            evaluations: Gradient evaluations so far.
            losses: [evaluations], of an objective on the training loss. Default: none.
            looks: The measurements so far, in order, of an objective on the validation set. Default: none.
        """
        while self.is_due(evaluations):
            one = self._left.pop(0)
            value = running_fitness(self._objective, one.step, self._window, losses, looks)
            if value is None:
                continue
            yield Observation(MILESTONES, one.step, math.nan, math.nan, {RUNNING: value})
            if value > one.ceiling:
                shown, limit = self._objective.value(value), self._objective.value(one.ceiling)
                side = "below" if self._objective.is_max else "above"
                self.pruned = (
                    f"{self._objective.validation_metric} was {shown:.4g} after {one.step} evaluations, {side}"
                    f" {limit:.4g}, beyond which it can no longer matter"
                )


def running_fitness(
    objective: Objective,
    step: int,
    window: int,
    losses: NDArray[np.floating] = _NO_LOSSES,
    looks: Sequence[Look] = (),
) -> float | None:
    """Return the fitness that a training would have if its budget ended at a step; None if it cannot be said.

    It cannot be said without a measurement until then, or of numbers that are not finite.

    Args:
        objective: Definition of the fitness, without a target.
        step: Gradient evaluations.
        window: Gradient evaluations before it of which a mean is taken.
        losses: [evaluations], of an objective on the training loss. Default: none.
        looks: The measurements so far, in order, of an objective on the validation set. Default: none.
    """
    if objective.validates:
        known = [look for look in looks if look.evaluations <= step]
        values = [look.value for look in known[-1:]]
        if objective.reduction == "mean":
            values = [look.value for look in known if look.evaluations > step - window] or values
        if objective.reduction == "best":
            finite = [look.value for look in known if math.isfinite(look.value)]
            values = [min(finite, key=objective.fitness)] if finite else []
    else:
        values = losses[max(0, step - window) : step].tolist()
    if not values:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # the sum of huge losses may overflow
        value = float(np.mean(np.array(values, np.float64)))
    return objective.fitness(value) if math.isfinite(value) else None
