"""Any optimizer that Keras has, as one of ours: `keras:AdamW`, `keras:Lion`, `keras:Muon` and the rest.

The steps are Keras' own: a lane's values are put into an instance of the class, its `apply` is called, and the values
are taken out again. All of it is traced into the compiled loop, so that nothing of it is Python while it runs. The
instances hold nothing from step to step: the state travels as it does for every optimizer.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from lodo import keras_lane
from lodo.keras_lane import Lane
from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor
from lodo.registry import KERAS, check

SWITCHED_OFF = ("weight_decay",)  # None as Keras has them, and a number where they are on
A_VECTOR = ((2,),)
A_MATRIX_AND_A_VECTOR = ((2, 3), (2,))


def names() -> tuple[str, ...]:
    """Return the optimizers that Keras has, with the prefix; those that wrap other optimizers are left out."""
    found = []
    for name, member in vars(keras.optimizers).items():
        own = inspect.isclass(member) and issubclass(member, keras.optimizers.Optimizer)
        if own and member is not keras.optimizers.Optimizer and _arguments(member):
            found.append(KERAS + name)
    return tuple(sorted(found))


def tunable(name: str, variable_shapes: Sequence[tuple[int, ...]] = A_MATRIX_AND_A_VECTOR) -> dict[str, float | None]:
    """Return what can be tuned of an optimizer, with Keras' defaults: None is the default of what is switched off.

    That is what its constructor takes as a number that is not negative, and what a step computes with: on vectors Muon
    is AdamW, and its momentum has no effect.

    Args:
        name: With the prefix, such as "keras:AdamW".
        variable_shapes: Of the variables that are trained.

    Raises:
        ValueError: Keras has no such optimizer.
    """
    keras_class = _class(name)
    arguments = _arguments(keras_class)
    unused = keras_lane.unused(keras_class, arguments, variable_shapes)
    return {argument: default for argument, default in arguments.items() if argument not in unused}


def optimizer_class(name: str, hyperparameters: Sequence[str] | None = None) -> type[FromKeras]:
    """Return an optimizer of Keras' as a class of ours.

    Args:
        name: With the prefix, such as "keras:AdamW".
        hyperparameters: Names from `tunable`; what is not named stays at Keras' defaults. Default: all of them.

    Raises:
        ValueError: Keras has no such optimizer, or there is nothing of such a name to tune.
    """
    keras_class = _class(name)
    known = tunable(name)
    chosen = tuple(known if hyperparameters is None else hyperparameters)
    for argument in chosen:
        if argument not in known:
            raise ValueError(
                f"{name} has nothing of this name to tune. Accepted: {', '.join(known)}. Received: {argument!r:.80}"
            )
    return type(keras_class.__name__, (FromKeras,), {"keras_class": keras_class, "hyperparameters": chosen})


class FromKeras(GradientOptimizer):
    """An optimizer of Keras', lane by lane.

    Keras' optimizers may treat a network's variables differently by their shapes (Muon, Adafactor) or scale by a
    variable's norm (Lamb), so that x counts as the variables that the task says it is made of.

    Hyperparameters: arguments of the class's constructor. Learning rates are rounded to float32, in which Keras keeps
    them; the others are in x's dtype, also where Keras would round a Python number to float32 on its way to float64.

    Args:
        variable_shapes: Shapes of x's variables, in order. Default: one vector.

    Raises:
        ValueError: The state does not start as something that can be known from x.
    """

    keras_class: ClassVar[type]
    wants = ("variable_shapes",)

    def __init__(self, *, variable_shapes: Sequence[tuple[int, ...]] | None = None) -> None:
        super().__init__()
        self._shapes = None if variable_shapes is None else tuple(tuple(shape) for shape in variable_shapes)
        self._instances: dict[Any, tuple[list[Lane], list[Any]]] = {}  # by x's shapes, dtype and number of lanes

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the state of every lane's instance before its first step."""
        del hyperparameters, seeds
        lanes, starts = self._built(self._shapes_of(x), x)
        state = []
        for lane, column in zip(lanes, tf.unstack(x, axis=1), strict=True):
            parts = keras_lane.parts(column, lane)
            state.append(tuple(parts[start] if isinstance(start, int) else tf.constant(start) for start in starts))
        return tuple(state)

    def _shapes_of(self, x: Tensor) -> tuple[tuple[int, ...], ...]:
        shapes = self._shapes or ((x.shape[0],),)
        if sum(map(math.prod, shapes)) != x.shape[0]:
            raise ValueError(f"the variables' shapes must make up x's {x.shape[0]} numbers. Received: {shapes}")
        return shapes

    def _built(self, shapes: Sequence[tuple[int, ...]], x: Tensor) -> tuple[list[Lane], list[Any]]:
        """Return the lanes' instances and how their state starts; built once, since TensorFlow traces some twice."""
        key = (shapes, x.dtype, x.shape[1])
        if key not in self._instances:
            defaults = _arguments(self.keras_class)
            tuned = {name: defaults[name] for name in self.hyperparameters}
            with tf.init_scope():  # variables outlive the graph that is being traced
                starts = keras_lane.starts_of(self.keras_class, tuned, shapes, x.dtype)
                blank = [np.zeros(shape) for shape in shapes]
                lanes = [keras_lane.build(self.keras_class, tuned, blank, x.dtype) for _ in range(x.shape[1])]
            self._instances[key] = lanes, starts
        return self._instances[key]

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x and the state after Keras' step along this gradient [n, P]."""
        del t  # each instance counts for itself
        lanes, _ = self._built(self._shapes_of(x), x)
        columns, states = [], []
        for number, (lane, kept) in enumerate(zip(lanes, state, strict=True)):
            values = {name: hyperparameters[name][number] for name in self.hyperparameters}
            column, kept = keras_lane.apply(lane, x[:, number], gradient[:, number], kept, values)
            columns.append(column)
            states.append(kept)
        return tf.stack(columns, axis=1), tuple(states)


def _class(name: str) -> type:
    found: type = getattr(keras.optimizers, check(name).removeprefix(KERAS))
    return found


def _arguments(keras_class: type) -> dict[str, float | None]:
    """Return a constructor's numbers with their defaults; nothing if it cannot be called without arguments."""
    parameters = list(inspect.signature(keras_class).parameters.values())
    named = [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
    if any(parameter.default is parameter.empty for parameter in named):
        return {}
    return {
        parameter.name: parameter.default
        for parameter in named
        if (isinstance(parameter.default, float) and parameter.default >= 0)
        or (parameter.name in SWITCHED_OFF and parameter.default is None)
    }
