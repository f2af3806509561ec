"""Temporary changes of environment variables.

They are for libraries that cannot be configured otherwise.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

CHECKPOINTS = "LODO_TUNE_CHECKPOINTS"
"""Variable of a worker that trains by functions: the folder in which candidates have folders for checkpoints."""

GPUS = "LODO_TUNE_GPUS"
"""Variable of the same: its GPUs, or its share of one."""

THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""Variables that numerical libraries read for their number of threads."""


@contextlib.contextmanager
def environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables within the context, or unset those that are None; restore them at its end."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
