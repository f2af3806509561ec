"""A sound optimizer, and optimizers that each fail one check of the suite."""

from __future__ import annotations

from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from lodo.optimizer import GradientOptimizer


class Sound(GradientOptimizer):
    """A sound optimizer: gradient descent along an average of gradients."""

    search_space: ClassVar = {
        "learning_rate": {"scale": "log", "default": 0.01},
        "momentum": {"scale": "decay", "default": 0.5},
    }
    hyperparameters = ("learning_rate", "momentum")

    def begin(self, x, hyperparameters, seeds):
        return tf.zeros_like(x)

    def update(self, gradient, x, state, hyperparameters, t):
        state = state + (gradient - state) * (1 - hyperparameters["momentum"])
        return x - hyperparameters["learning_rate"] * self.direction(state), state

    def direction(self, average):
        return average


class SmallSteps(Sound):
    """A sound optimizer that moves by a thousandth at most, whatever its learning rate."""

    def update(self, gradient, x, state, hyperparameters, t):
        moved, state = super().update(gradient, x, state, hyperparameters, t)
        return x + tf.clip_by_value(moved - x, -1e-3, 1e-3), state


class NoEvaluation(Sound):
    """Says that a step evaluates nothing."""

    evaluations_per_step = 0


class OtherDtype(Sound):
    """Returns x in half precision."""

    def update(self, gradient, x, state, hyperparameters, t):
        x, state = super().update(gradient, x, state, hyperparameters, t)
        return tf.cast(x, tf.float16), state


class Growing(Sound):
    """Keeps every gradient."""

    def begin(self, x, hyperparameters, seeds):
        return x[tf.newaxis]

    def update(self, gradient, x, state, hyperparameters, t):
        state = tf.concat([state, gradient[tf.newaxis]], axis=0)
        return x - hyperparameters["learning_rate"] * tf.reduce_mean(state, axis=0) * hyperparameters["momentum"], state


class NotANumber(Sound):
    """Divides by a zero at its first step."""

    def update(self, gradient, x, state, hyperparameters, t):
        moved, average = super().update(gradient, x, state, hyperparameters, t)
        return moved + state / state, average


class FirstLanesRate(Sound):
    """Steps every lane by the first lane's learning rate."""

    def update(self, gradient, x, state, hyperparameters, t):
        return x - hyperparameters["learning_rate"][0] * gradient, state


class RateOfTheConstructor(Sound):
    """Reads its hyperparameters from the instance."""

    def __init__(self, learning_rate=0.01, momentum=0.5):
        super().__init__()
        self.learning_rate, self.momentum = learning_rate, momentum

    def update(self, gradient, x, state, hyperparameters, t):
        return x - self.learning_rate * gradient, state


class NormOverLanes(Sound):
    """Scales by the norm of the whole cohort's gradient."""

    def direction(self, average):
        return average / (1 + tf.norm(average))


class SumOfNothing(Sound):
    """Adds zero times every lane, which is NaN where one is."""

    def direction(self, average):
        return average + tf.reduce_sum(0 * average)


class NotSeeded(Sound):
    """Draws from TensorFlow's global generator."""

    def direction(self, average):
        return average + tf.random.normal(average.shape, dtype=average.dtype)


class CountsInPython(Sound):
    """Counts its steps in an attribute."""

    steps = 0

    def direction(self, average):
        self.steps += 1
        return average / self.steps


class DrawsFromNumPy(Sound):
    """Draws from NumPy: one number for all steps, once it is traced."""

    def direction(self, average):
        return average * tf.constant(np.random.default_rng().uniform(), average.dtype)


class NotForXla:
    """Calls Python, which XLA cannot, and does not say so."""

    hyperparameters = ("learning_rate",)
    search_space: ClassVar = {"learning_rate": {"scale": "log", "default": 0.01}}

    def initial_state(self, x, hyperparameters, seeds):
        return ()

    def step(self, loss_and_gradient, x, state, hyperparameters, t, horizon):
        loss, gradient = loss_and_gradient(x)
        gradient = tf.ensure_shape(tf.numpy_function(np.asarray, [gradient], x.dtype), x.shape)
        return x - hyperparameters["learning_rate"] * gradient, state, loss[tf.newaxis]


class Normalised(Sound):
    """Divides by the norm of each lane's average, which is zero without a gradient."""

    def direction(self, average):
        return average / tf.norm(average, axis=0)


class ByTheLastMove(Sound):
    """Divides by the last change of its average, which is zero from the second zero gradient on."""

    def update(self, gradient, x, state, hyperparameters, t):
        moved, average = super().update(gradient, x, state, hyperparameters, t)
        scale = tf.where(t > 1, tf.reduce_sum(state * state, axis=0) / tf.reduce_sum(average * average, axis=0), 1)
        return x + (moved - x) * scale, average


class Ascent(Sound):
    """Climbs."""

    def direction(self, average):
        return -average


class Stalls(SmallSteps):
    """Stops after 500 small steps, halfway."""

    def update(self, gradient, x, state, hyperparameters, t):
        moved, state = super().update(gradient, x, state, hyperparameters, t)
        return tf.where(t > 500, x, moved), state


class SoundKeras(keras.optimizers.Optimizer):
    """A sound optimizer in Keras' form, with a state of its own."""

    def __init__(self, learning_rate=0.01, momentum=0.5, name="sound"):
        super().__init__(learning_rate=learning_rate, name=name)
        self.momentum = momentum

    def build(self, variables):
        super().build(variables)
        self.averages = self.add_optimizer_variables(variables, "average")

    def update_step(self, gradient, variable, learning_rate):
        average = self.averages[self._get_variable_index(variable)]
        average.assign(average + (gradient - average) * (1 - self.momentum))
        variable.assign_sub(keras.ops.cast(learning_rate, variable.dtype) * average)


BROKEN = {
    "attributes": [NoEvaluation],
    "shapes-and-dtypes": [OtherDtype],
    "state": [Growing],
    "finite": [NotANumber],
    "randomness": [NotSeeded, DrawsFromNumPy],
    "hyperparameters": [FirstLanesRate, RateOfTheConstructor],
    "lanes": [NormOverLanes],
    "diverged-lane": [SumOfNothing],
    "same-steps-again": [NotSeeded],
    "compiled": [CountsInPython, DrawsFromNumPy],
    "one-trace": [NotForXla],
    "zero-gradient": [Normalised, ByTheLastMove],
    "bowl": [Ascent, Stalls],
    "rosenbrock": [Ascent],
    "regression": [Ascent],
}
"""Optimizers that fail a check, by its name."""
