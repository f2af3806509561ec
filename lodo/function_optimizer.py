"""An optimizer that is a pair of functions, `init` and `update`, as in Optax.

The functions are written for one candidate in TensorFlow operations, and are called once per lane while the loop is
traced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor, check_returned, pair_of

Init = Callable[[Tensor], State]  # x [n] -> the state before the first step
Update = Callable[[Tensor, State, Tensor, Mapping[str, Tensor]], tuple[Tensor, State]]
"""gradient [n], state, x [n], hyperparameters (name -> scalar) -> what is added to x [n], and the state."""


def function_optimizer(
    init: Init, update: Update, search_space: Mapping[str, Any] | None = None, name: str = "FunctionOptimizer"
) -> type[FunctionOptimizer]:
    """Return the optimizer that two functions make.

    Args:
        init: Takes x [n] and returns the state: a tensor or a nest of tensors, `()` for none.
        update: Takes gradient [n], state, x [n] and the hyperparameters, name -> scalar in x's dtype; returns the step
            that is added to x, [n], and the state in the same structure, shapes and dtypes.
        search_space: Hyperparameter -> its dimension, as in a search-space file. Default: a file gives it.
        name: Name of the class.

    Example:
        >>> def init(x):
        ...     return tf.zeros_like(x)
        >>> def update(gradient, state, x, hyperparameters):
        ...     average = state + (gradient - state) * (1 - hyperparameters["momentum"])
        ...     return -hyperparameters["learning_rate"] * tf.sign(average), average
        >>> space = {"learning_rate": {"scale": "log", "default": 0.01}, "momentum": {"scale": "decay", "default": 0.9}}
        >>> SignM = function_optimizer(init, update, space)
    """
    members = {"init": staticmethod(init), "step_of": staticmethod(update), "search_space": search_space or {}}
    return type(name, (FunctionOptimizer,), {**members, "__module__": getattr(init, "__module__", __name__)})


class FunctionOptimizer(GradientOptimizer):
    """Calls a pair of functions, lane by lane; its subclasses are made by `function_optimizer`."""

    is_random = False  # the functions receive no seed
    init: ClassVar[Init]
    step_of: ClassVar[Update]
    search_space: ClassVar[Mapping[str, Any]] = {}

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the state of each lane, as `init` returns it."""
        del hyperparameters, seeds
        states = [type(self).init(column) for column in tf.unstack(x, axis=1)]
        for state in states:
            check_returned(f"`init` of {type(self).__name__}", state, "the state, () if there is none")
        return tuple(_as_tensors(state, x.dtype) for state in states)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x [n, P] and the states after a step with this gradient [n, P]."""
        del t  # a function that needs it counts in its state
        columns, states = [], []
        for lane, lane_state in enumerate(state):
            values = {name: hyperparameters[name][lane] for name in self.hyperparameters}
            column = x[:, lane]
            returned = type(self).step_of(gradient[:, lane], lane_state, column, values)
            step, new_state = pair_of(f"`update` of {type(self).__name__}", returned, ("step", "state"))
            check_returned(f"`update` of {type(self).__name__}", step, "the step as a tensor [n]")
            columns.append(column + tf.ensure_shape(step, column.shape))
            states.append(_as_tensors(new_state, x.dtype))
        return tf.stack(columns, axis=1), tuple(states)


def _as_tensors(state: State, dtype: Any) -> State:
    """Return a state whose leaves are tensors; Python's floats take x's dtype."""
    return tf.nest.map_structure(
        lambda leaf: tf.convert_to_tensor(leaf, dtype if isinstance(leaf, float) else None), state
    )
