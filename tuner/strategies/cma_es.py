"""Strategy `cma-es`: DEAP's CMA-ES, with bounds, common seeds and restarts.

Each generation is drawn from N(m, s² C). Its better half moves the mean m, adapts the covariance C and the step size s
(Hansen and Ostermeier, 2001). Only ranks within a generation count, whose candidates share one seed, so generations may
differ in their budgets and in their luck. The result is the mean, which averages the noise of many candidates.

Choices beside those of DEAP:

- s begins at two thirds of the first σ of the schedule, and m at the defaults.
- A genome outside the bounds is drawn again, up to ten times, and then clamped; the clamped genome counts.
- Failures never count. If fewer than half finished, those that did fill the better half, in turn; if none did, the mean
  is kept and s is halved.
- When the largest standard deviation has fallen below a thousandth of the first one, the search begins anew at the
  mean, with a third of the first s. The result is the mean of the run whose better half had the lowest mean loss at the
  end, of those that ended with the last budget.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deap import cma
from numpy.typing import NDArray

from tuner.strategies.generational import Amending, Generational
from tuner.strategies.individuals import Individual
from tuner.strategies.setting import Setting

REDRAWS = 10
CONVERGED = 1e-3  # of the first standard deviation
START, RESTART = 2 / 3, 1 / 3  # of σ, of the first step size


class CmaEs(Amending[float], Generational):
    """CMA-ES."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        widest = max(high - low for low, high in zip(setting.lower, setting.upper, strict=True))
        self._start = START * min(setting.sigmas[0], widest)
        self._cma: Any = self._begun(setting.mean, self._start) if self._start > 0 else None  # None: nothing to vary
        self._ended: list[tuple[float, tuple[float, ...]]] = []  # mean loss and mean of runs with the last budget
        self._latest: tuple[float, tuple[float, ...]] | None = None  # of the current run

    def _begun(self, mean: Sequence[float], sigma: float) -> Any:
        population = self.setting.population
        return cma.Strategy(list(mean), sigma, lambda_=population, mu=max(1, population // 2))

    def _seeds(self, generation: int) -> tuple[int | None, tuple[int, ...] | None]:
        return generation, None

    def _draw(self, generation: int) -> NDArray[np.float64]:
        del generation
        if self._cma is None:
            return np.tile(np.array(self.setting.mean), (self.setting.population, 1))
        with self.generators.installed():
            drawn = np.array(self._cma.generate(list))
            for _ in range(REDRAWS):
                outside = ((drawn < self.setting.lower) | (drawn > self.setting.upper)).any(axis=1)
                if not outside.any():
                    break
                drawn[outside] = np.array(self._cma.generate(list))[outside]
        return drawn

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        population = self.setting.population
        if self._cma is None:
            return "" if finished else f"generation {generation}: none of {population} finished"
        if not finished:
            self._cma.sigma /= 2
            return f"generation {generation}: none of {population} finished; its mean is kept"
        ordered = sorted(finished, key=lambda individual: individual.loss)
        better = [ordered[at % len(ordered)] for at in range(self._cma.mu)]
        # DEAP sorts what it is given, best first, and only uses the better half.
        self._cma.update([Individual(one, float(rank)) for rank, one in enumerate(better)])
        if self.setting.steps[generation] == self.setting.steps[-1]:
            self._latest = statistics.mean(one.loss for one in better), self._mean()
        if self._cma.sigma * self._cma.diagD.max() < CONVERGED * self._start:
            self._ended += [self._latest] if self._latest is not None else []
            self._latest = None
            self._cma = self._begun(self._mean(), RESTART * self._start)
        return ""

    def _mean(self) -> tuple[float, ...]:
        inside = np.clip(self._cma.centroid, self.setting.lower, self.setting.upper)
        return tuple(inside.tolist())

    def _tuned(self) -> Sequence[float]:
        if self._cma is None:
            return self.setting.mean
        ended = [*self._ended, *([self._latest] if self._latest is not None else [])]
        return min(ended)[1] if ended else self._mean()


def create(*, parameters: Mapping[str, Any], **setting: Any) -> CmaEs:
    """Create the strategy; see `tuner.strategies.create`.

    Its parameters are `sigmas`, one per generation, of which the first sets the first step size.
    """
    return CmaEs(Setting(sigmas=tuple(parameters["sigmas"]), **setting))
