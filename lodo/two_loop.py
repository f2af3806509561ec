"""The history of L-BFGS and its two-loop recursion.

The recursion is Nocedal's (1980, Mathematics of Computation 35); Schraudolph, Yu and Günter (2007) use it for noisy
gradients. The pairs are stored in ring buffers. An empty slot holds 1/sᵀy = 0 and sᵀy/yᵀy = 0, which changes
nothing in either loop; so one program serves a history that is filling up and one that is full. The slot of a step that
did not move (s = 0, as after a gradient of zero) stays empty.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from lodo.optimizer import Tensor


class History(NamedTuple):
    """The latest pairs, in ring buffers of M slots; the last axis runs over lanes."""

    moves: Tensor  # s [M, n, P]
    changes: Tensor  # y [M, n, P], changes of the gradient
    reciprocals: Tensor  # 1/sᵀy [M, P]
    ratios: Tensor  # sᵀy/yᵀy [M, P]


def no_history(x: Tensor, length: int) -> History:
    """Return a history of M = `length` empty slots for x [n, P]."""
    pairs, numbers = tf.zeros([length, *x.shape], x.dtype), tf.zeros([length, x.shape[1]], x.dtype)
    return History(pairs, pairs, numbers, numbers)


def remember(history: History, slot: Tensor, move: Tensor, change: Tensor) -> History:
    """Return the history with the pair s, y [n, P] in a slot (int32 scalar) of the ring buffers."""
    curvature = tf.reduce_sum(move * change, axis=0)
    has_moved = ~has_not_moved(move, curvature)
    ratio = curvature / tf.reduce_sum(change * change, axis=0)
    values = (move, change, tf.where(has_moved, 1 / curvature, 0), tf.where(has_moved, ratio, 0))
    index = slot[tf.newaxis, tf.newaxis]
    return History(
        *(
            tf.tensor_scatter_nd_update(ring, index, value[tf.newaxis])
            for ring, value in zip(history, values, strict=True)
        )
    )


def has_not_moved(move: Tensor, curvature: Tensor) -> Tensor:
    """Return for each lane whether a pair has no move and cannot be divided by its curvature; bool [P].

    Every other pair is used, also one of little or negative curvature, or of none.

    Args:
        move: s [n, P].
        curvature: sᵀy [P].
    """
    return tf.math.is_inf(1 / curvature) & (tf.reduce_sum(move * move, axis=0) == 0)


def filled(history: History) -> Tensor:
    """Return which slots hold a pair; bool [M, P]."""
    return (history.reciprocals != 0) | (history.ratios != 0)


def inverse_hessian_times(history: History, newest: Tensor, initial_inverse: Tensor, vector: Tensor) -> Tensor:
    """Return H v [n, P], where H is γ I after the BFGS updates by the stored pairs, oldest first.

    Args:
        history: The pairs.
        newest: int32 scalar, slot of the newest pair.
        initial_inverse: γ [P].
        vector: v [n, P].
    """
    length = history.moves.shape[0]
    coefficients = tf.TensorArray(vector.dtype, length, element_shape=initial_inverse.shape)

    def down(age: Tensor, rest: Tensor, coefficients: tf.TensorArray) -> tuple[Tensor, Tensor, tf.TensorArray]:
        slot = tf.math.floormod(newest - age, length)
        coefficient = tf.gather(history.reciprocals, slot) * tf.reduce_sum(
            tf.gather(history.moves, slot) * rest, axis=0
        )
        return age + 1, rest - coefficient * tf.gather(history.changes, slot), coefficients.write(age, coefficient)

    def up(age: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
        slot = tf.math.floormod(newest - age, length)
        correction = tf.gather(history.reciprocals, slot) * tf.reduce_sum(
            tf.gather(history.changes, slot) * result, axis=0
        )
        return age - 1, result + (coefficients.read(age) - correction) * tf.gather(history.moves, slot)

    _, rest, coefficients = tf.while_loop(lambda age, *_: age < length, down, (0, vector, coefficients))
    _, result = tf.while_loop(lambda age, _: age >= 0, up, (length - 1, initial_inverse * rest))
    return result
