"""The value of a curve of losses by an objective, and whether the run diverged."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tuner.core.numbers import until_not_finite
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.trial import Status


def judge(losses: NDArray[np.floating], budget: int, objective: Objective = TRAINING_LOSS) -> tuple[Status, float, str]:
    """Return the status, the value and a reason for a completed run.

    Args:
        losses: [evaluations], one per gradient evaluation, in order; all of the budget, or fewer if it diverged.
        budget: Gradient evaluations of the run.
        objective: Definition of the value. Default: the mean over the last tenth of the budget.

    Returns:
        FINISHED with the objective's value and an empty reason; or DIVERGED with +inf and the index of the first loss
        that is not finite.
    """
    curve = until_not_finite(losses)
    if len(curve) and not math.isfinite(curve[-1]):
        return Status.DIVERGED, math.inf, f"loss was {curve[-1]} at evaluation {len(curve) - 1}"
    with np.errstate(over="ignore"):  # the sum of huge losses may overflow
        value = float(np.mean(losses[-objective.evaluations(budget) :], dtype=np.float64))
    if not math.isfinite(value):
        return Status.DIVERGED, math.inf, f"the mean loss was {value}"
    return Status.FINISHED, value, ""
