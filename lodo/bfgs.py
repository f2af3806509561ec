"""BFGS without a line search (Nocedal and Wright 2006, Numerical Optimization)."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor
from lodo.two_loop import has_not_moved


class BFGSState(NamedTuple):
    """State of BFGS: n² numbers for the inverse Hessian and 3 n for the last move, per lane."""

    inverse: Tensor  # H [n, n, P], as the last move used it
    move: Tensor  # s [n, P], the last move
    gradient: Tensor  # g [n, P], at the last step
    direction: Tensor  # H g [n, P], at the last step


class BFGS(GradientOptimizer):
    """BFGS: steps by an estimate of the inverse Hessian, updated to match the change of the gradient.

        H ← (I - s yᵀ/sᵀy) H (I - y sᵀ/sᵀy) + s sᵀ/sᵀy          s: the last move, y: the change of the gradient
        x ← x - η H g                                           H starts as the initial scale times I

    One evaluation per step: the two gradients of a pair (s, y) belong to different minibatches. There is no line
    search and no check of the curvature: the only pair that is skipped is that of a step that did not move, as from a
    gradient of zero. The first step has no pair.

    The cost of a step is that of reading H twice and writing it once: H y is computed as H g minus the stored product
    of H and the last gradient, and the updated H times g follows from H g by the vectors of the update.

    Hyperparameters: learning_rate (η > 0), initial_scale (> 0).
    """

    hyperparameters = ("learning_rate", "initial_scale")

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> BFGSState:
        """Return the scaled identity as H, and zeros for the last move."""
        identity = tf.eye(x.shape[0], dtype=x.dtype)[:, :, tf.newaxis]
        nothing = tf.zeros_like(x)
        return BFGSState(identity * hyperparameters["initial_scale"], nothing, nothing, nothing)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, BFGSState]:
        """Update H by the last move, and return x and the state after a step with this gradient [n, P]."""
        inverse, move, last_gradient, last_direction = BFGSState(*state)
        change = gradient - last_gradient
        direction = tf.reduce_sum(inverse * gradient[:, tf.newaxis], axis=0)  # H g; H is symmetric
        of_change = direction - last_direction  # H y
        # Expanded, the update adds s wᵀ + w sᵀ with w = (½ (1 + yᵀHy/sᵀy) s - Hy) / sᵀy.
        curvature = tf.reduce_sum(move * change, axis=0)
        reciprocal = tf.where((t > 1) & ~has_not_moved(move, curvature), 1 / curvature, 0)  # 1/sᵀy; 0: without a pair
        bend = reciprocal * tf.reduce_sum(change * of_change, axis=0)
        other = reciprocal * (0.5 * (1 + bend) * move - of_change)
        inverse += move[:, tf.newaxis] * other + other[:, tf.newaxis] * move
        along, across = (tf.reduce_sum(vector * gradient, axis=0) for vector in (other, move))
        direction += move * along + other * across
        move = -hyperparameters["learning_rate"] * direction
        return x + move, BFGSState(inverse, move, gradient, direction)
