"""Any optimizer that Keras has, as one of ours: `keras:AdamW`, `keras:Lion`, `keras:Muon` and the rest.

The steps are Keras' own: a lane's values are put into an instance of the class, its `apply` is called, and the values
are taken out again. All of it is traced into the compiled loop, so that nothing of it is Python while it runs. The
instances hold nothing from step to step: the state travels as it does for every optimizer.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor
from lodo.registry import KERAS, check
from lodo.stand_in import StandIn

SWITCHED_OFF = ("weight_decay",)  # None as Keras has them, and a number where they are on
INSIDE = 0.5  # stands for a hyperparameter while an instance is built; any number that switches nothing off


def names() -> tuple[str, ...]:
    """Return the optimizers that Keras has, with the prefix; those that wrap other optimizers are left out."""
    found = []
    for name, member in vars(keras.optimizers).items():
        own = inspect.isclass(member) and issubclass(member, keras.optimizers.Optimizer)
        if own and member is not keras.optimizers.Optimizer and _arguments(member):
            found.append(KERAS + name)
    return tuple(sorted(found))


def tunable(name: str) -> dict[str, float | None]:
    """Return what can be tuned of an optimizer, with Keras' defaults: None is the default of what is switched off.

    That is what its constructor takes as a number that is not negative, and what a step computes with.

    Raises:
        ValueError: Keras has no such optimizer.
    """
    keras_class = _class(name)
    arguments = _arguments(keras_class)
    unused = _unused(keras_class, tuple(arguments))
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


class Lane(NamedTuple):
    """An instance of Keras' optimizer, and the variables through which values pass: x's and the state's."""

    optimizer: Any
    of_x: list[Any]
    of_state: list[Any]


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
            parts = _parts(column, lane)
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
            with tf.init_scope():  # variables outlive the graph that is being traced
                starts = _starts(self.keras_class, self.hyperparameters, shapes, x.dtype)
                blank = [np.zeros(shape) for shape in shapes]
                lanes = [_lane(self.keras_class, self.hyperparameters, blank, x.dtype) for _ in range(x.shape[1])]
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
            column, kept = _apply(lane, x[:, number], gradient[:, number], kept, values)
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


def _lane(keras_class: type, tuned: Sequence[str], values: Sequence[Any], dtype: Any) -> Lane:
    """Build an instance for variables that start at these values, with all its hyperparameters switched on."""
    defaults = _arguments(keras_class)
    switched_on = {name: defaults[name] or INSIDE for name in tuned}
    optimizer: Any = keras_class(**switched_on)
    of_x = [keras.Variable(value, dtype=tf.as_dtype(dtype).name) for value in values]
    optimizer.build(of_x)
    # The learning rate is a hyperparameter, not state, but for those who do not tune it, to whom it is neither.
    rate = optimizer.learning_rate
    return Lane(optimizer, of_x, [variable for variable in optimizer.variables if variable is not rate])


def _starts(keras_class: type, tuned: Sequence[str], shapes: Sequence[tuple[int, ...]], dtype: Any) -> list[Any]:
    """Return how each tensor of the state starts: as a value, or as the variable of x with this number.

    Found by building two instances for two x of which no two entries are alike.

    Raises:
        ValueError: A tensor of the state is neither.
    """
    size = sum(map(math.prod, shapes))
    found = []
    for flat in (np.linspace(1, 2, size), np.linspace(3, 5, size)):
        cuts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        lane = _lane(keras_class, tuned, [cut.reshape(shape) for cut, shape in zip(cuts, shapes, strict=True)], dtype)
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


def _parts(column: Tensor, lane: Lane) -> list[Tensor]:
    """Cut a lane's x [n] into its variables."""
    cuts = tf.split(column, [math.prod(variable.shape) for variable in lane.of_x])
    return [tf.reshape(cut, variable.shape) for cut, variable in zip(cuts, lane.of_x, strict=True)]


def _apply(
    lane: Lane, x: Tensor, gradient: Tensor, state: Sequence[Tensor], values: Mapping[str, Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Take one step of a lane: x [n] and its state in, x [n] and its state out."""
    optimizer = lane.optimizer
    for variable, value in zip([*lane.of_x, *lane.of_state], [*_parts(x, lane), *state], strict=True):
        variable.assign(value)
    with _Tuned(optimizer, values):
        optimizer.apply(_parts(gradient, lane), lane.of_x)
    moved = tf.concat([tf.reshape(variable, [-1]) for variable in lane.of_x], axis=0)
    return moved, tuple(tf.convert_to_tensor(variable) for variable in lane.of_state)


def _unused(keras_class: type, tuned: Sequence[str]) -> tuple[str, ...]:
    """Return which hyperparameters a step does not compute with: one taken on a matrix and a vector."""
    values = [np.ones((2, 3)), np.ones(2)]
    lane = _lane(keras_class, tuned, values, "float32")
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
