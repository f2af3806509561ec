"""Copies of Adam as a user would write them, for `own_optimizer.py`: in our protocol, and in Keras' form."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
import tensorflow as tf
from keras import ops

from lodo.optimizer import GradientOptimizer

EPSILON = 1e-7


class MyAdam(GradientOptimizer):
    """Adam in our protocol."""

    search_space: ClassVar = {
        "learning_rate": {"scale": "log", "default": 0.001},
        "beta_1": {"scale": "decay", "default": 0.9},
        "beta_2": {"scale": "decay", "default": 0.999},
    }

    def begin(self, x: Any, hyperparameters: Any, seeds: Any) -> Any:
        """Return both averages."""
        return tf.zeros_like(x), tf.zeros_like(x)

    def update(self, gradient: Any, x: Any, state: Any, hyperparameters: Any, t: Any) -> Any:
        """Return x and both averages after a step."""
        average, square = state
        rate, beta_1, beta_2 = (hyperparameters[name] for name in ("learning_rate", "beta_1", "beta_2"))
        steps = tf.cast(t, x.dtype)
        average = average + (gradient - average) * (1 - beta_1)
        square = square + (gradient * gradient - square) * (1 - beta_2)
        scale = rate * tf.sqrt(1 - beta_2**steps) / (1 - beta_1**steps)
        return x - scale * average / (tf.sqrt(square) + EPSILON), (average, square)


class MyKerasAdam(keras.optimizers.Optimizer):
    """Adam in Keras' form."""

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, name: str = "mine"):
        super().__init__(learning_rate=learning_rate, name=name)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def build(self, variables: Any) -> None:
        """Make both averages."""
        super().build(variables)
        self.averages, self.squares = self.add_optimizer_variables(variables, ["average", "square"])

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move a variable."""
        place = self._get_variable_index(variable)
        average, square = self.averages[place], self.squares[place]
        rate, steps = ops.cast(learning_rate, variable.dtype), ops.cast(self.iterations + 1, variable.dtype)
        beta_1, beta_2 = ops.cast(self.beta_1, variable.dtype), ops.cast(self.beta_2, variable.dtype)
        self.assign_add(average, (gradient - average) * (1 - beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - beta_2))
        scale = rate * ops.sqrt(1 - ops.power(beta_2, steps)) / (1 - ops.power(beta_1, steps))
        self.assign_sub(variable, scale * average / (ops.sqrt(square) + EPSILON))
