"""What a curve of losses is worth: fitness, and when a run counts as diverged. Decided here and nowhere else."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import Status

FINAL_SHARE = 10  # fitness is the mean over the last tenth of the budget (arXiv 2210.06171, appendix on tuning)


def first_not_finite(losses: NDArray[np.floating]) -> int | None:
    """Return the index of the first loss [evaluations] that is not finite, or None."""
    bad = np.flatnonzero(~np.isfinite(losses))
    return int(bad[0]) if bad.size else None


def judge(losses: NDArray[np.floating], budget: int) -> tuple[Status, float, str]:
    """Return the status, the fitness and a reason for a run that came to its end.

    Args:
        losses: [evaluations], one a gradient evaluation, in order; all of the budget, or fewer if it diverged.
        budget: The run's budget in gradient evaluations.

    Returns:
        FINISHED with the mean loss over the last tenth (at least one) of the budget and no reason; or DIVERGED with
        +inf and the place where a loss first was not finite.
    """
    diverged_at = first_not_finite(losses)
    if diverged_at is not None:
        return Status.DIVERGED, math.inf, f"loss was {losses[diverged_at]} at evaluation {diverged_at}"
    with np.errstate(over="ignore"):  # the sum of huge losses may overflow
        fitness = float(np.mean(losses[-max(1, budget // FINAL_SHARE) :], dtype=np.float64))
    if not math.isfinite(fitness):
        return Status.DIVERGED, math.inf, f"the mean loss was {fitness}"
    return Status.FINISHED, fitness, ""
