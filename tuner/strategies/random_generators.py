"""The global random generators, which DEAP draws from, isolated per strategy."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_LOCK = threading.Lock()  # the generators belong to the process; two strategies must not swap them at once


class ConfinedGenerators:
    """States of Python's and NumPy's global generators that belong to one owner.

    Within `installed()` the global generators continue from the state that the owner's last use left; afterwards they
    are restored. The rest of the program and the owner therefore do not influence each other. Other threads must not
    draw from the global generators meanwhile.

    Args:
        seed: At least 0, of any size.
    """

    def __init__(self, seed: int) -> None:
        self._python = random.Random(seed).getstate()  # noqa: S311 - nothing secret
        self._numpy = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed))).get_state(legacy=False)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Install the owner's states into the global generators for a `with` block."""
        with _LOCK:
            python, numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002 - DEAP's numpy draws
            random.setstate(self._python)
            np.random.set_state(self._numpy)  # noqa: NPY002
            try:
                yield
            finally:
                self._python, self._numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002
                random.setstate(python)
                np.random.set_state(numpy)  # noqa: NPY002
