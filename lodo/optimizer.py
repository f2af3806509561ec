"""The Optimizer protocol, and the base of those that ask for one gradient a step.

An optimizer moves a **cohort**: P candidates in lockstep, the *last* axis of every array. Lanes never mix, and
hyperparameters are tensors, one value a lane, so that one compilation serves every candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import tensorflow as tf

Tensor = Any  # a tf.Tensor; TensorFlow has no types worth the name
State = Any  # a nest of tensors (tuples, dicts) as tf.nest knows it, of the same shapes at every step
Hyperparameters = Mapping[str, Tensor]  # name -> [P] in x's dtype
LossAndGradient = Callable[[Tensor], tuple[Tensor, Tensor]]  # x [n, P] -> loss [P], gradient [n, P]


class Optimizer(Protocol):
    """A rule by which x moves.

    Attributes:
        hyperparameters: The names that `step` looks up.
        evaluations_per_step: How many losses a step returns; budgets count these.
        needs: What the class must be told of the task: names of the task's attributes, which its constructor takes
            as keyword arguments.
        wants: What the class is told of the task where it has it.
        jit_compile: Whether XLA suits it. A loop is compiled by XLA only where task and optimizer both agree.
    """

    hyperparameters: tuple[str, ...]
    evaluations_per_step: int
    needs: tuple[str, ...]
    wants: tuple[str, ...]
    jit_compile: bool

    def initial_state(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the state before the first step.

        Args:
            x: [n, P], where the run starts.
            hyperparameters: name -> [P]; they stay the same for the whole run.
            seeds: int32 [P, 2], one seed a lane.

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
            loss_and_gradient: Evaluates this step's minibatch at a point; may be called more than once.
            x: [n, P].
            state: As the last step left it.
            hyperparameters: name -> [P].
            t: int32 scalar, the step's number; 1 at the first step.
            horizon: int32 scalar, the run's budget in steps.

        Returns:
            x [n, P], the state, and the losses [evaluations_per_step, P] in the order in which they were asked for.
        """
        ...


def check_cohort(x: Tensor) -> None:
    """Check that x is what an optimizer can move.

    Raises:
        ValueError: x is not a floating-point array [n, P] with n >= 1.
    """
    if not x.dtype.is_floating:
        raise ValueError(f"`x` must be of a floating-point dtype. Received: {x.dtype.name}")
    if x.shape.rank != 2 or x.shape[0] == 0:
        raise ValueError(f"`x` must be [n, P], n at least 1 and P lanes. Received: shape {tuple(x.shape)}")


class GradientOptimizer:
    """An optimizer that asks for one gradient a step, at x, and then moves by its `update`.

    The update is compiled by XLA by itself, so that it is one fused pass over memory also for tasks whose own
    operations XLA does not speed up. Inside a loop that XLA compiles as a whole this changes nothing.
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
        return self.begin(x, hyperparameters, seeds)

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the state before the first step: none; a subclass that has one says so."""
        del x, hyperparameters, seeds
        return ()

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x and the state after a step along this gradient [n, P]."""
        raise TypeError(f"{type(self).__name__} does not say how it updates x.")

    def step(
        self,
        loss_and_gradient: LossAndGradient,
        x: Tensor,
        state: State,
        hyperparameters: Hyperparameters,
        t: Tensor,
        horizon: Tensor,
    ) -> tuple[Tensor, State, Tensor]:
        """Evaluate once at x and move; losses [1, P]."""
        del horizon
        loss, gradient = loss_and_gradient(x)
        x, state = self._update(gradient, x, state, dict(hyperparameters), t)
        return x, state, loss[tf.newaxis]
