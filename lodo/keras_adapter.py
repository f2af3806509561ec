"""Optimizers of Keras as optimizers of this package, such as `keras:AdamW`.

The steps are Keras' own: the values of one lane are assigned to an instance of the class, its `apply` is called, and
the values are read back. All of it is traced into the compiled loop. The instances hold nothing between steps: the
state is passed from step to step, as for every optimizer.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from lodo import keras_instance
from lodo.keras_instance import Instance
from lodo.names import KERAS, check_known
from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor

OFF_BY_DEFAULT = ("weight_decay",)  # arguments whose default in Keras is None, and which are numbers when switched on
VECTOR_SHAPES = ((2,),)  # variable shapes that stand for a task with one vector
NETWORK_SHAPES = ((2, 3), (2,))  # variable shapes that stand for a network: a matrix and a vector


def names() -> tuple[str, ...]:
    """Return the names of Keras' optimizers, with the prefix; wrappers of other optimizers are left out."""
    result = []
    for name, member in vars(keras.optimizers).items():
        is_optimizer = inspect.isclass(member) and issubclass(member, keras.optimizers.Optimizer)
        if is_optimizer and member is not keras.optimizers.Optimizer and _arguments(member):
            result.append(KERAS + name)
    return tuple(sorted(result))


def name_of(optimizer: type) -> str | None:
    """Return the name, with the prefix, of a class of `keras.optimizers`; None for any other class."""
    return next((name for name in names() if _class(name) is optimizer), None)


def tunable(name: str, variable_shapes: Sequence[tuple[int, ...]] = NETWORK_SHAPES) -> dict[str, float | None]:
    """Return the hyperparameters of an optimizer with Keras' defaults, where None means switched off.

    These are the constructor's arguments that are non-negative numbers and that a step computes with: on vectors, for
    example, Muon is AdamW, and its momentum has no effect.

    Args:
        name: With the prefix, such as "keras:AdamW".
        variable_shapes: Shapes of the variables that are trained. Default: a matrix and a vector.

    Raises:
        ValueError: Keras has no such optimizer.
    """
    return tunable_of(_class(name), variable_shapes)


def tunable_of(
    keras_class: type, variable_shapes: Sequence[tuple[int, ...]] = NETWORK_SHAPES
) -> dict[str, float | None]:
    """Return the hyperparameters of a class that extends `keras.optimizers.Optimizer`; see `tunable`.

    An argument that the instance does not keep under its own name has no effect here, and is left out.
    """
    return dict(_tunable(keras_class, tuple(map(tuple, variable_shapes))))


@lru_cache  # a step of an optimizer's own may take seconds
def _tunable(keras_class: type, variable_shapes: tuple[tuple[int, ...], ...]) -> dict[str, float | None]:
    arguments = _arguments(keras_class)
    unused = keras_instance.unused(keras_class, arguments, variable_shapes)
    return {argument: default for argument, default in arguments.items() if argument not in unused}


def optimizer_class(name: str, hyperparameters: Sequence[str] | None = None) -> type[KerasAdapter]:
    """Return an optimizer of Keras as a class of this package.

    Args:
        name: With the prefix, such as "keras:AdamW".
        hyperparameters: Names from `tunable`; all other arguments keep Keras' defaults. Default: all of them.

    Raises:
        ValueError: Keras has no such optimizer, or it has no such hyperparameter.
    """
    return adapted(_class(name), name, hyperparameters)


def adapted(keras_class: type, name: str, hyperparameters: Sequence[str] | None = None) -> type[KerasAdapter]:
    """Return a class that extends `keras.optimizers.Optimizer` as a class of this package; see `optimizer_class`.

    Args:
        keras_class: The class.
        name: How messages call it.
        hyperparameters: Names from `tunable_of`.

    Raises:
        ValueError: It has no such hyperparameter.
    """
    known = tunable_of(keras_class)
    chosen = tuple(known if hyperparameters is None else hyperparameters)
    for argument in chosen:
        if argument not in known:
            raise ValueError(
                f"{name} has no hyperparameter of this name. Accepted: {', '.join(known)}. Received: {argument!r:.80}"
            )
    return type(keras_class.__name__, (KerasAdapter,), {"keras_class": keras_class, "hyperparameters": chosen})


