"""Meta-optimizers, which step the parameters θ of a learned preconditioner.

θ is a tuple of tensors whose last axes have one length: P lanes, or count · P where lanes are folded into another axis.
The learning rates are repeated to that length, since they multiply every entry of θ at every step.
"""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf

from lodo.adam import adam_step, debiased_learning_rate
from lodo.optimizer import State, Tensor

BETA_1, BETA_2 = 0.9, 0.999  # Keras' defaults, as in the paper

Parameters = tuple[Tensor, ...]


class MetaOptimizer(Protocol):
    """A rule that steps θ."""

    def begin(self, theta: Parameters) -> State:
        """Return the state before the first step."""
        ...

    def step(
        self, theta: Parameters, hypergradient: Parameters, state: State, rates: Tensor, t: Tensor
    ) -> tuple[Parameters, State]:
        """Take a step that decreases the loss.

        Args:
            theta: θ.
            hypergradient: Gradient of the loss with respect to θ, tensor by tensor.
            state: As the previous step returned it.
            rates: α, of the length of θ's last axis.
            t: int32 scalar, the step's number; 1 at the first step.

        Returns:
            θ and the state after the step.
        """
        ...


class MetaAdam:
    """Adam with learning rate α, as Keras computes it; its state is two averages of θ's shapes."""

    def begin(self, theta: Parameters) -> State:
        """Return both averages, which are zero."""
        zeros = tuple(tf.zeros_like(part) for part in theta)
        return zeros, zeros

    def step(
        self, theta: Parameters, hypergradient: Parameters, state: State, rates: Tensor, t: Tensor
    ) -> tuple[Parameters, State]:
        """Take a step of Adam."""
        beta_1, beta_2 = tf.constant(BETA_1, rates.dtype), tf.constant(BETA_2, rates.dtype)
        rate = debiased_learning_rate(rates, beta_1, beta_2, t)
        stepped = [
            adam_step(part, gradient, average, square, rate=rate, beta_1=BETA_1, beta_2=BETA_2)
            for part, gradient, average, square in zip(theta, hypergradient, *state, strict=True)
        ]
        theta, averages, squares = zip(*stepped, strict=True)
        return theta, (averages, squares)


class MetaSGD:
    """Gradient descent with learning rate α; it has no state."""

    def begin(self, theta: Parameters) -> State:
        """Return the empty state."""
        del theta
        return ()

    def step(
        self, theta: Parameters, hypergradient: Parameters, state: State, rates: Tensor, t: Tensor
    ) -> tuple[Parameters, State]:
        """Take a step of gradient descent."""
        del t
        return tuple(part - rates * gradient for part, gradient in zip(theta, hypergradient, strict=True)), state
