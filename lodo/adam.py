"""Adam as in Keras (Kingma and Ba 2015, arXiv 1412.6980)."""

from __future__ import annotations

import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor

EPSILON = 1e-7  # Keras' default; added outside the square root


def debiased_learning_rate(learning_rate: Tensor, beta_1: Tensor, beta_2: Tensor, t: Tensor) -> Tensor:
    """Return η √(1-β2ᵗ) / (1-β1ᵗ) [P]: the step size corrected for both averages' bias towards their start at zero."""
    steps = tf.cast(t, learning_rate.dtype)
    return learning_rate * tf.sqrt(1 - tf.pow(beta_2, steps)) / (1 - tf.pow(beta_1, steps))


def adam_step(
    x: Tensor, gradient: Tensor, average: Tensor, square: Tensor, *, rate: Tensor, beta_1: Tensor, beta_2: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return x and both averages, of one shape, after a step; `rate` is the `debiased_learning_rate`."""
    average += (gradient - average) * (1 - beta_1)
    square += (gradient * gradient - square) * (1 - beta_2)
    return x - rate * average / (tf.sqrt(square) + EPSILON), average, square


class Adam(GradientOptimizer):
    """Adam: steps along an average of gradients, scaled by an average of their squares.

        m ← m + (1-β1) (g - m)
        v ← v + (1-β2) (g² - v)
        x ← x - η √(1-β2ᵗ)/(1-β1ᵗ) · m / (√v + ε)          t = 1 at the first step, ε = 1e-7

    Hyperparameters: learning_rate (η > 0), beta_1 and beta_2 (in [0, 1)).
    """

    hyperparameters = ("learning_rate", "beta_1", "beta_2")

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return both averages [n, P], which are zero."""
        return tf.zeros_like(x), tf.zeros_like(x)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x and both averages after a step with this gradient [n, P]."""
        betas = {name: hyperparameters[name] for name in ("beta_1", "beta_2")}
        rate = debiased_learning_rate(hyperparameters["learning_rate"], t=t, **betas)
        x, average, square = adam_step(x, gradient, *state, rate=rate, **betas)
        return x, (average, square)
