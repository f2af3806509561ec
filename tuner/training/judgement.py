"""The fitness of a run by an objective, and whether the run diverged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.core.numbers import until_not_finite
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.trial import Status

Judgement = tuple[Status, float, str]


@dataclass(frozen=True, slots=True)
class Look:
    """A measurement of the objective's validation metric, after at least one gradient evaluation."""

    evaluations: int  # gradient evaluations before it
    seconds: float  # of training until then; NaN where several candidates train in lockstep
    value: float


def judge(
    losses: NDArray[np.floating],
    budget: int,
    objective: Objective = TRAINING_LOSS,
    looks: Sequence[Look] = (),
    seconds_at: Callable[[int], float] = lambda evaluations: math.nan,
) -> Judgement:
    """Return the status, the fitness and a reason for a completed run.

    A run with a loss that is not finite has diverged, whatever it reached before.

    Args:
        losses: [evaluations], one per gradient evaluation, in order; all of the budget, or fewer if it diverged.
        budget: Gradient evaluations of the run.
        objective: Definition of the value. Default: the mean over the last tenth of the budget.
        looks: The measurements within the budget, in order, of an objective on the validation set.
        seconds_at: Returns the seconds of training until a number of evaluations, for an objective in seconds.

    Returns:
        FINISHED with the objective's fitness and an empty reason; or DIVERGED with +inf and what was not finite.
    """
    curve = until_not_finite(losses)
    if len(curve) and not math.isfinite(curve[-1]):
        return Status.DIVERGED, math.inf, f"loss was {curve[-1]} at evaluation {len(curve) - 1}"
    if objective.validates:
        return _of_looks(objective, looks, budget)
    with np.errstate(over="ignore"):  # the sum of huge losses may overflow
        if objective.is_to_target:
            window = objective.evaluations(budget)
            means = trailing_means(losses, window).tolist()
            return _to_target(
                objective, [Look(at, seconds_at(at), mean) for at, mean in enumerate(means, window)], budget
            )
        value = float(np.mean(losses[-objective.evaluations(budget) :], dtype=np.float64))
    if not math.isfinite(value):
        return Status.DIVERGED, math.inf, f"the mean loss was {value}"
    return Status.FINISHED, value, ""


def _of_looks(objective: Objective, looks: Sequence[Look], budget: int) -> Judgement:
    """Return the judgement by a validation metric."""
    if not looks:
        raise ValueError(f"a run that is judged by {objective.metric} needs a measurement of it")
    if objective.is_to_target:
        return _to_target(objective, looks, budget)
    chosen = looks[-1:]
    if objective.reduction == "mean":
        chosen = [look for look in looks if look.evaluations > budget - objective.evaluations(budget)] or chosen
    if objective.reduction == "best":
        chosen = [look for look in looks if math.isfinite(look.value)] or chosen
        chosen = [min(chosen, key=lambda look: objective.fitness(look.value))]
    value = float(np.mean([look.value for look in chosen], dtype=np.float64))
    if not math.isfinite(value):
        bad = next((look for look in chosen if not math.isfinite(look.value)), chosen[-1])
        return _diverged(objective, bad)
    return Status.FINISHED, objective.fitness(value), ""


def _to_target(objective: Objective, looks: Sequence[Look], budget: int) -> Judgement:
    """Return the judgement by the first look that reached the target, or by the nearest."""
    rises, target = objective.goal == ">=", objective.target or 0.0
    finite = [look for look in looks if math.isfinite(look.value)]
    if not finite:
        return _diverged(objective, looks[-1])
    reached = next((look for look in finite if (look.value >= target if rises else look.value <= target)), None)
    if reached is None:
        nearest = (max if rises else min)(look.value for look in finite)
        return Status.FINISHED, objective.missed_fitness(nearest, budget), ""
    return Status.FINISHED, reached.seconds if objective.in_seconds else float(reached.evaluations), ""


def _diverged(objective: Objective, look: Look) -> Judgement:
    return Status.DIVERGED, math.inf, f"{objective.metric} was {look.value} after {look.evaluations} evaluations"


def trailing_means(losses: NDArray[np.floating], window: int) -> NDArray[np.float64]:
    """Return the mean of every `window` consecutive losses, in float64, [evaluations - window + 1].

    A sum has the terms of its own window only, so that huge losses at the start leave no rounding error behind.

    Args:
        losses: [evaluations], at least `window` of them.
        window: At least 1.
    """
    count, last = len(losses), len(losses) - window + 1
    blocks = np.zeros((-(-count // window), window))
    blocks.ravel()[:count] = losses
    heads = blocks.cumsum(axis=1).ravel()  # [i]: from the start of the block to i
    tails = blocks[:, ::-1].cumsum(axis=1)[:, ::-1].ravel()  # [i]: from i to the end of the block
    sums = heads[window - 1 : count] + np.where(np.arange(last) % window, tails[:last], 0.0)
    return np.asarray(sums / window)
