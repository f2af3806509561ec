"""A lower bound of any optimizer's mean loss, if the task defines one."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.core.events import LaneObservations
from tuner.training.measurements.measurement import MeasurementCallback, Training


class Floor(MeasurementCallback):
    """Observes the task's `floor` once, at the start."""

    def begin(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the floor, the same for every lane."""
        task, optimizer = training.cohort.loop.task, training.cohort.loop.optimizer
        floor = float(task.floor(optimizer.evaluations_per_step))  # type: ignore[attr-defined]
        yield training.observation("floor", {"loss": [floor] * len(training.cohort.lanes)})
