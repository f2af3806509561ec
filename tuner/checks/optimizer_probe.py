"""A probe, which steps an optimizer as the training loop does, on a bowl.

Its errors contain the line of the user's code that raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.checks.returned import naming, parts
from tuner.checks.toy_problems import Bowl
from tuner.core.user_code import explained
from tuner.training.loop import build_optimizer

SEEDS = np.array([[11, 12], [-13, 14]], np.int32)
LANES = len(SEEDS)
STEPS = 5

Array = NDArray[np.floating]
Lane = Mapping[str, float]  # the hyperparameters of one lane


class OptimizerProbe:
    """An optimizer under test, with two lanes.

    Args:
        name: The optimizer's name.
        place: Where the class of a user's own is. None: it is built in or of Keras.
        hyperparameters: The defaults.
        settings: Whole-number arguments of the constructor. Default: none.
        dtype: "float32" or "float64".

    Raises:
        PromiseError: The optimizer cannot be made.
    """

    def __init__(
        self,
        name: str,
        place: str | None,
        hyperparameters: Lane,
        settings: Mapping[str, int] | None = None,
        *,
        dtype: str = "float64",
    ) -> None:
        self.name, self.place, self.defaults, self.dtype = name, place, dict(hyperparameters), dtype
        self.settings = dict(settings or {})
        self.task = Bowl(dtype)
        self.optimizer = self.make(self.task)

    def make(self, task: Any) -> Any:
        """Return a new instance for a task."""
        with naming("the constructor", explained):
            return build_optimizer(self.name, task, list(self.defaults), self.settings, place=self.place)

    @property
    def others(self) -> dict[str, float]:
        """Hyperparameters that all differ from the defaults, and are on every scale that the defaults are on."""
        return {name: value / 2 if value else 0.25 for name, value in self.defaults.items()}

    def values(self, lanes: tuple[Lane, ...]) -> dict[str, Any]:
        """Return hyperparameters as the loop has them, name -> [P]."""
        return {name: tf.constant([lane[name] for lane in lanes], self.dtype) for name in self.defaults}

    def begin(self, optimizer: Any, lanes: tuple[Lane, ...], seeds: NDArray[np.int32] = SEEDS) -> tuple[Any, Any]:
        """Return x [8, P] and the optimizer's state before the first step."""
        x, _ = self.task.initial(seeds[: len(lanes)])
        initial_state = self._initial_state if optimizer is self.optimizer else optimizer.initial_state
        with naming("initial_state", explained):
            state = initial_state(x, self.values(lanes), tf.constant(seeds[: len(lanes)]))
        return x, state

    @cached_property
    def _initial_state(self) -> Any:
        return tf.function(self.optimizer.initial_state, autograph=False)

    @cached_property
    def traced(self) -> tuple[Any, Any, Any]:
        """What one step returns: x, state and losses, only traced."""
        x, state, losses = self._concrete(self.optimizer, self._step).structured_outputs
        return x, state, losses

    @cached_property
    def graphs(self) -> tuple[Any, Any]:
        """The graphs of a step of two instances, each traced for itself."""
        other = self.make(self.task)
        return self._concrete(self.optimizer, self._step).graph, self._concrete(other, self._compiled(other)).graph

    def _concrete(self, optimizer: Any, step: Any) -> Any:
        lanes = (self.defaults, self.defaults)
        x, state = self.begin(optimizer, lanes)
        with naming("step", explained):
            return step.get_concrete_function(
                x, state, self.values(lanes), tf.ones([LANES], self.dtype), tf.zeros_like(x), tf.constant(1)
            )

    def run(
        self,
        *lanes: Lane,
        steps: int = STEPS,
        mask: tuple[float, ...] = (1.0, 1.0),
        added: Mapping[int, Array] | None = None,
        start: Array | None = None,
        eagerly: bool = False,
        seeds: NDArray[np.int32] = SEEDS,
    ) -> Array:
        """Take some steps on the bowl, and return x after each, [steps, 8, P].

        Args:
            lanes: The hyperparameters of each lane. Default: the defaults in both.
            steps: Number of steps.
            mask: Factor of each lane's gradient.
            added: Step (from 1) -> what is added to the gradient [8, P] from this step on.
            start: Added to the start [8, P].
            eagerly: Whether to step a new instance operation by operation, without a trace.
            seeds: Seeds of the lanes [P, 2].
        """
        chosen = lanes or (self.defaults, self.defaults)
        optimizer = self.make(self.task) if eagerly else self.optimizer
        path: list[Array] = []
        extra: Array = np.zeros((8, len(chosen)))
        with _eagerly(eagerly):
            x, state = self.begin(optimizer, chosen, seeds)
            x = x if start is None else x + tf.constant(start, self.dtype)
            step = self._compiled(optimizer) if eagerly else self._step
            for t in range(1, steps + 1):
                extra = (added or {}).get(t, extra)
                factor, more = tf.constant(mask[: len(chosen)], self.dtype), tf.constant(extra, self.dtype)
                with naming("step", explained):
                    x, state, _ = step(x, state, self.values(chosen), factor, more, tf.constant(t))
                path.append(x.numpy())
        return np.array(path)

    @cached_property
    def _step(self) -> Any:
        return self._compiled(self.optimizer)

    def _compiled(self, optimizer: Any) -> Any:
        """Return a step of an optimizer whose gradient is the bowl's, scaled and shifted."""

        def step(x: Any, state: Any, values: Any, mask: Any, added: Any, t: Any) -> tuple[Any, Any, Any]:
            def loss_and_gradient(point: Any) -> tuple[Any, Any]:
                loss, gradient, _ = self.task.loss_and_gradient(point, ())
                return loss, gradient * mask + added

            returned = optimizer.step(loss_and_gradient, x, state, values, t, tf.constant(100))
            x, state, losses = parts("step", returned, ("x", "state", "losses"))
            return x, state, losses

        return tf.function(step, autograph=False)


@contextmanager
def _eagerly(eagerly: bool) -> Iterator[None]:
    """Run TensorFlow's functions operation by operation while the context is open."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(eagerly)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
