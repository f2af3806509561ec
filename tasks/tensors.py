"""Convert a data set's array to a tensor, without a copy where possible."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tasks.shared_memory import mapping
from tasks.task import Tensor

ALIGNMENT = 64  # bytes; TensorFlow requires this of a tensor's memory


def constant(array: np.ndarray) -> Tensor:
    """Return an array as an eager tensor.

    On a CPU, an array from `tasks.shared_memory` is not copied. On a GPU the tensor is a copy in the GPU's memory.
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
