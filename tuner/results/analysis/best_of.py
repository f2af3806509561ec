"""The best of k of n recorded candidates: exact statistics over all subsets.

A random search with k candidates is as good as the best of them. What it can be expected to find is estimated from
the n candidates of a longer one by the mean over all C(n, k) subsets, which needs no sampling: of the values in
ascending order, the i-th is the best of C(n - i, k - 1) subsets. This mean (a U-statistic) is unbiased for independent
candidates. The usual estimate of Dodge et al. (2019) draws the k with replacement, so that a subset may have one
candidate twice; its mean is too high.

A candidate that did not finish has the value +inf. As soon as one subset has none that finished, the expectation is
infinite. A mean over the other subsets would favour what diverges often, so there is none then, and the quantiles say
what is known.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tuner.core.objective import Objective

LOW, HIGH = 0.1, 0.9
_ROUNDING = 1e-12  # of sums of probabilities


@dataclass(frozen=True, slots=True)
class BestOf:
    """Distribution of the best value over searches with one budget. A quantile is the least value that it reaches."""

    mean: float | None  # None if infinite: a search may have no candidate that finishes
    spread: float | None  # standard deviation between searches; None if infinite or unknown
    median: float  # +inf if at least half of the searches have none
    low: float | None  # 10 % quantile; None if unknown
    high: float | None  # 90 % quantile
    none_finished: float  # probability that no candidate of a search finishes

    def in_units_of(self, objective: Objective) -> BestOf:
        """Return the distribution of the objective's values for one of fitnesses, or the reverse.

        Its quantiles rise with their share.
        """
        if not objective.is_max:
            return self

        def value(fitness: float | None) -> float | None:
            return None if fitness is None else objective.value(fitness)

        return replace(
            self,
            mean=value(self.mean),
            median=objective.value(self.median),
            low=value(self.high),
            high=value(self.low),
        )


def best_of(values: Sequence[float], count: int) -> BestOf:
    """Return the distribution of the best of `count` candidates, over all subsets of the recorded ones.

    The spread is the root of the unbiased estimate of the variance, from all pairs of disjoint subsets. Spread and
    quantiles other than the median are None where two subsets cannot be disjoint, since what overlaps does not vary.

    Args:
        values: Values of n candidates; +inf for one that did not finish.
        count: Size of a subset, from 1 to n.

    Raises:
        ValueError: The count is out of range.
    """
    if not 1 <= count <= len(values):
        raise ValueError(f"the count is from 1 to {len(values)}. Received: {count}")
    ordered = sorted(values)
    chances = _chances(len(ordered), count)
    finite = np.array([value for value in ordered if math.isfinite(value)])
    disjoint = 2 * count <= len(ordered)
    mean = spread = None
    if len(ordered) - len(finite) < count:  # every subset has one that finished
        mean = float(chances[: len(finite)] @ finite)
        spread = _spread(finite, mean, count, len(ordered)) if disjoint else None
    reached = np.cumsum(chances)
    return BestOf(
        mean=mean,
        spread=spread,
        median=_quantile(ordered, reached, 0.5),
        low=_quantile(ordered, reached, LOW) if disjoint else None,
        high=_quantile(ordered, reached, HIGH) if disjoint else None,
        none_finished=float(chances[len(finite) :].sum()),
    )


def best_of_searches(values: Sequence[float]) -> BestOf:
    """Return the distribution of the best value over some searches.

    Args:
        values: Best value of each search, at least one; +inf if no candidate finished.
    """
    ordered = sorted(values)
    several = len(ordered) > 1
    finite = math.isfinite(ordered[-1])
    reached = np.arange(1, len(ordered) + 1) / len(ordered)
    return BestOf(
        mean=statistics.fmean(ordered) if finite else None,
        spread=statistics.stdev(ordered) if finite and several else None,
        median=_quantile(ordered, reached, 0.5),
        low=_quantile(ordered, reached, LOW) if several else None,
        high=_quantile(ordered, reached, HIGH) if several else None,
        none_finished=sum(not math.isfinite(value) for value in ordered) / len(ordered),
    )


def _chances(recorded: int, count: int) -> NDArray[np.float64]:
    """Return the probability that the i-th best of the recorded is the best of a random subset, [recorded]."""
    rank = np.arange(1, recorded, dtype=np.float64)
    ratios = np.maximum(recorded - rank - count + 1, 0.0) / (recorded - rank)
    return count / recorded * np.cumprod(np.concatenate([[1.0], ratios]))


def _spread(finite: NDArray[np.float64], mean: float, count: int, recorded: int) -> float:
    """Return the root of E[best²] - E[best · best of a disjoint subset]; values in ascending order, [finite]."""
    distances = finite - mean
    scale = float(np.abs(distances).max())
    if scale == 0:
        return 0.0
    distances = distances / scale  # no overflow in the squares
    chances = _chances(recorded, count)[: len(finite)]
    # Given that the better of both bests has rank i and the other rank j > i: the other subset is as in `chances`, and
    # the better one is drawn from the recorded - count that remain, in which its best still has rank i.
    remaining = np.zeros(len(finite))
    others = _chances(recorded - count, count)[: len(finite)]
    remaining[: len(others)] = others
    before = np.concatenate([[0.0], np.cumsum(remaining * distances)[:-1]])
    variance = float(chances @ distances**2 - 2 * (chances * distances) @ before)
    return scale * math.sqrt(max(0.0, variance))


def _quantile(ordered: Sequence[float], reached: NDArray[np.float64], share: float) -> float:
    """Return the least value that a share of the searches reaches; `reached` are the cumulated probabilities."""
    return ordered[min(int(np.searchsorted(reached, share - _ROUNDING)), len(ordered) - 1)]
