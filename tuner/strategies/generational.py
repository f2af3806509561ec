"""The laws of asking and telling, kept in one place for every strategy that goes generation by generation."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.strategies.individuals import Individual
from tuner.strategies.random_generators import ConfinedGenerators
from tuner.strategies.setting import Plan, is_number


class Generational(ABC):
    """A strategy's frame: order of calls, clamping, and that failures never reach a selection.

    A strategy writes `_draw`, `_learn` and `_tuned`, and draws from `self.generators` alone.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.generators = ConfinedGenerators(plan.seed)
        self._told = 0  # generations that are over; the number of the current one
        self._asked: NDArray[np.float64] | None = None  # [population, d], clamped

    @abstractmethod
    def _draw(self, generation: int) -> NDArray[np.float64]:
        """Return a generation's genomes; float64 [population, d], perhaps outside the bounds."""

    @abstractmethod
    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        """Take the individuals that did not fail, clamped, with finite fitness, in slot order; return a remark."""

    @abstractmethod
    def _tuned(self) -> Sequence[float]:
        """Return the tuned genome; called after the last generation only."""

    def ask(self) -> NDArray[np.float64]:
        """See `Strategy.ask`. A genome drawn outside the bounds is clamped before anybody sees it."""
        if self._asked is not None:
            raise RuntimeError(f"generation {self._told} must be told before the next is asked for. Received: ask()")
        if self._told == self.plan.generations:
            raise RuntimeError(f"all {self.plan.generations} generations are over. Received: ask()")
        self._asked = np.clip(self._draw(self._told), self.plan.lower, self.plan.upper)
        return self._asked.copy()

    def tell(self, fitnesses: Sequence[float]) -> str:
        """See `Strategy.tell`."""
        if self._asked is None:
            raise RuntimeError(f"generation {self._told} must be asked for before it is told. Received: tell()")
        if len(fitnesses) != self.plan.population:
            raise ValueError(
                f"fitnesses must be one an individual, {self.plan.population}. Received: {len(fitnesses)} of them"
            )
        for slot, fitness in enumerate(fitnesses):
            if not is_number(fitness):
                raise ValueError(f"the fitness of slot {slot} must be a number. Received: {fitness!r:.80}")
        # NaN before it reaches DEAP: selBest would take a NaN for the best if it stood first.
        finished = [
            Individual(genome, float(fitness))
            for genome, fitness in zip(self._asked.tolist(), fitnesses, strict=True)
            if math.isfinite(fitness)
        ]
        remark = self._learn(self._told, finished)
        self._asked = None
        self._told += 1
        return remark

    def result(self) -> NDArray[np.float64]:
        """See `Strategy.result`."""
        if self._told != self.plan.generations:
            raise RuntimeError(
                f"there is a result after {self.plan.generations} generations. Received: result() after {self._told}"
            )
        return np.array(self._tuned())
