"""The protocol of a search strategy: ask for genomes, tell their fitnesses, generation by generation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Strategy(Protocol):
    """What a study needs of a search.

    Laws, each of which the conformance suite tests:

    - `ask` and `tell` alternate, once each a generation, for as many generations as were planned; then `result`.
    - Genomes lie within the bounds, and what `ask` returns is what counts: nothing is clamped behind its back.
    - The same seed and the same fitnesses give the same genomes, bit for bit: a study resumes by telling a fresh
      strategy what is on record.
    - A fitness that is not finite is a failure. It never counts, whatever else happens, and a generation that wholly
      fails leaves a strategy that goes on.
    - Global random generators neither influence a strategy nor are touched by it.
    - Generations are numbered from 0, in remarks as well.
    """

    def ask(self) -> NDArray[np.float64]:
        """Return the next generation's genomes.

        Returns:
            float64 [population, d], one row a slot, within the bounds; the caller's own copy.

        Raises:
            RuntimeError: The last generation asked for was not told yet, or all generations are over.
        """
        ...

    def tell(self, fitnesses: Sequence[float]) -> str:
        """Take the fitnesses of the generation that was asked for last.

        Args:
            fitnesses: One a slot, in slot order; the lower the better, not finite (usually +inf) for a failure.

        Returns:
            A remark for people, one line, where something is out of the ordinary; "" otherwise.

        Raises:
            RuntimeError: Nothing was asked for, or it was told already.
            ValueError: The number of fitnesses is not the population, or one is no number. Nothing has changed then.
        """
        ...

    def result(self) -> NDArray[np.float64]:
        """Return the tuned genome.

        Returns:
            float64 [d], within the bounds.

        Raises:
            RuntimeError: Not all generations were told.
        """
        ...
