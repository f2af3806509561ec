"""O-LBFGS, the online form of L-BFGS (Schraudolph, Yu and Günter 2007, AISTATS)."""

from __future__ import annotations

import tensorflow as tf

from lodo.lbfgs import LBFGS
from lodo.optimizer import Tensor
from lodo.two_loop import History, filled


class OLBFGS(LBFGS):
    """O-LBFGS: L-BFGS whose recursion starts from the average of sᵀy / yᵀy over the history.

        x ← x - η_t H g          η_t = η_0 τ / (τ + t), t: steps taken before
        H: γ I after the BFGS updates by the pairs (s, y), oldest first; γ = the mean of sᵀy / yᵀy over them

    The average makes the length of a step depend less on a single minibatch.

    Hyperparameters: learning_rate (η_0 > 0), decay_steps (τ > 0, in steps), initial_scale (ε > 0).

    Args:
        history: Number of pairs that are stored, at least 1. Default: 48, as in arXiv 2210.06171.

    Raises:
        ValueError: The history is below 1.
    """

    def initial_inverse(self, history: History, newest: Tensor) -> Tensor:
        """Return γ [P] of lanes that have a pair; empty slots of the history add zero to the sum."""
        del newest
        pairs = tf.reduce_sum(tf.cast(filled(history), history.ratios.dtype), axis=0)
        return tf.reduce_sum(history.ratios, axis=0) / pairs
