"""Random search: the baseline that a strategy which learns must beat.

Every individual of every generation comes from N(defaults, σ_0² I), whatever was found before. Losses after different
budgets do not compare, so the result is the best individual of those generations that train as long as the last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from deap import tools
from numpy.typing import NDArray

from tuner.strategies.generational import Generational
from tuner.strategies.individuals import Individual, gaussian_mutants
from tuner.strategies.setting import Plan


class RandomSearch(Generational):
    """Strategy `random`."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._best: Individual | None = None  # of the generations whose budget is the last one's

    def _draw(self, generation: int) -> NDArray[np.float64]:
        return gaussian_mutants(self.generators, self.plan.mean, self.plan.sigmas[0], self.plan.population)

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        budget = self.plan.steps[-1]
        if finished and self.plan.steps[generation] == budget:
            earlier = [] if self._best is None else [self._best]
            self._best = tools.selBest([*earlier, *finished], 1)[0]  # ties go to the earlier, as the sort is stable
        remarks = [] if finished else [f"none of {self.plan.population} finished"]
        if generation == self.plan.generations - 1 and self._best is None:
            remarks.append(f"no individual finished {budget} steps, so the defaults are the result")
        return f"generation {generation}: {'; '.join(remarks)}" if remarks else ""

    def _tuned(self) -> Sequence[float]:
        return self.plan.mean if self._best is None else self._best
