"""RMSprop as in Keras (Hinton 2012, Coursera lecture 6e)."""

from __future__ import annotations

import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor

EPSILON = 1e-7  # Keras' default; added inside the square root


class RMSprop(GradientOptimizer):
    """RMSprop: steps along the gradient divided by its root mean square, with momentum.

        v ← ρ v + (1-ρ) g²
        u ← μ u + η g / √(v + ε)          ε = 1e-7
        x ← x - u

    Hyperparameters: learning_rate (η > 0), rho (ρ in [0, 1)), momentum (μ in [0, 1)).
    """

    hyperparameters = ("learning_rate", "rho", "momentum")

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the average square and the momentum [n, P], which are zero."""
        return tf.zeros_like(x), tf.zeros_like(x)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x, the average square and the momentum after a step with this gradient [n, P]."""
        square, moved = state
        rho = hyperparameters["rho"]
        square = rho * square + (1 - rho) * gradient * gradient
        step = hyperparameters["learning_rate"] * gradient * tf.math.rsqrt(square + EPSILON)
        moved = hyperparameters["momentum"] * moved + step
        return x - moved, (square, moved)
