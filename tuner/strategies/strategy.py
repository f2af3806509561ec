"""The protocol of a search strategy: ask for genomes, tell their fitness, per generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """What a strategy wants trained next: one generation."""

    genomes: NDArray[np.float64]  # [population, d], one row per slot, within the bounds
    budget: int  # of each candidate, in gradient evaluations
    seed_block: int | None = None  # candidates of a block share their seed; None: each has a seed of its own


class Strategy(Protocol):
    """What a study requires of a search.

    The conformance suite tests each of these:

    - `ask` and `tell` alternate, once each per generation, until `ask` returns None; then `result`.
    - Genomes lie within the bounds, and exactly the genomes that `ask` returns are trained and counted.
    - The same seed and the same fitness values give the same genomes, bit for bit: a study is resumed by telling a new
      instance what is recorded.
    - A fitness that is not finite is a failure. It never counts, and a generation that fails entirely leaves a strategy
      that can go on.
    - A strategy neither depends on the global random generators nor changes them.
    - Generations are numbered from 0, in remarks as well.
    """

    def ask(self) -> Proposal | None:
        """Return the next generation; the arrays belong to the caller. None once the search is over.

        Raises:
            RuntimeError: The previous generation has not been told yet.
        """
        ...

    def tell(self, fitnesses: Sequence[float]) -> str:
        """Take the fitness of each candidate of the generation that was asked for last.

        Args:
            fitnesses: One per slot, in slot order; lower is better, not finite (usually +inf) for a failure.

        Returns:
            A remark for people, one line, where something is out of the ordinary; "" otherwise.

        Raises:
            RuntimeError: Nothing was asked for, or it was told already.
            ValueError: There is not one value per slot, or one is not a number. Nothing has changed then.
        """
        ...

    def result(self) -> NDArray[np.float64]:
        """Return the tuned genome: float64 [d], within the bounds.

        Raises:
            RuntimeError: The search is not over.
        """
        ...
