"""Trials in, losses and evaluations out: a cohort of candidates trained in lockstep.

Workers import this module, the driver does not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.core.seeds import lane_seeds
from tuner.core.trial import Evaluation, Key, TrainingProgress, Trial, Workload
from tuner.training.judgement import judge
from tuner.training.loop import CHUNK_STEPS, Carry, loop_of

CHUNK_SECONDS = 1.0  # how long a chunk should take, so that progress is seen and a diverged cohort ends early


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some steps of a cohort."""

    evaluations_done: int  # of a lane, since the start
    carry: Carry  # what the next chunk starts from
    losses: NDArray[np.floating]  # [evaluations of this chunk, P]
    seconds: float


class Cohort:
    """Candidates that train in lockstep, and the loop that they train in.

    Args:
        workload: What the trials share.
        lanes: `workload.cohort_size` trials with one budget; a candidate may fill several lanes.

    Raises:
        ValueError: The lanes do not fit the workload, or the data is not what the study was made on.
    """

    def __init__(self, workload: Workload, lanes: Sequence[Trial]) -> None:
        budgets = {trial.steps for trial in lanes}
        if len(lanes) != workload.cohort_size or len(budgets) != 1:
            raise ValueError(
                f"a cohort has {workload.cohort_size} lanes with one budget. Received: {len(lanes)} lanes with the "
                f"budgets {sorted(budgets)}"
            )
        self.lanes = tuple(lanes)
        self.budget = budgets.pop()  # gradient evaluations
        self.loop = loop_of(workload, list(lanes[0].hyperparameters))
        self.hyperparameters = {
            name: tf.constant([trial.hyperparameters[name] for trial in lanes], self.loop.dtype)
            for name in self.loop.optimizer.hyperparameters
        }
        self._task_seeds = tf.constant([lane_seeds(trial.seed, "task") for trial in lanes], tf.int32)
        self._optimizer_seeds = tf.constant([lane_seeds(trial.seed, "optimizer") for trial in lanes], tf.int32)

    def begin(self) -> Carry:
        """Return where every lane starts."""
        return self.loop.begin(self.hyperparameters, self._task_seeds, self._optimizer_seeds)

    def chunks(self, carry: Carry, stops: Iterable[int] = (), seconds: float | None = None) -> Iterator[Chunk]:
        """Train from the first step on, to the end of the budget or until every lane has diverged.

        Args:
            carry: Where to start.
            stops: Rising numbers of evaluations at which a chunk ends, or with the step during which they are reached;
                perhaps without end. Default: none.
            seconds: Go on beyond the budget until the cohort has trained for so long. An optimizer whose steps depend
                on how many there will be stays at its last one then. Default: not beyond.
        """
        loop, per_step = self.loop, self.loop.optimizer.evaluations_per_step
        horizon = -(-self.budget // per_step)
        if loop.traces == 0:  # compile, and let the first call's set-up pass, before the clock starts
            loop.run(carry, self.hyperparameters, self._task_seeds, 1, 1, horizon)
        ahead = (-(-stop // per_step) for stop in stops)
        stop = next(ahead, 0)  # the next stop, in steps; 0 where there is none
        alive = np.ones(len(self.lanes), bool)
        done, size, spent = 0, 1, 0.0
        while (done < horizon or (seconds is not None and spent < seconds)) and alive.any():
            while 0 < stop <= done:
                stop = next(ahead, 0)
            size = min(size, *(end - done for end in (stop, horizon) if end > done), CHUNK_STEPS)
            last = max(horizon, done + size)
            started = time.perf_counter()
            carry, losses = loop.run(carry, self.hyperparameters, self._task_seeds, done + 1, size, last)
            elapsed = time.perf_counter() - started
            if seconds is None:
                losses = losses[: self.budget - done * per_step]
            alive &= np.isfinite(losses).all(axis=0)
            yield Chunk(done * per_step + len(losses), carry, losses, elapsed)
            done, spent = done + size, spent + elapsed
            size = _next_size(size, elapsed)
            if seconds is not None and done >= horizon:  # not far beyond
                size = min(size, max(1, math.ceil((seconds - spent) * done / spent)))


def train(workload: Workload, lanes: Sequence[Trial]) -> Iterator[TrainingProgress | Evaluation]:
    """Train one cohort to the end of its budget, or until every lane has diverged.

    Args:
        workload: What the trials share.
        lanes: `workload.cohort_size` trials with one budget; a candidate may fill several lanes.

    Yields:
        `TrainingProgress` with the losses of all lanes, chunk by chunk; at the end one `Evaluation` a distinct key.

    Raises:
        ValueError: The lanes do not fit the workload, or the data is not what the study was made on.
    """
    cohort = Cohort(workload, lanes)
    curves, seconds = [], 0.0
    for chunk in cohort.chunks(cohort.begin()):
        curves.append(chunk.losses)
        seconds += chunk.seconds
        yield TrainingProgress(steps_done=chunk.evaluations_done, losses=chunk.losses)
    yield from evaluations(lanes, np.concatenate(curves), cohort.budget, seconds, chunk.carry[0].device)


def _next_size(size: int, elapsed: float) -> int:
    """Return how many steps the next chunk takes so that it lasts about CHUNK_SECONDS; grows by 8 at most."""
    wanted = size * CHUNK_SECONDS / max(elapsed, 1e-6)
    return int(min(max(wanted, 1), size * 8, CHUNK_STEPS))


def evaluations(
    lanes: Sequence[Trial], losses: NDArray[np.floating], budget: int, seconds: float, device: str
) -> Iterator[Evaluation]:
    """Yield one evaluation a distinct key of the lanes, from losses [evaluations, P]."""
    places: dict[Key, int] = {}
    for place, trial in enumerate(lanes):
        places.setdefault(trial.key, place)
    where = tf.DeviceSpec.from_string(device)
    name = f"{where.device_type}:{where.device_index}" if where.device_type else "CPU:0"
    for key, place in places.items():
        curve = losses[:, place]
        status, fitness, reason = judge(curve, budget)
        steps_done = next((int(i) + 1 for i in np.flatnonzero(~np.isfinite(curve))), len(curve))
        yield Evaluation(
            key=key,
            status=status,
            fitness=fitness,
            losses=curve[:steps_done],
            steps_done=steps_done,
            seconds=seconds / len(places),
            device=name,
            reason=reason,
        )
