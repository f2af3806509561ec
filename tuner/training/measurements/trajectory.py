"""The path of x, of tasks in two dimensions: what can be drawn on the contour of the loss."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tuner.core.events import LaneObservations
from tuner.training.loop import Carry
from tuner.training.measurements.measurement import MeasurementCallback, Training

MAX_POINTS = 200  # besides the start


class Trajectory(MeasurementCallback):
    """Observes x on the way, its two entries as the metrics "x" and "y"; nothing unless it has two.

    The cohort is trained once more for it, to the same losses: in two dimensions that is cheap, and a run that is timed
    is not to be stopped so often.
    """

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the points, the first of the start."""
        if training.carry[0].shape[0] != 2:
            return
        cohort = training.cohort
        start = cohort.begin()
        yield _point(0, start)
        for chunk in cohort.chunks(start, range(1, cohort.budget, max(1, cohort.budget // MAX_POINTS))):
            yield _point(chunk.evaluations_done, chunk.carry)


def _point(evaluations: int, carry: Carry) -> LaneObservations:
    x, y = carry[0].numpy().tolist()
    return LaneObservations("trajectory", evaluations, math.nan, math.nan, {"x": x, "y": y})
