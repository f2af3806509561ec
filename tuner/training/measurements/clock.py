"""Losses over time: means between marks, and over the end of a time budget."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tuner.core.events import LaneObservations
from tuner.core.objective import LAST_TENTH
from tuner.training.measurements.measurement import MeasurementCallback, Training

MARKS = 1000  # number of marks within the budget, and also within the seconds


class Marks(MeasurementCallback):
    """Observes the mean loss since the last mark, after every thousandth of the budget.

    Args:
        seconds: Training time of the run; beyond its budget, a mark follows every thousandth of this time. None: the
            run ends with its budget.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._step_seconds = math.inf if seconds is None else seconds / MARKS
        self._marked = (0, 0.0)  # evaluations and seconds at the last mark
        self._losses: list[NDArray[np.floating]] = []

    def after_chunk(self, training: Training) -> Iterable[LaneObservations]:
        """Yield a mark if one is due."""
        self._losses.append(training.losses)
        evaluations, seconds = self._marked
        if training.evaluations <= training.cohort.budget:
            is_due = training.evaluations - evaluations >= training.cohort.budget / MARKS
        else:
            is_due = training.seconds - seconds >= self._step_seconds
        if is_due:
            yield from self.end(training)

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Yield a mark if there was a loss since the last one."""
        if self._losses:
            means = np.concatenate(self._losses).mean(axis=0, dtype=np.float64)
            self._marked, self._losses = (training.evaluations, training.seconds), []
            yield training.observation("training", {"loss": means.tolist()})


class LastTenth(MeasurementCallback):
    """Observes, at the end, the mean loss over the last tenth of a budget of seconds.

    The evaluations of a chunk are assumed to be evenly spaced in time. Evaluations that end after the seconds are
    ignored, even if their loss is not finite.

    Args:
        seconds: The time budget of training.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds
        self._before = seconds - seconds * LAST_TENTH
        self._evaluations, self._counted = 0, 0
        self._sum: NDArray[np.float64] | None = None
        self._last: NDArray[np.float64] | None = None

    def after_chunk(self, training: Training) -> Iterable[LaneObservations]:
        """Process the losses of a chunk."""
        losses, number = training.losses, len(training.losses)
        begun = training.seconds - training.chunk_seconds
        times = begun + training.chunk_seconds * np.arange(1, number + 1) / number
        within = losses[times <= self.seconds].astype(np.float64)
        counted = losses[(times <= self.seconds) & (times > self._before)].astype(np.float64)
        self._sum = (0.0 if self._sum is None else self._sum) + counted.sum(axis=0)
        # A loss that is not finite makes the mean not finite, even before the last tenth.
        self._sum = self._sum + np.where(np.isfinite(within).all(axis=0), 0.0, np.nan)
        if len(within):
            self._last = within[-1]
        elif self._last is None:
            self._last = losses[0].astype(np.float64)
        self._evaluations += len(within)
        self._counted += len(counted)
        return ()

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the mean, or the last loss if each step takes longer than a tenth of the seconds."""
        assert self._sum is not None  # noqa: S101 (there is a first chunk)
        assert self._last is not None  # noqa: S101
        means = self._sum / self._counted if self._counted else self._last + self._sum
        observation = training.observation("time", {"loss": means.tolist()})
        yield replace(observation, evaluations=self._evaluations, seconds=self.seconds)
