"""An optimizer with additions: schedule, weight decay, clipping, averaging.

Additions are traced into the step. An optimizer without any is used as it is, and costs nothing more.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from lodo import additions, schedules
from lodo.optimizer import Hyperparameters, LossAndGradient, Optimizer, State, Tensor


class AddedState(NamedTuple):
    """State of an optimizer with additions."""

    own: State  # of the optimizer itself
    average: State  # [n, P], the average of x; () if none is kept


def evaluated(x: Tensor, state: State) -> Tensor:
    """Return what is to be evaluated for x [n, P] and the optimizer's state: the average of x if one is kept, or x."""
    is_averaged = isinstance(state, AddedState) and not isinstance(state.average, tuple)
    return state.average if is_averaged else x


@lru_cache
def with_additions(optimizer: type, added: tuple[str, ...]) -> type[WithAdditions]:
    """Return the class of an optimizer with additions.

    Args:
        optimizer: A class of our protocol, with its own hyperparameters.
        added: Names of `lodo.additions.ADDITIONS`, which none of its hyperparameters has.

    Raises:
        AdditionError: They exclude each other, or need a learning rate that the optimizer does not have.
    """
    kind: Any = optimizer
    additions.check(kind.__name__, added, kind.hyperparameters)
    wants = (*kind.wants, *(("variable_shapes",) if "clipnorm" in added else ()))
    members = {
        "optimizer": optimizer,
        "added": added,
        "hyperparameters": (*kind.hyperparameters, *added),
        "needs": tuple(kind.needs),
        "wants": tuple(name for name in dict.fromkeys(wants) if name not in kind.needs),
    }
    return type(kind.__name__, (WithAdditions,), members)


class WithAdditions:
    """An optimizer with additions; its subclasses are made by `with_additions`.

        g ← clipped g                                before the optimizer sees it, at every evaluation of the step
        x' ← the optimizer's step, with the learning rate s(t) η
        x ← x' - s(t) η λ x                          λ: the weight decay, which is outside the gradient
        a ← x at the first step, then a ← m a + (1 - m) x          m: ema_momentum; a is evaluated, x is trained

    Without variable shapes, `clipnorm` is `global_clipnorm`: x is one variable.

    Attributes:
        repeats_last_step: Whether steps beyond the horizon repeat the last one.
    """

    optimizer: ClassVar[Any]
    added: ClassVar[tuple[str, ...]]
    hyperparameters: tuple[str, ...]
    needs: tuple[str, ...]
    wants: tuple[str, ...]
    repeats_last_step = True

    def __init__(self, **arguments: Any) -> None:
        taken = (*self.optimizer.needs, *self.optimizer.wants)
        self._shapes = arguments.get("variable_shapes") if "clipnorm" in self.added else None
        self.own: Optimizer = self.optimizer(
            **{name: value for name, value in arguments.items() if name not in self.wants or name in taken}
        )
        self.evaluations_per_step, self.jit_compile = self.own.evaluations_per_step, self.own.jit_compile
        self._rate = additions.rate_of(self.own.hyperparameters) or ""
        self._schedule = next((name for name in additions.SCHEDULES if name in self.added), None)
        self._clipping = next((name for name in additions.CLIPPINGS if name in self.added), "")
        # Compiled by XLA for tasks whose loop is not; within a compiled loop they are inlined.
        self._clip = tf.function(self._clipped, jit_compile=self.jit_compile, autograph=False)
        self._finish = tf.function(self._finished, jit_compile=self.jit_compile, autograph=False)

    def initial_state(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> AddedState:
        """Return the optimizer's own state at x [n, P], and x as the average if one is kept."""
        own = self.own.initial_state(x, self._own(hyperparameters), seeds)
        return AddedState(own, x if additions.AVERAGE in self.added else ())

    def step(
        self,
        loss_and_gradient: LossAndGradient,
        x: Tensor,
        state: State,
        hyperparameters: Hyperparameters,
        t: Tensor,
        horizon: Tensor,
    ) -> tuple[Tensor, AddedState, Tensor]:
        """Take the optimizer's step with the additions; losses [evaluations_per_step, P]."""
        own, average = AddedState(*state)
        values = self._own(hyperparameters)
        if self._schedule is not None or additions.WARMUP in self.added:
            final = hyperparameters[self._schedule] if self._schedule else None
            warmup = hyperparameters[additions.WARMUP] if additions.WARMUP in self.added else None
            share = schedules.factor(t, horizon, warmup=warmup, schedule=self._schedule, final=final)
            values[self._rate] = _computed_once(values[self._rate] * share)

        def clipped(point: Tensor) -> tuple[Tensor, Tensor]:
            loss, gradient = loss_and_gradient(point)
            return loss, self._clip(gradient, hyperparameters[self._clipping])

        evaluate = clipped if self._clipping else loss_and_gradient
        moved, own, losses = self.own.step(evaluate, x, own, values, t, tf.maximum(horizon, t))
        if additions.WEIGHT_DECAY in self.added or additions.AVERAGE in self.added:
            added = {name: hyperparameters[name] for name in self.added}
            moved, average = self._finish(moved, x, average, values.get(self._rate), added, t)
        return moved, AddedState(own, average), losses

    def _own(self, hyperparameters: Hyperparameters) -> dict[str, Tensor]:
        """Return the hyperparameters of the optimizer itself."""
        return {name: hyperparameters[name] for name in self.own.hyperparameters}

    def _clipped(self, gradient: Tensor, limit: Tensor) -> Tensor:
        """Return the clipped gradient [n, P]; one that is not a number remains so."""
        if self._clipping == "clipvalue":
            return tf.minimum(tf.maximum(gradient, -limit), limit)
        sizes = [math.prod(shape) for shape in self._shapes] if self._shapes else [gradient.shape[0]]
        return tf.concat([_shortened(part, limit) for part in tf.split(gradient, sizes)], axis=0)

    def _finished(
        self, moved: Tensor, x: Tensor, average: State, rate: Tensor, added: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x [n, P] after the decay of the weights, and the average of x."""
        if additions.WEIGHT_DECAY in added:
            moved -= rate * added[additions.WEIGHT_DECAY] * x
        if additions.AVERAGE in added:
            momentum = added[additions.AVERAGE]
            average = tf.where(t > 1, momentum * average + (1 - momentum) * moved, moved)
        return moved, average


def _shortened(part: Tensor, limit: Tensor) -> Tensor:
    """Return vectors [m, P] scaled to at most these norms [P]."""
    norm = tf.sqrt(tf.reduce_sum(part * part, axis=0))
    return part * (limit / tf.maximum(norm, limit))


def _computed_once(values: Tensor) -> Tensor:
    """Return values [P], written to memory: XLA does not fuse a scatter.

    It would fuse a schedule with the decay of the weights, and compute a cosine for each entry of x.
    """
    lanes = tf.range(values.shape[0])[:, tf.newaxis]
    return tf.tensor_scatter_nd_update(tf.zeros_like(values), lanes, values)
