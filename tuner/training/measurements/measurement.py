"""The protocol of a measurement, a read-only callback of the training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tuner.core.events import LaneObservations
from tuner.training.cohort import Chunk, Cohort
from tuner.training.loop import Carry


class Training:
    """State of a cohort's training, as passed to measurements.

    The times exclude compilation. If several candidates train in lockstep, the times do not apply to any of them, and
    an observation has NaN instead.

    Args:
        cohort: The cohort.
        carry: Start of every lane.

    Attributes:
        carry: Current state of every lane: x [n, P], the task's state, the optimizer's state.
        evaluations: Gradient evaluations of each lane so far.
        seconds: Seconds of training so far, of the cohort as a whole.
        losses: Losses of the last chunk [evaluations, P], including those beyond the budget.
        chunk_seconds: Seconds of the last chunk.
        validations: What was observed of the validation set so far.
    """

    def __init__(self, cohort: Cohort, carry: Carry) -> None:
        self.cohort, self.carry = cohort, carry
        self.evaluations, self.seconds, self.chunk_seconds = 0, 0.0, 0.0
        self.losses: NDArray[np.floating] = np.empty((0, len(cohort.lanes)))
        self.validations: list[LaneObservations] = []
        self._curve: list[NDArray[np.floating]] = []
        self._clock = [(0, 0.0)]  # evaluations and seconds at the end of each chunk
        self._validation_seconds = 0.0

    def advance(self, chunk: Chunk) -> NDArray[np.floating]:
        """Process a chunk, and return its losses within the budget, possibly none."""
        within = chunk.losses[: max(0, self.cohort.budget - self.evaluations)]
        if len(within):
            self._curve.append(within)
        self.carry, self.losses, self.chunk_seconds = chunk.carry, chunk.losses, chunk.seconds
        self.evaluations += len(chunk.losses)
        self.seconds += chunk.seconds
        self._clock.append((self.evaluations, self.seconds))
        return within

    @property
    def curve(self) -> NDArray[np.floating]:
        """All losses within the budget so far, [evaluations, P]."""
        return np.concatenate(self._curve)

    def seconds_at(self, evaluations: int) -> float:
        """Return the seconds of training until then; the losses of a chunk are assumed to be evenly spaced in time."""
        done, seconds = zip(*self._clock, strict=True)
        return float(np.interp(evaluations, done, seconds))

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Count the time of a `with` block as validation, which is part of `elapsed` but not of `seconds`."""
        started = time.perf_counter()
        yield
        self._validation_seconds += time.perf_counter() - started

    def observation(self, split: str, metrics: Mapping[str, Sequence[float]]) -> LaneObservations:
        """Return an observation at the current state; a metric is one number per lane."""
        seconds = self.seconds if len(self.cohort.lanes) == 1 else math.nan
        found = LaneObservations(split, self.evaluations, seconds, seconds + self._validation_seconds, metrics)
        if split == "validation":
            self.validations.append(found)
        return found


class MeasurementCallback:
    """Base class of measurements; its methods do nothing.

    The loop calls `begin` once before the first step, `after_chunk` after every chunk, and `end` once after the last;
    each returns its observations. The loop chooses the length of a chunk, but a chunk ends at every stop of a
    measurement. An exception of a measurement ends the training of the cohort.

    Attributes:
        seconds: Training time until which training continues beyond the budget. None: not beyond the budget.
    """

    seconds: float | None = None

    def stops(self, budget: int) -> Iterable[int]:
        """Return increasing numbers of evaluations after which a chunk must end, possibly infinitely many."""
        return ()

    def begin(self, training: Training) -> Iterable[LaneObservations]:
        """Observe the start. Compilation here does not count as training time."""
        return ()

    def after_chunk(self, training: Training) -> Iterable[LaneObservations]:
        """Observe the end of a chunk."""
        return ()

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Observe the end of training: of the budget or of the time, or where all lanes diverged."""
        return ()
