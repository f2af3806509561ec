"""The clock of a cohort that is compared: how far it has come, how long that took, and its loss by time.

Seconds are of training; elapsed are seconds with validation as well; compilation is in neither. Where several
candidates train in lockstep the seconds are no candidate's own: all that is told of them is NaN.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import LaneObservations
from tuner.training.judgement import FINAL_SHARE

MARKS = 1000  # in a run's evaluations, and as many in its seconds


class Clock:
    """Counts evaluations and seconds, and makes observations of the moments that they have reached.

    Attributes:
        evaluations: Gradient evaluations of each lane so far.
        trained: Seconds of training so far, of the cohort as a whole.
    """

    def __init__(self, *, alone: bool) -> None:
        """Start at 0; `alone` is whether the cohort is of one lane."""
        self.evaluations = 0
        self.trained = 0.0
        self._evaluated = 0.0
        self._alone = alone

    def advance(self, evaluations: int, seconds: float) -> None:
        """Count what was trained."""
        self.evaluations += evaluations
        self.trained += seconds

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Count what happens within a `with` block as evaluation."""
        started = time.perf_counter()
        yield
        self._evaluated += time.perf_counter() - started

    def observed(self, split: str, metrics: Mapping[str, Sequence[float]]) -> LaneObservations:
        """Return an observation of this moment; a metric is one number a lane."""
        seconds, elapsed = (self.trained, self.trained + self._evaluated) if self._alone else (math.nan, math.nan)
        return LaneObservations(split, self.evaluations, seconds, elapsed, metrics)


class Marks:
    """Decides when the clock is marked, and what the mean loss since the last mark is.

    Args:
        budget: The run's gradient evaluations.
        seconds: Of training, at least; None where only evaluations count.
    """

    def __init__(self, budget: int, seconds: float | None) -> None:
        self._evaluations, self._seconds = budget / MARKS, math.inf if seconds is None else seconds / MARKS
        self._budget = budget
        self._at = (0, 0.0)
        self._losses: list[NDArray[np.floating]] = []

    def take(self, losses: NDArray[np.floating]) -> None:
        """Take losses [evaluations, P]."""
        self._losses.append(losses)

    def are_due(self, clock: Clock) -> bool:
        """Whether enough has happened since the last mark: a thousandth of the evaluations, then of the seconds."""
        if clock.evaluations <= self._budget:
            return clock.evaluations - self._at[0] >= self._evaluations
        return clock.trained - self._at[1] >= self._seconds

    def mark(self, clock: Clock) -> LaneObservations | None:
        """Return an observation with the mean loss since the last mark; None if there was no loss since."""
        if not self._losses:
            return None
        means = np.concatenate(self._losses).mean(axis=0, dtype=np.float64)
        self._at, self._losses = (clock.evaluations, clock.trained), []
        return clock.observed("training", {"loss": means.tolist()})


class LastTenth:
    """The mean loss over the last tenth of a budget of seconds.

    The evaluations of a chunk are taken to have followed each other evenly; what ends after the budget does not count,
    and neither does a loss there that is not finite.

    Args:
        seconds: The budget.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._before = seconds - seconds / FINAL_SHARE
        self._evaluations, self._counted = 0, 0
        self._sum: NDArray[np.float64] | None = None
        self._last: NDArray[np.float64] | None = None

    def take(self, losses: NDArray[np.floating], begun: float, ended: float) -> None:
        """Take losses [evaluations, P] of a chunk, and the seconds of training at its two ends."""
        times = begun + (ended - begun) * np.arange(1, len(losses) + 1) / len(losses)
        within = losses[times <= self._seconds].astype(np.float64)
        counted = losses[(times <= self._seconds) & (times > self._before)].astype(np.float64)
        self._sum = (0.0 if self._sum is None else self._sum) + counted.sum(axis=0)
        # One that is not finite stays in sight until the end, also from before the last tenth.
        self._sum = self._sum + np.where(np.isfinite(within).all(axis=0), 0.0, np.nan)
        if len(within) or self._last is None:
            self._last = (within if len(within) else losses.astype(np.float64))[-1 if len(within) else 0]
        self._evaluations += len(within)
        self._counted += len(counted)

    def observed(self, clock: Clock) -> LaneObservations:
        """Return the mean; of a run whose every step takes longer than a tenth of the budget, the last loss in it."""
        assert self._sum is not None  # noqa: S101 (there is a first chunk)
        assert self._last is not None  # noqa: S101
        means = self._sum / self._counted if self._counted else self._last + self._sum
        told = clock.observed("time", {"loss": means.tolist()})
        return LaneObservations("time", self._evaluations, self._seconds, told.elapsed, told.metrics)
