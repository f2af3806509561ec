"""Rosenbrock's function, scaled as in arXiv 2210.06171, without noise."""

from __future__ import annotations

import tensorflow as tf

from tasks.options import float_dtype
from tasks.task import State, Tensor


class Rosenbrock:
    """f(x, y) = 0.01 (1 - x)² + (y - x²)², from (-0.5, 2); the minimum is 0 at (1, 1).

    Nothing is random: all lanes are alike, and only the number of seeds matters.

    Args:
        dtype: "float32" or "float64". Default: "float64".
    """

    name = "rosenbrock"
    cohort_size = 16
    jit_compile = True
    layers = ((0, 1), (1, 2))  # one layer per coordinate
    is_random = False
    start = (-0.5, 2.0)

    def __init__(self, *, dtype: str | None = None) -> None:
        self.dtype = float_dtype(dtype, default="float64")

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return the start (-0.5, 2) in every lane, x [2, P], and an empty state."""
        start = tf.constant(self.start, self.dtype)[:, tf.newaxis]  # [2, 1]
        return tf.repeat(start, seeds.shape[0], axis=1), ()

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the empty state."""
        del seeds, t
        return state

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return f [P] and its analytic gradient [2, P]."""
        across, along = x[0], x[1]
        valley = along - across * across
        slope = 1 - across
        loss = 0.01 * slope * slope + valley * valley
        gradient = tf.stack([-0.02 * slope - 4 * across * valley, 2 * valley])
        return loss, gradient, state

    def hessian(self, x: Tensor) -> Tensor:
        """Return the Hessian [2, 2, P] of f at x [2, P]."""
        across, along = x[0], x[1]
        mixed = -4 * across
        return tf.stack(
            [
                tf.stack([0.02 - 4 * along + 12 * across * across, mixed]),
                tf.stack([mixed, 2 * tf.ones_like(mixed)]),
            ]
        )
