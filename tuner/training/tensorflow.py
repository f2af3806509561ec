"""TensorFlow, imported without its messages on graphics cards."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def load_tensorflow() -> None:
    """Import TensorFlow for work on the CPU of this process; once is enough.

    Raises:
        ImportError: It cannot be loaded; what it said is printed.
    """
    if "tensorflow" in sys.modules:
        return
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        with _kept_back():
            import tensorflow as tf

            tf.config.list_physical_devices()  # CUDA speaks when it is looked for, not before
    finally:  # what is started from here may use the cards
        del os.environ["CUDA_VISIBLE_DEVICES"]
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


@contextmanager
def _kept_back() -> Iterator[None]:
    """Keep back what is written to file descriptor 2, also by libraries in C++; print it if an exception passes."""
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
