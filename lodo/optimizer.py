"""The Optimizer protocol, and the base class for one gradient per step.

An optimizer steps a **cohort**: P candidates in lockstep, one per lane. Lanes are the *last* axis of every array and do
not influence each other. Hyperparameters are tensors, one value per lane: one compilation serves all candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import tensorflow as tf

Tensor = Any  # a tf.Tensor; TensorFlow has no types worth the name
State = Any  # a structure of tensors (tuples, dicts) for tf.nest, of the same shapes at every step
Hyperparameters = Mapping[str, Tensor]  # name -> [P] in x's dtype
LossAndGradient = Callable[[Tensor], tuple[Tensor, Tensor]]  # x [n, P] -> loss [P], gradient [n, P]


class Optimizer(Protocol):
    """A rule that steps x.

    Attributes:
        hyperparameters: Names of the hyperparameters that `step` uses.
        evaluations_per_step: Number of gradient evaluations, and of losses returned, per step; budgets count these.
        needs: Names of attributes that the task must have; the constructor accepts them as keyword arguments.
        wants: Names of attributes that the constructor also accepts; None is passed for those that a task lacks.
        jit_compile: Whether XLA can compile it. A loop is compiled by XLA only if task and optimizer both allow it.

    Optional attributes:
        repeats_last_step: Whether a step beyond the horizon, in a run with a budget in seconds, repeats the last one.
            Default: False, the horizon then grows with the run.
        is_random: False if no step depends on the seeds of `initial_state`. Default: True.
    """

    hyperparameters: tuple[str, ...]
    evaluations_per_step: int
    needs: tuple[str, ...]
    wants: tuple[str, ...]
    jit_compile: bool

    def initial_state(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the state before the first step.

        Args:
            x: [n, P], the starting point.
            hyperparameters: name -> [P]; constant during a run.
            seeds: int32 [P, 2], one seed per lane.

        Raises:
            ValueError: x is not a floating-point array [n, P] with n >= 1.
        """
        ...

    def step(
        self,
        loss_and_gradient: LossAndGradient,
        x: Tensor,
        state: State,
        hyperparameters: Hyperparameters,
        t: Tensor,
        horizon: Tensor,
    ) -> tuple[Tensor, State, Tensor]:
        """Take one step.

        Args:
            loss_and_gradient: Evaluates this step's minibatch at a point [n, P]; may be called more than once.
            x: [n, P].
            state: As the previous step returned it.
            hyperparameters: name -> [P].
            t: int32 scalar, the step's number; 1 at the first step.
            horizon: int32 scalar, the run's budget in steps.

        Returns:
            x [n, P], the state, and the losses [evaluations_per_step, P] in the order of evaluation.
        """
        ...


def check_cohort(x: Tensor) -> None:
    """Check the dtype and shape of x.

    Raises:
        ValueError: x is not a floating-point array [n, P] with n >= 1.
    """
    if not x.dtype.is_floating:
        raise ValueError(f"`x` must be of a floating-point dtype. Received: {x.dtype.name}")
    if x.shape.rank != 2 or x.shape[0] == 0:
        raise ValueError(f"`x` must be [n, P], n at least 1 and P lanes. Received: shape {tuple(x.shape)}")


def check_returned(method: str, returned: Any, accepted: str) -> None:
    """Check that a method has returned something.

    Args:
        method: Its class and name, for the message.
        returned: What it has returned.
        accepted: What it returns, for the message.

    Raises:
        TypeError: It is None.
    """
    if returned is None:
        raise TypeError(f"{method} returns {accepted}. Received: None, as without a `return`")


def pair_of(method: str, returned: Any, names: tuple[str, str]) -> tuple[Any, Any]:
    """Return the two values that a method has returned.

    Args:
        method: Its class and name, for the message.
        returned: What it has returned.
        names: What the two values are, for the message.

    Raises:
        TypeError: It is not a pair.
    """
    accepted = f"the pair ({', '.join(names)})"
    check_returned(method, returned, accepted)
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        received = "a tensor" if tf.is_tensor(returned) else type(returned).__name__
        received = f"{len(returned)} values" if isinstance(returned, tuple | list) else received
        raise TypeError(f"{method} returns {accepted}. Received: {received}")
    first, second = returned
    return first, second


class GradientOptimizer:
    """Base class of optimizers that evaluate one gradient per step, at x; subclasses define `update`.

    XLA compiles `update` separately, so that it is one fused pass over memory even if the task's loop is not compiled
    by XLA. Within a loop that is, this changes nothing.
    """

    hyperparameters: tuple[str, ...] = ()
    evaluations_per_step = 1
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    jit_compile = True

    def __init__(self) -> None:
        self._update = tf.function(self.update, jit_compile=self.jit_compile, autograph=False)

    def initial_state(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Check x [n, P] and return the state before the first step."""
        check_cohort(x)
        state = self.begin(x, hyperparameters, seeds)
        check_returned(f"{type(self).__name__}.begin", state, "the state, () if there is none")
        return state

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the state before the first step: empty, unless a subclass overrides this."""
        del x, hyperparameters, seeds
        return ()

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x and the state after a step with this gradient [n, P]."""
        raise TypeError(f"{type(self).__name__} does not define `update`.")

    def step(
        self,
        loss_and_gradient: LossAndGradient,
        x: Tensor,
        state: State,
        hyperparameters: Hyperparameters,
        t: Tensor,
        horizon: Tensor,
    ) -> tuple[Tensor, State, Tensor]:
        """Evaluate once at x and update it; losses [1, P]."""
        del horizon
        loss, gradient = loss_and_gradient(x)
        updated = self._update(gradient, x, state, dict(hyperparameters), t)
        x, state = pair_of(f"{type(self).__name__}.update", updated, ("x", "state"))
        return x, state, loss[tf.newaxis]
