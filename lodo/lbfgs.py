"""L-BFGS for noisy gradients (Schraudolph, Yu and Günter 2007, AISTATS)."""

from __future__ import annotations

import tensorflow as tf

from lodo.optimizer import Hyperparameters, LossAndGradient, State, Tensor, check_cohort
from lodo.two_loop import History, filled, inverse_hessian_times, no_history, remember


class LBFGS:
    """L-BFGS: steps by an inverse Hessian built from the latest pairs of moves s and gradient changes y.

        x ← x - η_t H g          η_t = η_0 τ / (τ + t), t: steps taken before
        H: γ I after the BFGS updates by the pairs (s, y), oldest first; γ = sᵀy / yᵀy of the newest pair

    Both gradients of a pair belong to one minibatch: a step evaluates before and after it moves. The first step has
    no pair and uses H = ε I. There is no line search and no check of the curvature: only a step that does not move, as
    from a gradient of zero, leaves no pair.

    Hyperparameters: learning_rate (η_0 > 0), decay_steps (τ > 0, in steps), initial_scale (ε > 0).

    Args:
        history: Number of pairs that are stored, at least 1. Default: 48, as in arXiv 2210.06171.

    Raises:
        ValueError: The history is below 1.
    """

    hyperparameters = ("learning_rate", "decay_steps", "initial_scale")
    evaluations_per_step = 2
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    jit_compile = True

    def __init__(self, *, history: int = 48) -> None:
        if history < 1:
            raise ValueError(f"history must be at least 1. Received: {history}")
        self.history = history
        # Compiled by XLA for tasks whose loop is not; within a compiled loop they are inlined.
        self._move = tf.function(self.move, jit_compile=True, autograph=False)
        self._remember = tf.function(remember, jit_compile=True, autograph=False)

    def initial_state(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> History:
        """Check x [n, P] and return an empty history."""
        check_cohort(x)
        return no_history(x, self.history)

    def initial_inverse(self, history: History, newest: Tensor) -> Tensor:
        """Return γ [P] of lanes that have a pair; the two-loop recursion starts from γ I.

        Args:
            history: The pairs.
            newest: int32 scalar, slot of the newest step.
        """
        by_age = tf.math.floormod(newest - tf.range(self.history), self.history)
        age = tf.argmax(tf.cast(tf.gather(filled(history), by_age), tf.int32), axis=0, output_type=tf.int32)
        return tf.gather(tf.transpose(tf.gather(history.ratios, by_age)), age, batch_dims=1)

    def move(self, gradient: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor) -> Tensor:
        """Return the move [n, P] of step t for the gradient [n, P] at x."""
        history = History(*state)
        taken = t - 1
        newest = tf.math.floormod(taken - 1, self.history)
        has_pair = tf.reduce_any(filled(history), axis=0)
        inverse = tf.where(has_pair, self.initial_inverse(history, newest), hyperparameters["initial_scale"])
        decay_steps = hyperparameters["decay_steps"]
        rate = hyperparameters["learning_rate"] * decay_steps / (decay_steps + tf.cast(taken, decay_steps.dtype))
        return -rate * inverse_hessian_times(history, newest, inverse, gradient)

    def step(
        self,
        loss_and_gradient: LossAndGradient,
        x: Tensor,
        state: State,
        hyperparameters: Hyperparameters,
        t: Tensor,
        horizon: Tensor,
    ) -> tuple[Tensor, State, Tensor]:
        """Evaluate at x, move, and evaluate again; losses [2, P]."""
        del horizon
        loss, gradient = loss_and_gradient(x)
        move = self._move(gradient, state, dict(hyperparameters), t)
        x = x + move
        loss_after, gradient_after = loss_and_gradient(x)
        slot = tf.math.floormod(t - 1, self.history)
        state = self._remember(History(*state), slot, move, gradient_after - gradient)
        return x, state, tf.stack([loss, loss_after])
