"""What a Keras model computes, to compare two models with the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.keras_objective import Batch, Objective
from tasks.task import Tensor
from tasks.tracing import compiled

DEVIATION = 0.1  # standard deviation of what is added to the weights: those that start at zero would hide much
TOLERANCE = 1e-4  # relative to the largest number of an array; two such models compute the same bits

Array = NDArray[Any]


def moved(values: Sequence[Tensor], deviation: float, seed: int = 0) -> list[Tensor]:
    """Return arrays with normally distributed numbers added; the same ones for the same seed."""
    return [
        value + tf.cast(tf.random.stateless_normal(value.shape, [seed, place], stddev=deviation), value.dtype)
        for place, value in enumerate(values)
    ]


def values_of(variables: Sequence[Any]) -> list[Tensor]:
    """Return the values of variables of Keras."""
    return [tf.convert_to_tensor(variable) for variable in variables]


def computed(
    objective: Objective, values: Sequence[Tensor], others: Sequence[Tensor], batch: Batch, *, is_evaluated: bool
) -> list[Array]:
    """Return what a model computes of a minibatch, at given values of all variables.

    These are the loss, its gradient and the values of the other variables afterwards in training, the weights after
    their constraints, and the loss in inference. Dropout has the seeds in `others`.

    Args:
        objective: The model and its loss.
        values: Values of the trainable variables.
        others: Values of the other variables.
        batch: The minibatch.
        is_evaluated: Whether inference counts.
    """

    def compute(values: Sequence[Tensor], others: Sequence[Tensor]) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss, after = objective.loss(values, others, batch, training=True)
        gradient = tape.gradient(loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        found = [loss, after, list(map(tf.convert_to_tensor, gradient)), objective.constrained(values)]
        return [*found, *([objective.loss(values, others, batch, training=False)[0]] if is_evaluated else [])]

    found = compiled(compute)(list(values), list(others))
    return [np.asarray(each) for each in tf.nest.flatten(found)]


def is_alike(one: Sequence[Array], other: Sequence[Array]) -> bool:
    """Return whether two models have computed the same, but for rounding."""
    return all(map(_is_close, one, other))


def _is_close(one: Array, other: Array) -> bool:
    if one.dtype.kind != "f":
        return np.array_equal(one, other)
    one, other = one.astype(np.float64), other.astype(np.float64)
    size = np.abs(one[np.isfinite(one)]).max(initial=0.0)
    return bool(np.allclose(one, other, rtol=0, atol=TOLERANCE * size, equal_nan=True))
