"""The measurement on the test set, which is read once, after training."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tuner.core.events import LaneObservations
from tuner.training.evaluator import Evaluator
from tuner.training.measurements.measurement import MeasurementCallback, Training

_SEED = 0  # determines the examples of a part of the set, the same for all compared runs


class FinalTest(MeasurementCallback):
    """Observes the test set at the end, unless every lane has diverged.

    Args:
        examples: Number of examples, the same random ones for every run. Default: all.
    """

    def __init__(self, examples: int | None = None) -> None:
        self._examples = examples

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the metrics' means."""
        x = training.carry[0].numpy()
        if (np.isfinite(training.curve).all(axis=0) & np.isfinite(x).all(axis=0)).any():
            evaluator = Evaluator(training.cohort.loop.task, "test")
            chosen = np.sort(evaluator.order(_SEED)[: self._examples])
            yield training.observation("test", evaluator.mean_metrics(training.carry, chosen))
