"""Import and configuration of TensorFlow in the current process."""

from __future__ import annotations

import logging
import os
import resource
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tuner.core.garbage_collection import without_collection
from tuner.core.matplotlib_import import import_matplotlib
from tuner.training.keras_settings import check_keras

# LLVM unrolls XLA's loops over 16 lanes entirely, and then does not vectorise them; some loops then take twice as long.
_LLVM_OPTIONS = "--xla_backend_extra_options=-unroll-threshold=0"


def load_tensorflow() -> None:
    """Import TensorFlow, without its messages, for work on the CPU; further calls do nothing.

    Raises:
        ImportError: It cannot be loaded; its messages are printed.
        ValueError: Keras was imported before, with another backend.
    """
    check_keras()
    if "tensorflow" in sys.modules:
        return
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        import_matplotlib()  # which TensorFlow would import
        with _stderr_held_back(), without_collection():
            import tensorflow as tf

            tf.config.list_physical_devices()  # CUDA prints its messages when devices are listed, not before
    except (SystemError, MemoryError, ImportError) as error:
        if limit := _limit_of_memory():
            raise ImportError(
                f"TensorFlow cannot be loaded within the limit of {limit} of memory (ulimit -v)"
            ) from error
        raise
    finally:  # child processes may use the GPUs
        del os.environ["CUDA_VISIBLE_DEVICES"]
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def configure(threads: int) -> None:
    """Set TensorFlow's threads, XLA's options for CPUs, and allocation of GPU memory on demand.

    The environment variable XLA_FLAGS of this process is written, because XLA has no other configuration.

    Args:
        threads: Threads per operation, and number of concurrent operations.
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
def without_retracing_warnings() -> Iterator[None]:
    """Suppress the warnings of TensorFlow about functions that are traced again, as many checks require."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _limit_of_memory() -> str:
    """Return the limit of this process's virtual memory as text; "" if there is none."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return "" if limit == resource.RLIM_INFINITY else f"{limit / 2**30:.1f} GiB"


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Hold back output to file descriptor 2, including that of C++ libraries; print it if an exception is raised."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        real = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException:
            kept.seek(0)
            os.write(real, kept.read())
            raise
        finally:
            os.dup2(real, 2)
            os.close(real)
