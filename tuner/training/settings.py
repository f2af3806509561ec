"""TensorFlow's settings in a process that trains; they must be made before it computes anything."""

from __future__ import annotations

import os
import warnings

import tensorflow as tf

# LLVM unrolls XLA's loops over 16 lanes entirely, and then does not vectorise them: half the time of some loops.
_LLVM_OPTIONS = "--xla_backend_extra_options=-unroll-threshold=0"


def configure(threads: int) -> None:
    """Set TensorFlow's threads, how XLA compiles for a CPU, and take a GPU's memory only as it is needed."""
    gpus = tf.config.list_physical_devices("GPU")
    flags = os.environ.get("XLA_FLAGS", "")
    if not gpus and "xla_backend_extra_options" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_LLVM_OPTIONS}".strip()  # XLA reads it when it compiles first
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:  # TensorFlow is in use in this process already
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            warnings.warn(
                f"TensorFlow already runs with another number of threads than {threads}: the last bits of float32"
                " results may differ",
                stacklevel=2,
            )
