"""The order of operations, for XLA."""

from __future__ import annotations

import tensorflow as tf

from lodo.optimizer import Tensor


def after(value: Tensor, *others: Tensor) -> Tensor:
    """Return `value`, in a way that makes XLA compute what uses it after all of `others`.

    An array of the state can be updated in place if everything that reads the old entries comes first. XLA relies on
    that only where the new entries depend on all that reads; otherwise it copies the array at every step. Here the
    result depends on one entry of each of `others`, by a condition that is never true, which XLA does not find out.

    Args:
        value: A tensor, which is returned entry by entry.
        others: Floating-point tensors.
    """
    if tf.executing_eagerly():
        return value
    is_never = tf.constant(False)
    for other in others:
        entry = other[(0,) * other.shape.rank]
        is_never |= tf.math.is_finite(entry) & tf.math.is_nan(entry)
    return tf.where(is_never, tf.zeros_like(value), value)
