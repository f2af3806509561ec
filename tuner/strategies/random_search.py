"""Strategy `random`: quasi-random search, the baseline of every other strategy.

The individuals of all generations are successive points of a scrambled Sobol sequence, transformed to
N(defaults, σ_0² I) within the bounds. Losses after different budgets are not comparable, so the result is the best
individual of the generations that have the last generation's budget; these share one seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deap import tools
from numpy.typing import NDArray

from tuner.strategies.generational import Generational
from tuner.strategies.individuals import Individual, gaussian_mutants
from tuner.strategies.schedule import SOBOL
from tuner.strategies.setting import Setting
from tuner.strategies.sobol import Sobol, normal_points


class RandomSearch(Generational):
    """Random search.

    Args:
        setting: Its setting.
        is_sobol: Whether the draws are quasi-random; studies of earlier versions have independent draws and seeds.
    """

    def __init__(self, setting: Setting, *, is_sobol: bool = True) -> None:
        super().__init__(setting)
        self._sobol = Sobol(len(setting.mean), setting.seed) if is_sobol else None
        self._best: Individual | None = None  # of the generations with the last budget

    def _seeds(self, generation: int) -> tuple[int | None, tuple[int, ...] | None]:
        # One block per budget: all that are compared have one seed.
        return (None if self._sobol is None else self.setting.steps[generation]), None

    def _draw(self, generation: int) -> NDArray[np.float64]:
        setting = self.setting
        if self._sobol is None:
            return gaussian_mutants(self.generators, setting.mean, setting.sigmas[0], setting.population)
        return normal_points(
            self._sobol,
            setting.population,
            setting.mean,
            setting.sigmas[0],
            setting.lower,
            setting.upper,
            setting.levels,
        )

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
    """Create the strategy; see `tuner.strategies.create`.

    Its parameters are `sigmas`, one per generation, and `draws`, "sobol"; without it, draws are independent.
    """
    draws = parameters.get("draws")
    return RandomSearch(Setting(sigmas=tuple(parameters["sigmas"]), **setting), is_sobol=draws == SOBOL)
