"""The distance of a learned preconditioner from the inverse Hessian.

This is the paper's own check of LODO (arXiv 2210.06171): the approximation error ‖I - G(θ)H‖_F / √n decreases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lodo.learned_preconditioner import LearnedPreconditioner
from lodo.with_additions import WithAdditions
from tuner.core.errors import InvalidRequest
from tuner.core.events import LaneObservations
from tuner.training.cohort import Cohort
from tuner.training.loop import Carry
from tuner.training.measurements.measurement import MeasurementCallback, Training

POINTS = 20  # number of measurements, in addition to the start
VECTORS = 256  # number of random vectors; the standard error of the estimate is about 1 % at n = 100
_SEED = 20_230_629  # of the vectors, the same at every point, so that differences are not due to chance


class HessianError(MeasurementCallback):
    """Observes ‖I - G(θ)H‖_F / √n of every lane at the start and at twenty points of the budget."""

    def stops(self, budget: int) -> Iterable[int]:
        """Return the twenty points."""
        return sorted({round(budget * part / POINTS) for part in range(1, POINTS + 1)} - {0})

    def begin(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the error at the start.

        Raises:
            InvalidRequest: The optimizer learns no preconditioner, or the task has no Hessian.
        """
        self._error = hessian_error(training.cohort)
        self._left = list(self.stops(training.cohort.budget))  # the remaining points
        yield self._observation(training)

    def after_chunk(self, training: Training) -> Iterable[LaneObservations]:
        """Yield the error if this is one of the points; its time does not count as training."""
        if self._left and training.evaluations >= self._left[0]:
            self._left = [stop for stop in self._left if stop > training.evaluations]
            yield self._observation(training)

    def _observation(self, training: Training) -> LaneObservations:
        return training.observation("hessian-error", {"error": self._error(training.carry).tolist()})


def hessian_error(cohort: Cohort) -> Callable[[Carry], NDArray[np.floating]]:
    """Return a compiled function from the state of the lanes to their errors [P].

    Its square is the mean of ‖v - G H v‖² over random unit vectors v, whose expectation is ‖I - G H‖_F²/n.

    Raises:
        InvalidRequest: The optimizer learns no preconditioner, or the task has no Hessian.
    """
    optimizer, task, dtype = cohort.loop.optimizer, cohort.loop.task, cohort.loop.dtype
    if not isinstance(optimizer, LearnedPreconditioner):
        added = f" with {', '.join(optimizer.added)}" if isinstance(optimizer, WithAdditions) else ""
        raise InvalidRequest(
            "track",
            "hessian-error is for optimizers that learn a preconditioner, LODO and its ablations, without additions",
            f"{cohort.workload.optimizer}{added}",
        )
    hessian = getattr(task, "hessian", None)
    if hessian is None:
        raise InvalidRequest(
            "track",
            "hessian-error needs a task with a Hessian (`hessian`), such as noisy-quadratic-bowl or rosenbrock",
            task.name,
        )

    def error(carry: Carry) -> tf.Tensor:
        x, _, state = carry
        curvature = hessian(x) if callable(hessian) else tf.constant(hessian, dtype)  # [n, n, P] or [n, n]
        product = "ij,jp->ip" if curvature.shape.rank == 2 else "ijp,jp->ip"

        def squared(number: tf.Tensor) -> tf.Tensor:
            vector = tf.random.stateless_normal([x.shape[0], 1], [_SEED, number], dtype=dtype)
            vector = tf.repeat(vector / tf.norm(vector), x.shape[1], axis=1)  # the same in every lane
            product_with_hessian = tf.einsum(product, curvature, vector)
            difference = vector - optimizer.preconditioned(state, cohort.hyperparameters, product_with_hessian)
            return tf.reduce_sum(difference * difference, axis=0)

        return tf.sqrt(tf.reduce_mean(tf.map_fn(squared, tf.range(VECTORS), fn_output_signature=dtype), axis=0))

    compiled = tf.function(error, autograph=False)
    return lambda carry: compiled(carry).numpy()
