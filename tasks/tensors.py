"""Tensors of data that a task keeps for as long as it lives."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tasks.shared_memory import mapping
from tasks.task import Tensor

ALIGNMENT = 64  # bytes, as TensorFlow wants a tensor's memory


def constant(array: np.ndarray) -> Tensor:
    """Return an array as an eager tensor; on a processor without a copy where it is one of `tasks.shared_memory`.

    On a graphics card a copy is in the card's own memory.
    """
    mapped = mapping(array)
    with tf.init_scope():
        if mapped is None or tf.config.list_logical_devices("GPU"):
            return tf.constant(array)
        start = array.ctypes.data
        if start % ALIGNMENT or not array.flags.c_contiguous:
            return tf.constant(array)
        writable = np.ndarray(array.shape, array.dtype, buffer=mapped, offset=start - mapped.ctypes.data)
        return tf.experimental.dlpack.from_dlpack(writable.__dlpack__())
