"""Where training has ended: the weights that are saved, and what a second run starts with."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.core.events import LaneObservations
from tuner.training.loop import Carry
from tuner.training.measurements.measurement import MeasurementCallback, Training


class EndState(MeasurementCallback):
    """Keeps where every lane has ended; it makes no observation.

    Attributes:
        carry: x [n, P], the task's state and the optimizer's state, once training is over.
    """

    carry: Carry

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Keep it."""
        self.carry = training.carry
        return ()
