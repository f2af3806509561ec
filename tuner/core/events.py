"""Events of candidates that are being trained, and what training yields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.core.trial import Evaluation, Key, Observation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """Event: a worker has begun to train these candidates."""

    keys: tuple[Key, ...]
    attempt: int  # from 1
    node: str
    pid: int


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """Event: an attempt ended without a result; its candidates wait again or are final."""

    keys: tuple[Key, ...]
    attempt: int
    reason: str  # "worker crashed", "node died", "split after an exception", ...


@dataclass(frozen=True, slots=True)
class Progress:
    """Event: progress of the training of these candidates."""

    keys: tuple[Key, ...]
    attempt: int
    steps_done: int


@dataclass(frozen=True, slots=True, eq=False)
class TrainingProgress:
    """Progress of a cohort, as training yields it: the losses since the last one, less than 100 kB."""

    steps_done: int  # gradient evaluations of each lane so far, these included
    losses: NDArray[np.floating]  # [evaluations since the last one, lanes]


@dataclass(frozen=True, slots=True)
class LaneObservations:
    """What training yields where more than losses is measured: an `Observation` of every lane."""

    split: str
    evaluations: int
    seconds: float
    elapsed: float
    metrics: Mapping[str, Sequence[float]]  # one number per lane

    def of_lane(self, lane: int) -> Observation:
        """Return what was measured of one lane."""
        metrics = {name: numbers[lane] for name, numbers in self.metrics.items()}
        return Observation(self.split, self.evaluations, self.seconds, self.elapsed, metrics)


@dataclass(frozen=True, slots=True)
class Reported:
    """What a training function has reported and printed since the last one, less than 100 kB."""

    observations: tuple[LaneObservations, ...] = ()
    output: str | None = None  # all that it printed so far, cut in the middle; None: as before
    is_last: bool = False  # whether the evaluation follows at once


Event = AttemptStarted | AttemptEnded | Progress | Evaluation
"""What an executor reports of a candidate."""
