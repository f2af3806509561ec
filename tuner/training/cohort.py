"""A cohort: candidates that train in lockstep, in chunks of steps."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.core.seeds import lane_seeds
from tuner.core.task_arguments import shape_of
from tuner.core.trial import Trial, Workload
from tuner.training.loop import MAX_CHUNK_STEPS, Carry, loop_for

CHUNK_SECONDS = 1.0  # intended duration of a chunk, so that progress is reported and a diverged cohort ends early


@dataclass(frozen=True, slots=True)
class Chunk:
    """A few consecutive steps of a cohort."""

    evaluations_done: int  # of each lane, since the start
    carry: Carry  # start of the next chunk
    losses: NDArray[np.floating]  # [evaluations of this chunk, P]
    seconds: float


class Cohort:
    """Candidates that train in lockstep, and their training loop.

    Args:
        workload: The workload of the trials.
        lanes: `workload.cohort_size` trials with one budget; a candidate may fill several lanes.

    Raises:
        OtherInputs: The data or the code is not the study's.
        ValueError: The lanes do not fit the workload.
    """

    def __init__(self, workload: Workload, lanes: Sequence[Trial]) -> None:
        budgets = {trial.steps for trial in lanes}
        if len(lanes) != workload.cohort_size or len(budgets) != 1:
            raise ValueError(
                f"a cohort has {workload.cohort_size} lanes with one budget. Received: {len(lanes)} lanes with the "
                f"budgets {sorted(budgets)}"
            )
        self.workload, self.lanes = workload, tuple(lanes)
        self.budget = budgets.pop()  # gradient evaluations
        if len({shape_of(trial.hyperparameters) for trial in lanes}) > 1:
            raise ValueError("the candidates of a cohort have the same arguments of the task. Received: several")
        self.loop = loop_for(workload, lanes[0])
        self.hyperparameters = {
            name: tf.constant([trial.hyperparameters[name] for trial in lanes], self.loop.dtype)
            for name in self.loop.optimizer.hyperparameters
        }
        self._task_seeds = tf.constant([lane_seeds(trial.seed, "task") for trial in lanes], tf.int32)
        self._optimizer_seeds = tf.constant([lane_seeds(trial.seed, "optimizer") for trial in lanes], tf.int32)

    def begin(self) -> Carry:
        """Return the start of every lane."""
        return self.loop.begin(self.hyperparameters, self._task_seeds, self._optimizer_seeds)

    def take_first(self, carry: Carry, steps: int) -> None:
        """Take the first steps from a start, which stays as it is; beyond MAX_CHUNK_STEPS from the start again."""
        for done in range(0, steps, MAX_CHUNK_STEPS):
            size = min(steps - done, MAX_CHUNK_STEPS)
            self.loop.run(carry, self.hyperparameters, self._task_seeds, 1, size, max(size, self.budget))

    def chunks(self, carry: Carry, stops: Iterable[int] = (), seconds: float | None = None) -> Iterator[Chunk]:
        """Train from the first step to the end of the budget, or until every lane has diverged.

        Args:
            carry: The start.
            stops: Increasing numbers of evaluations, possibly infinitely many. A chunk ends with the step that reaches
                one. Default: none.
            seconds: Training time until which training continues beyond the budget. An optimizer whose steps depend on
                their total number repeats its last step there. Default: not beyond the budget.
        """
        loop, per_step = self.loop, self.loop.optimizer.evaluations_per_step
        horizon = -(-self.budget // per_step)
        if loop.traces == 0:  # compile, and do the set-up of the first call, before the clock starts
            loop.run(carry, self.hyperparameters, self._task_seeds, 1, 1, horizon)
        ahead = (-(-stop // per_step) for stop in stops)
        stop = next(ahead, 0)  # the next stop, in steps; 0 if there is none
        alive = np.ones(len(self.lanes), bool)
        done, size, spent = 0, 1, 0.0
        while (done < horizon or (seconds is not None and spent < seconds)) and alive.any():
            while 0 < stop <= done:
                stop = next(ahead, 0)
            size = min(size, *(end - done for end in (stop, horizon) if end > done), MAX_CHUNK_STEPS)
            last = horizon if getattr(loop.optimizer, "repeats_last_step", False) else max(horizon, done + size)
            started = time.perf_counter()
            carry, losses = loop.run(carry, self.hyperparameters, self._task_seeds, done + 1, size, last)
            elapsed = time.perf_counter() - started
            if seconds is None:
                losses = losses[: self.budget - done * per_step]
            alive &= np.isfinite(losses).all(axis=0)
            yield Chunk(done * per_step + len(losses), carry, losses, elapsed)
            done, spent = done + size, spent + elapsed
            size = _next_size(size, elapsed)
            if seconds is not None and done >= horizon:  # no step begins long after the time has passed
                size = min(size, max(1, math.ceil((seconds - spent) * done / spent)))


def _next_size(size: int, elapsed: float) -> int:
    """Return a number of steps that takes about CHUNK_SECONDS, at most eight times the last."""
    next_size = size * CHUNK_SECONDS / max(elapsed, 1e-6)
    return int(min(max(next_size, 1), size * 8, MAX_CHUNK_STEPS))
