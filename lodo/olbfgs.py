"""O-LBFGS, the online form of L-BFGS (Schraudolph, Yu and Günter 2007, AISTATS)."""

from __future__ import annotations

import tensorflow as tf

from lodo.lbfgs import LBFGS
from lodo.optimizer import Tensor
from lodo.two_loop import History


class OLBFGS(LBFGS):
    """O-LBFGS: L-BFGS whose recursion starts from the average of sᵀy / yᵀy over the history.

        x ← x - η_t H g          η_t = η_0 τ / (τ + t), t steps taken before this one
        H: the BFGS update of γ I by the pairs (s, y), the oldest first; γ = the mean of sᵀy / yᵀy over them

    A single minibatch so has less of a say in how long a step is.

    Hyperparameters: learning_rate (η_0 > 0), decay_steps (τ > 0, in steps), initial_scale (ε > 0).

    Args:
        history: How many pairs are remembered, at least 1. Default: 48, the paper's.

    Raises:
        ValueError: The history is below 1.
    """

    def initial_inverse(self, history: History, newest: Tensor, known: Tensor) -> Tensor:
        """Return γ [P]; places that hold no pair yet add nothing to the sum."""
        del newest
        return tf.reduce_sum(history.ratios, axis=0) / tf.cast(known, history.ratios.dtype)
