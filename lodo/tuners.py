"""How a learned preconditioner's parameters θ move, given the slope of the loss by them: Adam, or plain descent.

θ is a tuple of tensors. Each of them has the lanes last, one a column or folded as [count · P], and learning rates come
repeated to that length: a rate multiplies every entry of θ, at every step.
"""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf

from lodo.adam import adam_step, debiased_learning_rate
from lodo.optimizer import State, Tensor

BETA_1, BETA_2 = 0.9, 0.999  # Keras' defaults, as in the paper

Parameters = tuple[Tensor, ...]


class Tuner(Protocol):
    """A rule by which θ moves."""

    def begin(self, theta: Parameters) -> State:
        """Return the state before the first step."""
        ...

    def move(
        self, theta: Parameters, slopes: Parameters, state: State, rates: Tensor, t: Tensor
    ) -> tuple[Parameters, State]:
        """Take a step downhill.

        Args:
            theta: θ.
            slopes: The slope of the loss by θ, tensor by tensor.
            state: As the last step left it.
            rates: α, as long as θ's last axis.
            t: int32 scalar, the step's number; 1 at the first step.

        Returns:
            θ and the state.
        """
        ...


class AdamTuner:
    """Adam of size α, in Keras' form; its state is the two averages, each like θ."""

    def begin(self, theta: Parameters) -> State:
        """Return both averages, at zero."""
        nothing = tuple(tf.zeros_like(part) for part in theta)
        return nothing, nothing

    def move(
        self, theta: Parameters, slopes: Parameters, state: State, rates: Tensor, t: Tensor
    ) -> tuple[Parameters, State]:
        """Take a step of Adam."""
        beta_1, beta_2 = tf.constant(BETA_1, rates.dtype), tf.constant(BETA_2, rates.dtype)
        rate = debiased_learning_rate(rates, beta_1, beta_2, t)
        moved = [
            adam_step(part, slope, average, square, rate=rate, beta_1=BETA_1, beta_2=BETA_2)
            for part, slope, average, square in zip(theta, slopes, *state, strict=True)
        ]
        theta, averages, squares = zip(*moved, strict=True)
        return theta, (averages, squares)


class DescentTuner:
    """Plain gradient descent of size α; no state."""

    def begin(self, theta: Parameters) -> State:
        """Return no state."""
        del theta
        return ()

    def move(
        self, theta: Parameters, slopes: Parameters, state: State, rates: Tensor, t: Tensor
    ) -> tuple[Parameters, State]:
        """Take a step of gradient descent."""
        del t
        return tuple(part - rates * slope for part, slope in zip(theta, slopes, strict=True)), state
