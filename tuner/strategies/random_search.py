"""Strategy `random`: random search, the baseline of every other strategy.

Every individual of every generation is drawn from N(defaults, σ_0² I). Losses after different budgets are not
comparable, so the result is the best individual of the generations that have the last generation's budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deap import tools
from numpy.typing import NDArray

from tuner.strategies.generational import Generational
from tuner.strategies.individuals import Individual, gaussian_mutants
from tuner.strategies.setting import Setting


class RandomSearch(Generational):
    """Random search."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._best: Individual | None = None  # of the generations with the last budget

    def _draw(self, generation: int) -> NDArray[np.float64]:
        return gaussian_mutants(self.generators, self.setting.mean, self.setting.sigmas[0], self.setting.population)

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        budget = self.setting.steps[-1]
        if finished and self.setting.steps[generation] == budget:
            earlier = [] if self._best is None else [self._best]
            self._best = tools.selBest([*earlier, *finished], 1)[0]  # ties go to the earlier: the sort is stable
        remarks = [] if finished else [f"none of {self.setting.population} finished"]
        if generation == self.setting.generations - 1 and self._best is None:
            remarks.append(f"no individual finished {budget} steps, so the defaults are the result")
        return f"generation {generation}: {'; '.join(remarks)}" if remarks else ""

    def _tuned(self) -> Sequence[float]:
        return self.setting.mean if self._best is None else self._best


def create(*, parameters: Mapping[str, Any], **setting: Any) -> RandomSearch:
    """Create the strategy; see `tuner.strategies.create`. Its parameter is `sigmas`, one per generation."""
    return RandomSearch(Setting(sigmas=tuple(parameters["sigmas"]), **setting))
