"""Whether a learned preconditioner comes near the inverse Hessian, and what it is worth once it is frozen.

The paper's own check of LODO (arXiv 2210.06171): the approximation error ‖I - G(θ)H‖_F / √n falls while it trains, and
a run that begins again from x_0 with the learned G, frozen, is at its best from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lodo.learned_preconditioner import LearnedPreconditioner
from tuner.core.trial import Evaluation, TrainingProgress, Trial, Workload
from tuner.training.cohort import Cohort, evaluations
from tuner.training.loop import Carry

POINTS = 20  # at which the error is measured, beside the start
VECTORS = 256  # of the estimate; its standard error is some 1 % at n = 100
_SEED = 20_230_629  # of the vectors, the same at every point, so that their luck does not move the error


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run that was tracked, and the same run once more with what it had learned."""

    learning: Evaluation
    frozen: Evaluation
    points: tuple[int, ...]  # gradient evaluations taken before each error
    errors: tuple[float, ...]  # ‖I - G(θ)H‖_F / √n


def track(workload: Workload, lanes: Sequence[Trial]) -> Iterator[TrainingProgress | Tracked]:
    """Train one cohort, measure its preconditioners on the way, and run it again from x_0 with them frozen.

    The second run sees the same minibatches and noise.

    Args:
        workload: What the trials share; the cohort has one lane a trial.
        lanes: `workload.cohort_size` trials with one budget.

    Yields:
        `TrainingProgress`, for both runs together; at the end one `Tracked` a trial, in order.

    Raises:
        ValueError: The lanes do not fit the workload, the optimizer does not learn a preconditioner, or the task has no
            Hessian.
    """
    cohort = Cohort(workload, lanes)
    optimizer, task = cohort.loop.optimizer, cohort.loop.task
    if not isinstance(optimizer, LearnedPreconditioner):
        raise ValueError(
            "--track hessian-error is for optimizers that learn a preconditioner, LODO and its ablations. "
            f"Received: {workload.optimizer}"
        )
    if getattr(task, "hessian", None) is None:
        raise ValueError(
            "--track hessian-error needs a task with a Hessian (`hessian`): noisy-quadratic-bowl or rosenbrock. "
            f"Received: {task.name}, which has none"
        )
    error = hessian_error(cohort, optimizer)

    start = cohort.begin()
    points, errors = [0], [error(start)]
    stops = stops_of(cohort.budget)
    losses, seconds, last = [], 0.0, start
    for chunk in cohort.chunks(start, stops):
        losses.append(chunk.losses)
        seconds += chunk.seconds
        last = chunk.carry
        if chunk.evaluations_done in stops:
            points.append(chunk.evaluations_done)
            errors.append(error(last))
        yield TrainingProgress(steps_done=chunk.evaluations_done // 2, losses=chunk.losses)
    learning = list(evaluations(lanes, np.concatenate(losses), cohort.budget, seconds, last[0].device))

    x, task_state, _ = cohort.begin()
    losses, seconds = [], 0.0
    for chunk in cohort.chunks((x, task_state, optimizer.frozen(last[2]))):
        losses.append(chunk.losses)
        seconds += chunk.seconds
        yield TrainingProgress(steps_done=(cohort.budget + chunk.evaluations_done) // 2, losses=chunk.losses)
    frozen = evaluations(lanes, np.concatenate(losses), cohort.budget, seconds, last[0].device)

    for place, (one, other) in enumerate(zip(learning, frozen, strict=True)):
        yield Tracked(one, other, tuple(points), tuple(float(found[place]) for found in errors))


def stops_of(budget: int) -> list[int]:
    """Return the gradient evaluations after which the error is measured, beside the start."""
    return sorted({round(budget * part / POINTS) for part in range(1, POINTS + 1)} - {0})


def hessian_error(cohort: Cohort, optimizer: LearnedPreconditioner) -> Callable[[Carry], NDArray[np.floating]]:
    """Return a compiled function that takes what a chunk starts from to every lane's error [P].

    Its square is the mean of ‖v - G H v‖² over random unit vectors v, of which the expectation is ‖I - G H‖_F²/n.
    """
    hessian, dtype = cohort.loop.task.hessian, cohort.loop.dtype  # type: ignore[attr-defined]  # `track` checks it

    def error(carry: Carry) -> tf.Tensor:
        x, _, state = carry
        curvature = hessian(x) if callable(hessian) else tf.constant(hessian, dtype)  # [n, n, P] or [n, n]
        product = "ij,jp->ip" if curvature.shape.rank == 2 else "ijp,jp->ip"

        def squared(number: tf.Tensor) -> tf.Tensor:
            vector = tf.random.stateless_normal([x.shape[0], 1], [_SEED, number], dtype=dtype)
            vector = tf.repeat(vector / tf.norm(vector), x.shape[1], axis=1)  # every lane's the same
            bent = tf.einsum(product, curvature, vector)
            left = vector - optimizer.preconditioned(state, cohort.hyperparameters, bent)
            return tf.reduce_sum(left * left, axis=0)

        return tf.sqrt(tf.reduce_mean(tf.map_fn(squared, tf.range(VECTORS), fn_output_signature=dtype), axis=0))

    compiled = tf.function(error, autograph=False)
    return lambda carry: compiled(carry).numpy()
