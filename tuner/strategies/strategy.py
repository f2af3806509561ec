"""The protocol of a search strategy: `ask` and `tell`, once per generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import Milestone

Fitness = float | Sequence[float]
"""What is minimised: a number, or one per objective."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """The candidates to train next: one generation."""

    genomes: NDArray[np.float64]  # [population, d], one row per slot, within the bounds
    budget: int  # of each candidate, in gradient evaluations
    seed_block: int | None = None  # candidates of a block share their seeds; None: each has a seed of its own
    replicates: tuple[int, ...] | None = None  # number of each slot's seed within the block; None: 0 for all
    milestones: tuple[tuple[Milestone, ...], ...] | None = None  # of each slot's trial; None: none for all


class Strategy(Protocol):
    """Interface of a search strategy for a study.

    The conformance suite tests each of these requirements:

    - `ask` and `tell` alternate, once each per generation, until `ask` returns None; then `result`.
    - Genomes lie within the bounds, and exactly the genomes that `ask` returns are trained and counted.
    - The same seed and the same fitness values give the same genomes, bit for bit: a study is resumed by passing the
      recorded results to a new instance.
    - A fitness that is not finite is a failure. It never counts, and the search can continue after a generation that
      fails entirely.
    - A strategy neither depends on the global random generators nor changes them.
    - Generations are numbered from 0, in remarks as well.
    """

    def ask(self) -> Proposal | None:
        """Return the next generation; the arrays belong to the caller. None once the search is over.

        Raises:
            RuntimeError: The fitness of the previous generation was not passed to `tell` yet.
        """
        ...

    def tell(self, fitnesses: Sequence[Fitness]) -> str:
        """Process the fitness of each candidate of the last generation that `ask` returned.

        Args:
            fitnesses: One per slot, in slot order; lower is better, not finite (usually +inf) for a failure. A strategy
                that searches several objectives also accepts tuples of them.

        Returns:
            A remark for users, one line, if something is unusual; "" otherwise.

        Raises:
            RuntimeError: No generation is outstanding.
            ValueError: There is not one value per slot, or one is not a number. The strategy is unchanged.
        """
        ...

    def result(self) -> NDArray[np.float64]:
        """Return the tuned genome: float64 [d], within the bounds.

        Raises:
            RuntimeError: The search is not over.
        """
        ...


@runtime_checkable
class Amendable(Strategy, Protocol):
    """A strategy that can continue from other genomes than those that it proposed.

    A resumed study passes the recorded ones. Without this method, a study whose genomes differ cannot be resumed.
    """

    def amend(self, genomes: NDArray[np.float64]) -> None:
        """Replace the genomes of the generation that `ask` returned last by those that were trained.

        Args:
            genomes: float64 [population, d], within the bounds.

        Raises:
            RuntimeError: No generation is outstanding.
        """
        ...


@runtime_checkable
class EndsEarly(Strategy, Protocol):
    """A strategy that may end candidates early, whose proposals have milestones."""

    def tell_milestones(self, reached: Sequence[Sequence[tuple[int, float]]], pruned: Sequence[bool]) -> None:
        """Take what is known of the candidates beside their fitnesses; called before `tell`, if at all.

        Args:
            reached: Step and running fitness of the milestones of each slot that it reached, in order; none of a
                failure.
            pruned: Whether each slot was ended at the last of them, so that its fitness is +inf without a failure.

        Raises:
            RuntimeError: No generation is outstanding.
        """
        ...
