"""What a function may change of its process, and the next must not find."""

from __future__ import annotations

import contextlib
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np


@contextlib.contextmanager
def restored_process_state() -> Iterator[None]:
    """Restore the working directory, the environment variables and the paths for imports at the end."""
    folder, paths, variables = Path.cwd(), list(sys.path), dict(os.environ)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = [*paths, *(each for each in sys.path if each not in paths)]
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        for name, value in variables.items():
            if os.environ.get(name) != value:
                os.environ[name] = value


def seed_generators(seed: int) -> None:
    """Seed the generators that all code of a process shares: those of `random` and of `numpy.random`.

    What draws from them without a seed would otherwise depend on the candidates that the worker has trained before.

    Args:
        seed: Below 2**32.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the old interface is the one that is shared)
