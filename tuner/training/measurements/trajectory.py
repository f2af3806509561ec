"""The trajectory of x of two-dimensional tasks, for contour plots of the loss."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tuner.core.events import LaneObservations
from tuner.training.loop import Carry
from tuner.training.measurements.measurement import MeasurementCallback, Training

MAX_POINTS = 200  # in addition to the start


class Trajectory(MeasurementCallback):
    """Observes the two entries of x during training as the metrics "x" and "y"; nothing for other dimensions.

    The cohort is trained a second time for it, with the same losses: in two dimensions this is cheap, and a timed
    run is not interrupted so often.
    """

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the points; the first is the start."""
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
