"""Validation on the way: the metrics' means over the validation set, every so many gradient evaluations."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from tuner.core.events import LaneObservations
from tuner.training.evaluator import Evaluator
from tuner.training.measurements.measurement import MeasurementCallback, Training


class Validation(MeasurementCallback):
    """Observes the validation set at the start, every so often, and at the end.

    Args:
        every: Gradient evaluations between two validations; within a step, it waits for the step's end.
        after_divergence: Whether a cohort that diverged before its budget was over is validated at its end, too.
    """

    def __init__(self, every: int, *, after_divergence: bool = False) -> None:
        self._every, self._after_divergence = every, after_divergence
        self._last = 0  # evaluations at the last validation

    def stops(self, budget: int) -> Iterable[int]:
        """Return all multiples."""
        return itertools.count(self._every, self._every)

    def begin(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the validation of the start.

        Raises:
            ValueError: The task has no validation set.
        """
        self._evaluator = Evaluator(training.cohort.loop.task, "validation")
        yield training.observation("validation", self._evaluator.mean_metrics(training.carry))

    def after_chunk(self, training: Training) -> Iterable[LaneObservations]:
        """Yield a validation if one is due."""
        if training.evaluations // self._every > self._last // self._every:
            yield self._validation(training)

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the validation of the end, if it was not just made."""
        is_over = training.evaluations >= training.cohort.budget
        if training.evaluations > self._last and (is_over or self._after_divergence):
            yield self._validation(training)

    def _validation(self, training: Training) -> LaneObservations:
        self._last = training.evaluations
        with training.validating():
            found = self._evaluator.mean_metrics(training.carry)
        return training.observation("validation", found)
