"""Validation during training: mean metrics over the validation set, at intervals."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from tuner.core.events import LaneObservations
from tuner.training.evaluator import Evaluator
from tuner.training.measurements.measurement import MeasurementCallback, Training


class Validation(MeasurementCallback):
    """Observes the validation set at the start, at intervals, and at the end.

    Args:
        every: Gradient evaluations between two validations; a validation due within a step follows at its end.
        after_divergence: Whether a cohort that diverged before the end of its budget is also validated at its end.
        at_start: Whether the start is observed. Default: True.
        at_budget: Whether the end of the budget is observed even where training continues beyond it. Default: False.
    """

    def __init__(
        self, every: int, *, after_divergence: bool = False, at_start: bool = True, at_budget: bool = False
    ) -> None:
        self._every, self._after_divergence = every, after_divergence
        self._at_start, self._at_budget = at_start, at_budget
        self._last = 0  # evaluations at the last validation

    def stops(self, budget: int) -> Iterable[int]:
        """Return all multiples of the interval."""
        return itertools.count(self._every, self._every)

    def begin(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the validation at the start, if it is observed.

        Raises:
            ValueError: The task has no validation set.
        """
        self._evaluator = Evaluator(training.cohort.loop.task, "validation")
        if self._at_start:
            yield training.observation("validation", self._evaluator.mean_metrics(training.carry))
        else:
            self._evaluator.mean_metrics(training.carry, np.zeros(1, np.int32))  # compiles it before the clock starts

    def after_chunk(self, training: Training) -> Iterable[LaneObservations]:
        """Yield a validation if one is due."""
        ends = self._at_budget and self._last < training.cohort.budget <= training.evaluations
        if ends or training.evaluations // self._every > self._last // self._every:
            yield self._validation(training)

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the validation at the end, unless it has already been made there."""
        is_over = training.evaluations >= training.cohort.budget
        if training.evaluations > self._last and (is_over or self._after_divergence):
            yield self._validation(training)

    def _validation(self, training: Training) -> LaneObservations:
        self._last = training.evaluations
        with training.validating():
            metrics = self._evaluator.mean_metrics(training.carry)
        return training.observation("validation", metrics)
