"""Global random generators, confined: DEAP draws from them, and this keeps it from the rest of the program."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_ONE_AT_A_TIME = threading.Lock()  # the generators are the process's; two strategies must not swap them at once


class ConfinedGenerators:
    """States of Python's and of numpy's global generator that belong to one owner.

    Within `installed()` the global generators go on where the owner's last use left them; afterwards they are as they
    were before. So what the rest of the program draws changes nothing for the owner, and the owner nothing for the
    rest. Other threads that draw from the global generators meanwhile are not kept out: they must not.

    Args:
        seed: At least 0, of any size.
    """

    def __init__(self, seed: int) -> None:
        self._python = random.Random(seed).getstate()  # noqa: S311 - nothing secret
        self._numpy = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed))).get_state(legacy=False)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Put the owner's states into the global generators for the time of a `with` block."""
        with _ONE_AT_A_TIME:
            python, numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002 - DEAP's numpy draws
            random.setstate(self._python)
            np.random.set_state(self._numpy)  # noqa: NPY002
            try:
                yield
            finally:
                self._python, self._numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002
                random.setstate(python)
                np.random.set_state(numpy)  # noqa: NPY002
