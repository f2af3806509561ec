"""The protocol of a measurement: a callback of the training loop that looks at a cohort and changes nothing of it."""

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
    """How far the training of a cohort has come, as measurements see it.

    Compilation is no part of the times. Where several candidates train in lockstep the times belong to none of them,
    and an observation has NaN in their place.

    Args:
        cohort: What is trained.
        carry: Where every lane starts.

    Attributes:
        carry: Where every lane is now: x [n, P], the task's state, the optimizer's state.
        evaluations: Gradient evaluations of each lane so far.
        seconds: Seconds of training so far, of the cohort as a whole.
        losses: Losses of the last chunk [evaluations, P], those beyond the budget included.
        chunk_seconds: Seconds of the last chunk.
    """

    def __init__(self, cohort: Cohort, carry: Carry) -> None:
        self.cohort, self.carry = cohort, carry
        self.evaluations, self.seconds, self.chunk_seconds = 0, 0.0, 0.0
        self.losses: NDArray[np.floating] = np.empty((0, len(cohort.lanes)))
        self._curve: list[NDArray[np.floating]] = []
        self._validation_seconds = 0.0

    def advance(self, chunk: Chunk) -> NDArray[np.floating]:
        """Take a chunk in, and return its losses within the budget, perhaps none."""
        within = chunk.losses[: max(0, self.cohort.budget - self.evaluations)]
        if len(within):
            self._curve.append(within)
        self.carry, self.losses, self.chunk_seconds = chunk.carry, chunk.losses, chunk.seconds
        self.evaluations += len(chunk.losses)
        self.seconds += chunk.seconds
        return within

    @property
    def curve(self) -> NDArray[np.floating]:
        """All losses within the budget so far, [evaluations, P]."""
        return np.concatenate(self._curve)

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Count the time of a `with` block as validation, which is part of `elapsed` but not of `seconds`."""
        started = time.perf_counter()
        yield
        self._validation_seconds += time.perf_counter() - started

    def observation(self, split: str, metrics: Mapping[str, Sequence[float]]) -> LaneObservations:
        """Return an observation of this moment; a metric is one number per lane."""
        seconds = self.seconds if len(self.cohort.lanes) == 1 else math.nan
        return LaneObservations(split, self.evaluations, seconds, seconds + self._validation_seconds, metrics)


class MeasurementCallback:
    """Base class of measurements; each of its methods does nothing.

    The loop calls `begin` once before the first step, `after_chunk` after every chunk, and `end` once after the last;
    each returns the observations that are made then. A chunk is as long as the loop likes, but ends at every stop that
    a measurement asks for. An exception of a measurement ends the training of the cohort.

    Attributes:
        seconds: Train on beyond the budget until this time has been spent on training; None does not ask for it.
    """

    seconds: float | None = None

    def stops(self, budget: int) -> Iterable[int]:
        """Return increasing numbers of evaluations after which a chunk is to end, perhaps infinitely many."""
        return ()

    def begin(self, training: Training) -> Iterable[LaneObservations]:
        """Look at the start. What is compiled here takes no time of the training."""
        return ()

    def after_chunk(self, training: Training) -> Iterable[LaneObservations]:
        """Look at where a chunk has ended."""
        return ()

    def end(self, training: Training) -> Iterable[LaneObservations]:
        """Look at where training has ended: at the end of the budget or of the time, or where all lanes diverged."""
        return ()
