"""TensorFlow in a process of ours: imported without its messages, and set up before it computes anything."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# LLVM unrolls XLA's loops over 16 lanes entirely, and then does not vectorise them: half the time of some loops.
_LLVM_OPTIONS = "--xla_backend_extra_options=-unroll-threshold=0"


def load_tensorflow() -> None:
    """Import TensorFlow for work on the CPU of this process; further calls do nothing.

    Raises:
        ImportError: It cannot be loaded; its messages are printed.
    """
    if "tensorflow" in sys.modules:
        return
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        with _stderr_held_back():
            import tensorflow as tf

            tf.config.list_physical_devices()  # CUDA prints messages when it is looked for, not before
    finally:  # processes that are started from here may use the cards
        del os.environ["CUDA_VISIBLE_DEVICES"]
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def configure(threads: int) -> None:
    """Set TensorFlow's threads and how XLA compiles for a CPU, and let a GPU's memory be taken only as it is needed.

    Writes the environment variable XLA_FLAGS of this process: XLA reads its options from nothing else.

    Args:
        threads: Of one operation, and operations at a time.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    flags = os.environ.get("XLA_FLAGS", "")
    if not gpus and "xla_backend_extra_options" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_LLVM_OPTIONS}".strip()  # read at the first compilation
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:  # TensorFlow is already in use in this process
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            warnings.warn(
                f"TensorFlow already runs with another number of threads than {threads}: the last bits of float32"
                " results may differ",
                stacklevel=2,
            )


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, also by libraries in C++; print it if an exception passes."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        real = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(real, kept.read())
            raise
        finally:
            os.dup2(real, 2)
            os.close(real)
