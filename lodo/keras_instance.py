"""Step an instance of a Keras optimizer as a pure function."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from lodo.optimizer import Tensor
from lodo.scalar_proxy import ScalarProxy

PLACEHOLDER = 0.5  # value of a hyperparameter while an instance is built; any number that switches nothing off


class Instance(NamedTuple):
    """An instance of a Keras optimizer, and the variables that hold x and the state during a step."""

    optimizer: Any
    of_x: list[Any]
    of_state: list[Any]


def build(
    keras_class: type,
    tuned: Mapping[str, float | None],
    values: Sequence[Any],
    dtype: Any,
    paths: Sequence[str] = (),
) -> Instance:
    """Build an instance for variables with these initial values.

    Args:
        keras_class: The class.
        tuned: The hyperparameters that are tuned, with their defaults; all are switched on.
        values: Arrays, one per variable.
        dtype: Dtype of the variables.
        paths: Their paths in a model. Default: Keras makes names.
    """
    switched_on = {name: default or PLACEHOLDER for name, default in tuned.items()}
    with _floatx():
        optimizer: Any = keras_class(**switched_on)
        of_x = [
            _variable(value, tf.as_dtype(dtype).name, path)
            for value, path in zip(values, paths or [""] * len(values), strict=True)
        ]
        optimizer.build(of_x)
    # The learning rate is a variable of the optimizer, but not part of the state: it is constant or a hyperparameter.
    rate = optimizer.learning_rate
    return Instance(optimizer, of_x, [variable for variable in optimizer.variables if variable is not rate])


def _variable(value: Any, dtype: str, path: str) -> Any:
    """Return a variable with a path such as "embedding/embeddings"; "": Keras makes a name."""
    *parents, name = path.split("/")
    with ExitStack() as scopes:
        for parent in parents:
            scopes.enter_context(keras.name_scope(parent))
        return keras.Variable(value, dtype=dtype, name=name or None)


def initial_state(
    keras_class: type,
    tuned: Mapping[str, float | None],
    shapes: Sequence[tuple[int, ...]],
    dtype: Any,
    paths: Sequence[str] = (),
) -> list[Any]:
    """Return the start of each tensor of the state: a constant array, or the index of the variable of x it copies.

    Determined by building two instances, for two x whose entries all differ.

    Raises:
        ValueError: A tensor of the state is neither.
    """
    size = sum(map(math.prod, shapes))
    builds = []
    for flat in (np.linspace(1, 2, size), np.linspace(3, 5, size)):
        cuts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        values = [cut.reshape(shape) for cut, shape in zip(cuts, shapes, strict=True)]
        instance = build(keras_class, tuned, values, dtype, paths)
        builds.append(([part.numpy() for part in instance.of_x], [part.numpy() for part in instance.of_state]))
    (x, state), (other_x, other_state) = builds
    starts: list[Any] = []
    for value, other in zip(state, other_state, strict=True):
        copied = [
            number
            for number, pair in enumerate(zip(x, other_x, strict=True))
            if np.array_equal(pair[0], value) and np.array_equal(pair[1], other)
        ]
        if not copied and not np.array_equal(value, other):
            raise ValueError(f"the state of {keras_class.__name__} starts as neither a constant nor a copy of x")
        starts.append(copied[0] if copied else value)
    return starts


def parts(column: Tensor, instance: Instance) -> list[Tensor]:
    """Cut one lane's x [n] into its variables."""
    cuts = tf.split(column, [math.prod(variable.shape) for variable in instance.of_x])
    return [tf.reshape(cut, variable.shape) for cut, variable in zip(cuts, instance.of_x, strict=True)]


def apply(
    instance: Instance, x: Tensor, gradient: Tensor, state: Sequence[Tensor], values: Mapping[str, Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Take one step of one lane and return its x [n] and state.

    Args:
        instance: The optimizer to step.
        x: [n].
        gradient: [n].
        state: As the previous step returned it.
        values: Hyperparameter -> scalar tensor.
    """
    optimizer = instance.optimizer
    for variable, value in zip([*instance.of_x, *instance.of_state], [*parts(x, instance), *state], strict=True):
        variable.assign(value)
    with _floatx(), _Tuned(optimizer, values):
        optimizer.apply(parts(gradient, instance), instance.of_x)
    moved = tf.concat([tf.reshape(variable, [-1]) for variable in instance.of_x], axis=0)
    return moved, tuple(tf.convert_to_tensor(variable) for variable in instance.of_state)


def unused(keras_class: type, tuned: Mapping[str, float | None], shapes: Sequence[tuple[int, ...]]) -> tuple[str, ...]:
    """Return the hyperparameters that a step on variables of these shapes does not use, by taking one step."""
    values = [np.ones(shape) for shape in dict.fromkeys(shapes)]
    instance = build(keras_class, tuned, values, "float32")
    with _floatx(), _Tuned(instance.optimizer, dict.fromkeys(tuned, tf.constant(PLACEHOLDER))) as entered:
        instance.optimizer.apply([tf.constant(value, tf.float32) for value in values], instance.of_x)
    return entered.unused


@contextmanager
def _floatx() -> Iterator[None]:
    """Set Keras' default floating-point type to float32, whatever keras.json or a user's module says.

    Optimizers keep their learning rate in it, so that it would decide about the last digits of a run.
    """
    before = keras.config.floatx()
    keras.config.set_floatx("float32")
    try:
        yield
    finally:
        keras.config.set_floatx(before)


class _Tuned:
    """Replace an optimizer's hyperparameters by tensors while the context is open."""

    def __init__(self, optimizer: Any, values: Mapping[str, Tensor]) -> None:
        self._optimizer = optimizer
        self._rate = values.get("learning_rate")
        self._others = [name for name in values if name != "learning_rate"]
        self._proxies = {name: ScalarProxy(values[name]) for name in self._others if hasattr(optimizer, name)}
        self._before = {name: getattr(optimizer, name) for name in self._proxies}

    def __enter__(self) -> _Tuned:
        if self._rate is not None:
            self._optimizer.learning_rate.assign(tf.cast(self._rate, self._optimizer.learning_rate.dtype))
        for name, proxy in self._proxies.items():
            setattr(self._optimizer, name, proxy)
        return self

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():  # tensors of a graph must not outlive it
            setattr(self._optimizer, name, value)

    @property
    def unused(self) -> tuple[str, ...]:
        """The hyperparameters that no operation has used."""
        return tuple(name for name in self._others if name not in self._proxies or not self._proxies[name].used)
