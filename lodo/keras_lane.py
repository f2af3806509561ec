"""One lane of an optimizer of Keras': an instance through which a lane's values pass, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from lodo.optimizer import Tensor
from lodo.stand_in import StandIn

INSIDE = 0.5  # stands for a hyperparameter while an instance is built; any number that switches nothing off


class Lane(NamedTuple):
    """An instance of Keras' optimizer, and the variables through which values pass: x's and the state's."""

    optimizer: Any
    of_x: list[Any]
    of_state: list[Any]


def build(keras_class: type, tuned: Mapping[str, float | None], values: Sequence[Any], dtype: Any) -> Lane:
    """Build an instance for variables that start at these values.

    Args:
        keras_class: The class.
        tuned: Its hyperparameters, with their defaults; all are switched on.
        values: Arrays, one a variable.
        dtype: Of the variables.
    """
    switched_on = {name: default or INSIDE for name, default in tuned.items()}
    optimizer: Any = keras_class(**switched_on)
    of_x = [keras.Variable(value, dtype=tf.as_dtype(dtype).name) for value in values]
    optimizer.build(of_x)
    # The learning rate is a hyperparameter, not state, but for those who do not tune it, to whom it is neither.
    rate = optimizer.learning_rate
    return Lane(optimizer, of_x, [variable for variable in optimizer.variables if variable is not rate])


def starts_of(
    keras_class: type, tuned: Mapping[str, float | None], shapes: Sequence[tuple[int, ...]], dtype: Any
) -> list[Any]:
    """Return how each tensor of the state starts: as a value, or as the variable of x with this number.

    Found by building two instances for two x of which no two entries are alike.

    Raises:
        ValueError: A tensor of the state is neither.
    """
    size = sum(map(math.prod, shapes))
    found = []
    for flat in (np.linspace(1, 2, size), np.linspace(3, 5, size)):
        cuts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        lane = build(keras_class, tuned, [cut.reshape(shape) for cut, shape in zip(cuts, shapes, strict=True)], dtype)
        found.append(([part.numpy() for part in lane.of_x], [part.numpy() for part in lane.of_state]))
    (x, state), (other_x, other_state) = found
    starts: list[Any] = []
    for value, other in zip(state, other_state, strict=True):
        copied = [
            number
            for number, pair in enumerate(zip(x, other_x, strict=True))
            if np.array_equal(pair[0], value) and np.array_equal(pair[1], other)
        ]
        if not copied and not np.array_equal(value, other):
            raise ValueError(f"the state of keras:{keras_class.__name__} starts as neither a constant nor a copy of x")
        starts.append(copied[0] if copied else value)
    return starts


def parts(column: Tensor, lane: Lane) -> list[Tensor]:
    """Cut a lane's x [n] into its variables."""
    cuts = tf.split(column, [math.prod(variable.shape) for variable in lane.of_x])
    return [tf.reshape(cut, variable.shape) for cut, variable in zip(cuts, lane.of_x, strict=True)]


def apply(
    lane: Lane, x: Tensor, gradient: Tensor, state: Sequence[Tensor], values: Mapping[str, Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Take one step of a lane: x [n] and its state in, x [n] and its state out."""
    optimizer = lane.optimizer
    for variable, value in zip([*lane.of_x, *lane.of_state], [*parts(x, lane), *state], strict=True):
        variable.assign(value)
    with _Tuned(optimizer, values):
        optimizer.apply(parts(gradient, lane), lane.of_x)
    moved = tf.concat([tf.reshape(variable, [-1]) for variable in lane.of_x], axis=0)
    return moved, tuple(tf.convert_to_tensor(variable) for variable in lane.of_state)


def unused(keras_class: type, tuned: Mapping[str, float | None], shapes: Sequence[tuple[int, ...]]) -> tuple[str, ...]:
    """Return which hyperparameters a step on variables of these shapes does not compute with: one is taken."""
    values = [np.ones(shape) for shape in dict.fromkeys(shapes)]
    lane = build(keras_class, tuned, values, "float32")
    with _Tuned(lane.optimizer, dict.fromkeys(tuned, tf.constant(INSIDE))) as entered:
        lane.optimizer.apply([tf.constant(value, tf.float32) for value in values], lane.of_x)
    return entered.unused


class _Tuned:
    """While it is entered, an instance's hyperparameters are these tensors; `unused` are those not computed with."""

    def __init__(self, optimizer: Any, values: Mapping[str, Tensor]) -> None:
        self._optimizer = optimizer
        self._rate = values.get("learning_rate")
        self._stand_ins = {name: StandIn(value) for name, value in values.items() if name != "learning_rate"}
        self._before = {name: getattr(optimizer, name) for name in self._stand_ins}

    def __enter__(self) -> _Tuned:
        if self._rate is not None:
            self._optimizer.learning_rate.assign(tf.cast(self._rate, self._optimizer.learning_rate.dtype))
        for name, stand_in in self._stand_ins.items():
            setattr(self._optimizer, name, stand_in)
        return self

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():  # what belongs to a graph must not outlive it
            setattr(self._optimizer, name, value)

    @property
    def unused(self) -> tuple[str, ...]:
        """The hyperparameters that nothing has computed with."""
        return tuple(name for name, stand_in in self._stand_ins.items() if not stand_in.used)
