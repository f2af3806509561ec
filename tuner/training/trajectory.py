"""Where x goes, of tasks in two dimensions: what one can draw on the contour of the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tuner.core.trial import LaneObservations
from tuner.training.cohort import Cohort
from tuner.training.loop import Carry

POINTS = 200  # at most, beside the start
SPLIT = "trajectory"


def trajectory(cohort: Cohort) -> Iterator[LaneObservations]:
    """Train a cohort once more, to the same losses, and observe x on the way; nothing unless x has two entries.

    Once more, since it is cheap in two dimensions, and a run that is timed is not to be stopped for it.

    Args:
        cohort: Any; all that it does is decided by its lanes.

    Yields:
        Observations with the metrics "x" and "y", the first of the start.
    """
    start = cohort.begin()
    if start[0].shape[0] != 2:
        return
    yield _observed(0, start)
    for chunk in cohort.chunks(start, range(1, cohort.budget, max(1, cohort.budget // POINTS))):
        yield _observed(chunk.evaluations_done, chunk.carry)


def _observed(evaluations: int, carry: Carry) -> LaneObservations:
    x, y = carry[0].numpy().tolist()
    return LaneObservations(SPLIT, evaluations, math.nan, math.nan, {"x": x, "y": y})
