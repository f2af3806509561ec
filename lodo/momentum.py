"""Gradient descent with momentum, as `keras.optimizers.SGD` computes it."""

from __future__ import annotations

import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor


class Momentum(GradientOptimizer):
    """Gradient descent with (heavy-ball) momentum; plain gradient descent at momentum 0.

        v ← μ v - η g
        x ← x + v

    Hyperparameters: learning_rate (η > 0), momentum (μ in [0, 1)).
    """

    hyperparameters = ("learning_rate", "momentum")

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the velocity [n, P], which is zero."""
        return tf.zeros_like(x)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x and the velocity after a step with this gradient [n, P]."""
        velocity = hyperparameters["momentum"] * state - hyperparameters["learning_rate"] * gradient
        return x + velocity, velocity
