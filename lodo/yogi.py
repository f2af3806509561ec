"""Yogi (Zaheer et al. 2018, Adaptive Methods for Nonconvex Optimization).

Both averages start at zero and there is no bias correction, as in arXiv 2210.06171 (appendix on baselines).
"""

from __future__ import annotations

import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor

EPSILON = 1e-3  # recommended by Yogi's authors; added outside the square root


class Yogi(GradientOptimizer):
    """Yogi: Adam with an average of squares whose change per step is bounded.

        m ← β1 m + (1-β1) g
        v ← v - (1-β2) sign(v - g²) g²
        x ← x - η m / (√v + ε)          ε = 0.001; m and v start at 0, no bias correction

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
        average, square = state
        beta_1, beta_2 = hyperparameters["beta_1"], hyperparameters["beta_2"]
        average = beta_1 * average + (1 - beta_1) * gradient
        squared = gradient * gradient
        square -= (1 - beta_2) * tf.sign(square - squared) * squared
        return x - hyperparameters["learning_rate"] * average / (tf.sqrt(square) + EPSILON), (average, square)
