"""Base classes of strategies with a fixed schedule of generations."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import Milestone
from tuner.strategies.individuals import Individual
from tuner.strategies.random_generators import ConfinedGenerators
from tuner.strategies.setting import Setting, is_number
from tuner.strategies.strategy import Fitness, Proposal

F = TypeVar("F")
"""What a strategy takes as the fitness of a candidate: a number, or one per objective."""


class GenerationalBase(ABC, Generic[F]):
    """A strategy that runs a schedule of generations, whatever the fitness of a candidate is.

    It checks the order of calls, and clamps genomes.

    A subclass implements `_draw`, `_checked`, `_take` and `_tuned`, and draws from `self.generators` only. Of one
    objective it extends `Generational`.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.generators = ConfinedGenerators(setting.seed)
        self._completed = 0  # generations that are complete, which is the number of the current one
        self._proposed: NDArray[np.float64] | None = None  # [population, d], clamped

    @abstractmethod
    def _draw(self, generation: int) -> NDArray[np.float64]:
        """Return the genomes of a generation: float64 [population, d], possibly outside the bounds."""

    def _seeds(self, generation: int) -> tuple[int | None, tuple[int, ...] | None]:
        """Return a generation's seed block and replicates, see `Proposal`; asked for after `_draw`."""
        del generation
        return None, None

    def _milestones(self, generation: int) -> tuple[tuple[Milestone, ...], ...] | None:
        """Return the milestones of a generation's trials, see `Proposal`; asked for after `_draw`."""
        del generation
        return None

    @abstractmethod
    def _tuned(self) -> Sequence[float]:
        """Return the tuned genome; only called after the last generation."""

    def ask(self) -> Proposal | None:
        """See `Strategy.ask`; genomes drawn outside the bounds are clamped, and those between two values rounded."""
        if self._proposed is not None:
            raise RuntimeError(
                f"the fitness of generation {self._completed} must be passed to tell() before the next ask()"
            )
        if self._completed == self.setting.generations:
            return None
        self._proposed = self.setting.snapped(self._draw(self._completed))
        block, replicates = self._seeds(self._completed)
        milestones = self._milestones(self._completed)
        return Proposal(self._proposed.copy(), self.setting.steps[self._completed], block, replicates, milestones)

    def tell(self, fitnesses: Sequence[Fitness]) -> str:
        """See `Strategy.tell`."""
        if self._proposed is None:
            raise RuntimeError(f"generation {self._completed} must be requested with ask() before tell()")
        if len(fitnesses) != self.setting.population:
            raise ValueError(
                f"there must be one fitness per individual, {self.setting.population}. Received: {len(fitnesses)}"
            )
        checked = [self._checked(slot, fitness) for slot, fitness in enumerate(fitnesses)]
        remark = self._take(self._completed, self._proposed, checked)
        self._proposed = None
        self._completed += 1
        return remark

    @abstractmethod
    def _checked(self, slot: int, fitness: Any) -> F:
        """Return the fitness of a slot in the form that `_take` receives.

        Raises:
            ValueError: It is not accepted.
        """

    @abstractmethod
    def _take(self, generation: int, genomes: NDArray[np.float64], fitnesses: Sequence[F]) -> str:
        """Process a generation, failures included; return a remark or ""."""

    def result(self) -> NDArray[np.float64]:
        """See `Strategy.result`."""
        if self._completed != self.setting.generations:
            raise RuntimeError(
                f"result() requires {self.setting.generations} complete generations. Received: {self._completed}"
            )
        tuned = np.array(self._tuned())
        return tuned if self.setting.coordinates is None else self.setting.snapped(tuned[None, :])[0]


class Generational(GenerationalBase[float]):
    """A strategy of one objective, which excludes failed candidates from selection.

    A subclass implements `_draw`, `_learn` and `_tuned`.
    """

    @abstractmethod
    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        """Take the individuals with a finite fitness, in slot order; return a remark or ""."""

    def _checked(self, slot: int, fitness: Any) -> float:
        """Return the fitness of a slot as a float.

        Raises:
            ValueError: It is not a number.
        """
        if not is_number(fitness):
            raise ValueError(f"the fitness of slot {slot} must be a number. Received: {fitness!r:.80}")
        return float(fitness)

    def _take(self, generation: int, genomes: NDArray[np.float64], fitnesses: Sequence[float]) -> str:
        """Process a generation, failures included; passes the others to `_learn`."""
        # DEAP must never see NaN: selBest would take a NaN for the best if it came first.
        finished = [
            Individual(genome, fitness)
            for genome, fitness in zip(genomes.tolist(), fitnesses, strict=True)
            if math.isfinite(fitness)
        ]
        return self._learn(generation, finished)


class Amending(GenerationalBase[F]):
    """A generational strategy that continues from other genomes than those it drew; see `Amendable`."""

    def amend(self, genomes: NDArray[np.float64]) -> None:
        """See `Amendable.amend`."""
        if self._proposed is None:
            raise RuntimeError("amend() needs a generation that was requested with ask()")
        self._proposed = np.array(genomes, dtype=np.float64)
