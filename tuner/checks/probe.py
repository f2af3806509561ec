"""A probe, which traces a task's methods as the training loop does.

Its errors contain the name of the method that raised.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.task import Task
from tuner.checks.check import PromiseError
from tuner.checks.returned import naming, parts
from tuner.core.trial import Workload

SEEDS = np.array([[11, 12], [-13, 14], [15, -16]], np.int32)  # [3, 2]: for cohorts of up to three lanes
STEP = 0.01  # of gradient descent

Array = NDArray[np.floating]


class Probe:
    """A task under test.

    Args:
        task: The task; its attributes and methods may be invalid.
        is_random: Whether the seed should affect the run; None if unknown, as for a user's own task.
        lanes: Maximum number of lanes, 1 to 3. Default: 3.
        workload: How another process creates the task. Default: none can.

    Attributes:
        lanes: Number of lanes trained in lockstep, at most the task's cohort_size.
    """

    def __init__(
        self,
        task: Task,
        *,
        is_random: bool | None = None,
        lanes: int = len(SEEDS),
        workload: Workload | None = None,
    ) -> None:
        self.task = task
        self.workload = workload
        self.is_random = is_random
        size = getattr(task, "cohort_size", 1)
        self.lanes = max(1, min(lanes, size)) if isinstance(size, int) else 1
        jit_compile = bool(getattr(task, "jit_compile", False))
        self._initial = tf.function(self._trace_initial, autograph=False)
        self._step = tf.function(self._trace_step, jit_compile=jit_compile, autograph=False)
        self._evaluate = tf.function(self._trace_evaluation, jit_compile=jit_compile, autograph=False)
        self._loss = tf.function(self._trace_loss, jit_compile=jit_compile, autograph=False)

    @property
    def seeds(self) -> NDArray[np.int32]:
        """The seeds [lanes, 2] of a cohort."""
        return SEEDS[: self.lanes]

    @property
    def is_single(self) -> bool:
        """Whether the task computes in single precision, for which tolerances are wider."""
        return str(self.task.dtype) != "float64"

    def begin(self, seeds: Any) -> tuple[Any, Any]:
        """Return x [n, P] and the state before the first step."""
        with naming("initial"):
            eager = getattr(self.task, "eager_initial", False)  # as in the training loop
            x, state = (self._trace_initial if eager else self._initial)(tf.constant(seeds))
            return x, state

    def step(self, x: Any, state: Any, seeds: Any, t: int) -> tuple[Any, Any, Any, Any]:
        """Return the state after `advance`, the loss [P], the gradient [n, P], and the state after both."""
        with naming("advance or loss_and_gradient"):
            moved, loss, gradient, left = self._step(x, state, tf.constant(seeds), tf.constant(t))
            return moved, loss, gradient, left

    def evaluate(self, x: Any, state: Any) -> tuple[Array, Array]:
        """Return the loss [P] and the gradient [n, P] at x, float64 for every dtype of the task."""
        with naming("loss_and_gradient"):
            loss, gradient = self._evaluate(tf.constant(x, self.task.dtype), state)
            return loss.numpy().astype(np.float64), gradient.numpy().astype(np.float64)

    def loss(self, x: Any, state: Any) -> Array:
        """Return the loss [P] at x, float64; faster than `evaluate`, since the graph has no gradient."""
        with naming("loss_and_gradient"):
            loss: Array = self._loss(tf.constant(x, self.task.dtype), state).numpy().astype(np.float64)
            return loss

    def run(self, seeds: Any, steps: int = 3) -> tuple[Array, Array]:
        """Return the losses [steps, P] of a few steps of gradient descent, and the last x [n, P]."""
        x, state = self.begin(seeds)
        losses = []
        for t in range(1, steps + 1):
            _, loss, gradient, state = self.step(x, state, seeds, t)
            with naming("a step along the gradient"):
                x = x - STEP * gradient
            losses.append(loss.numpy())
        return np.array(losses), x.numpy()

    @cached_property
    def first(self) -> tuple[Any, Any, Any, Any]:
        """x, the state after the first evaluation, and its loss and gradient."""
        x, state = self.begin(self.seeds)
        _, loss, gradient, left = self.step(x, state, self.seeds, 1)
        return x, left, loss, gradient

    def states(self) -> dict[str, Any]:
        """Return the state that each method returns, as tensors or, where they are only traced, specifications.

        The loop is a graph, whose shapes must be known before it runs.
        """
        state, traced = self._traced_step()
        moved, _, _, left = traced.structured_outputs
        return {"initial": state, "advance": moved, "loss_and_gradient": left}

    @property
    def graph(self) -> Any:
        """The graph of a step."""
        return self._traced_step()[1].graph

    @property
    def initial_graph(self) -> Any:
        """The graph of `initial`, of a task that does not ask for Python there."""
        with naming("initial"):
            return self._initial.get_concrete_function(tf.constant(self.seeds)).graph

    def _traced_step(self) -> tuple[Any, Any]:
        """Return the state of `initial`, and the traced function of a step."""
        x, state = self.begin(self.seeds)
        with naming("advance or loss_and_gradient"):
            return state, self._step.get_concrete_function(x, state, tf.constant(self.seeds), tf.constant(1))

    def _trace_initial(self, seeds: Any) -> tuple[Any, Any]:
        with naming("initial"):
            x, state = parts("initial", self.task.initial(seeds), ("x", "state"))
        return _tensor("initial", "x", x), state

    def _trace_evaluation(self, x: Any, state: Any) -> tuple[Any, Any]:
        loss, gradient, _ = self._loss_and_gradient(x, state)
        return loss, gradient

    def _trace_loss(self, x: Any, state: Any) -> Any:
        return self._loss_and_gradient(x, state)[0]

    def _trace_step(self, x: Any, state: Any, seeds: Any, t: Any) -> tuple[Any, Any, Any, Any]:
        with naming("advance"):
            moved = self.task.advance(state, seeds, t)
        return moved, *self._loss_and_gradient(x, moved)

    def _loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        method = "loss_and_gradient"
        with naming(method):
            returned = self.task.loss_and_gradient(x, state)
        loss, gradient, left = parts(method, returned, ("loss", "gradient", "state"))
        return _tensor(method, "loss", loss), _tensor(method, "gradient", gradient), left


def _tensor(method: str, name: str, value: Any) -> Any:
    """Return a value as a tensor, as the loop accepts it."""
    if value is None:
        hint = "; a tape's gradient is None where the loss does not depend on x" if name == "gradient" else ""
        raise PromiseError(f"{method} returns {name} as a tensor{hint}. Received: None")
    try:
        return tf.convert_to_tensor(value)
    except (TypeError, ValueError):
        raise PromiseError(f"{method} returns {name} as a tensor. Received: {type(value).__name__}") from None
