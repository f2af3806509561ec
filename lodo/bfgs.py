"""BFGS with a dense inverse Hessian, without a line search (Nocedal and Wright 2006, Numerical Optimization)."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor


class BFGSState(NamedTuple):
    """What BFGS carries from step to step: n² numbers for the inverse, 3 n for the last move."""

    inverse: Tensor  # H [n, n, P], the estimate that the last move used
    move: Tensor  # s [n, P], the last move
    gradient: Tensor  # [n, P], the gradient that it followed
    direction: Tensor  # H times that gradient [n, P]


class BFGS(GradientOptimizer):
    """BFGS: steps by an inverse Hessian that is made to explain how the last two gradients differ.

        H ← (I - s yᵀ/sᵀy) H (I - y sᵀ/sᵀy) + s sᵀ/sᵀy          s: the last move, y: the change of the gradient
        x ← x - η H g                                           H starts as the initial scale times I

    It evaluates once a step, so that the two gradients of a pair belong to different minibatches. No line search, no
    check of the curvature: no pair is skipped. The first step has no pair.

    A step reads H twice and writes it once, and costs what that costs: H y is H g, needed anyway, less H times the
    last gradient, which the last move left; the new H times g follows from the old one's by the vectors of the update.

    Hyperparameters: learning_rate (η > 0), initial_scale (> 0).
    """

    hyperparameters = ("learning_rate", "initial_scale")

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> BFGSState:
        """Return the scaled identity, and no last move."""
        identity = tf.eye(x.shape[0], dtype=x.dtype)[:, :, tf.newaxis]
        nothing = tf.zeros_like(x)
        return BFGSState(identity * hyperparameters["initial_scale"], nothing, nothing, nothing)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, BFGSState]:
        """Learn from the last move, then move, with this gradient [n, P]."""
        inverse, move, last_gradient, last_direction = BFGSState(*state)
        change = gradient - last_gradient
        direction = tf.reduce_sum(inverse * gradient[:, tf.newaxis], axis=0)  # H g; H is symmetric
        of_change = direction - last_direction  # H y
        # Expanded, the update adds s wᵀ + w sᵀ with w = (½ (1 + yᵀHy/sᵀy) s - Hy) / sᵀy.
        reciprocal = tf.where(t > 1, 1 / tf.reduce_sum(move * change, axis=0), 0)  # 1/sᵀy; the first step has no pair
        bend = reciprocal * tf.reduce_sum(change * of_change, axis=0)
        other = reciprocal * (0.5 * (1 + bend) * move - of_change)
        inverse += move[:, tf.newaxis] * other + other[:, tf.newaxis] * move
        along, across = (tf.reduce_sum(vector * gradient, axis=0) for vector in (other, move))
        direction += move * along + other * across
        move = -hyperparameters["learning_rate"] * direction
        return x + move, BFGSState(inverse, move, gradient, direction)
