"""The end state of training: weights to save, and the start of a second run."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.core.events import LaneObservations
from tuner.training.averaged import averaged
from tuner.training.loop import Carry
from tuner.training.measurements.measurement import MeasurementCallback, Training


class EndState(MeasurementCallback):
    """Stores the end state of every lane; it makes no observation.

    Attributes:
        carry: x [n, P], the task's state and the optimizer's state, once training is over; x is the average of the
            weights if the optimizer keeps one.
    """

    carry: Carry

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Store the end state."""
        self.carry = averaged(training.carry, getattr(training.cohort.loop.task, "project", None))
        return ()