class KerasAdapter(GradientOptimizer):
    """An optimizer of Keras, applied lane by lane.

    Some optimizers treat variables according to their shapes (Muon, Adafactor), their names (Muon leaves embeddings to
    AdamW), or scale by a variable's norm (Lamb); so x is cut into the variables that the task consists of.

    Hyperparameters: arguments of the class's constructor. Learning rates are rounded to float32, as Keras stores them;
    the others have x's dtype, even where Keras would round a Python number to float32 first.

    Args:
        variable_shapes: Shapes of x's variables, in order. Default: one vector.
        variable_paths: Their paths, such as "embedding/embeddings". Default: names that say nothing.

    Raises:
        ValueError: The initial state is neither constant nor a copy of x.
    """

    keras_class: ClassVar[type]
    wants = ("variable_shapes", "variable_paths")

    def __init__(
        self,
        *,
        variable_shapes: Sequence[tuple[int, ...]] | None = None,
        variable_paths: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self._shapes = None if variable_shapes is None else tuple(tuple(shape) for shape in variable_shapes)
        self._paths = tuple(variable_paths or ())
        self._instances: dict[Any, tuple[list[Instance], list[Any]]] = {}  # by x's shapes, dtype and number of lanes

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the state of each lane's instance before the first step."""
        del hyperparameters, seeds
        instances, starts = self._built(self._shapes_of(x), x)
        state = []
        for instance, column in zip(instances, tf.unstack(x, axis=1), strict=True):
            parts = keras_instance.parts(column, instance)
            state.append(tuple(parts[start] if isinstance(start, int) else tf.constant(start) for start in starts))
        return tuple(state)

    def _shapes_of(self, x: Tensor) -> tuple[tuple[int, ...], ...]:
        shapes = self._shapes or ((x.shape[0],),)
        if sum(map(math.prod, shapes)) != x.shape[0]:
            raise ValueError(f"the variables must have {x.shape[0]} elements in total, as x has. Received: {shapes}")
        return shapes

    def _built(self, shapes: Sequence[tuple[int, ...]], x: Tensor) -> tuple[list[Instance], list[Any]]:
        """Return one instance per lane, and how states start; cached, since TensorFlow traces some methods twice."""
        key = (shapes, x.dtype, x.shape[1])
        if key not in self._instances:
            defaults = _arguments(self.keras_class)
            tuned = {name: defaults[name] for name in self.hyperparameters}
            with tf.init_scope():  # variables outlive the graph that is being traced
                starts = keras_instance.initial_state(self.keras_class, tuned, shapes, x.dtype, self._paths)
                blank = [np.zeros(shape) for shape in shapes]
                instances = [
                    keras_instance.build(self.keras_class, tuned, blank, x.dtype, self._paths)
                    for _ in range(x.shape[1])
                ]
            self._instances[key] = instances, starts
        return self._instances[key]

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x [n, P] and the state after Keras' step with this gradient [n, P]."""
        del t  # an iteration counter is part of each state
        instances, _ = self._built(self._shapes_of(x), x)
        columns, states = [], []
        for lane, (instance, lane_state) in enumerate(zip(instances, state, strict=True)):
            values = {name: hyperparameters[name][lane] for name in self.hyperparameters}
            column, new_state = keras_instance.apply(instance, x[:, lane], gradient[:, lane], lane_state, values)
            columns.append(column)
            states.append(new_state)
        return tf.stack(columns, axis=1), tuple(states)


def _class(name: str) -> type:
    keras_class: type = getattr(keras.optimizers, check_known(name, names()).removeprefix(KERAS))
    return keras_class


def _arguments(keras_class: type) -> dict[str, float | None]:
    """Return a constructor's numeric arguments with their defaults; none if any argument is required."""
    parameters = list(inspect.signature(keras_class).parameters.values())
    named = [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
    if any(parameter.default is parameter.empty for parameter in named):
        return {}
    return {
        parameter.name: parameter.default
        for parameter in named
        if (isinstance(parameter.default, float) and parameter.default >= 0)
        or (parameter.name in OFF_BY_DEFAULT and parameter.default is None)
    }
