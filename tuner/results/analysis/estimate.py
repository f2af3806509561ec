"""The mean of a few runs, with its spread and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
CONFIDENCE = 0.95
_SEED = 8  # of the resamples: the same numbers have the same interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over runs."""

    mean: float
    spread: float  # standard deviation over the runs, with divisor n, as in the paper
    low: float | None  # of the 95 % interval of the mean; None of a single run
    high: float | None
    runs: int


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return the mean of some finite numbers; None where there is none.

    The interval is the percentile bootstrap's: of the means of 10,000 samples drawn from these numbers with
    replacement, the middle 95 %. With 8 runs it is a fifth narrower than Student's.
    """
    if not len(values):
        return None
    array = np.asarray(values, np.float64)
    if (array == array[0]).all():  # exactly: a mean of equal numbers may be rounded, and then it has a spread
        one = float(array[0])
        return Estimate(one, 0.0, one if len(array) > 1 else None, one if len(array) > 1 else None, len(array))
    with np.errstate(over="ignore"):
        mean, spread = float(array.mean()), float(array.std())
        chosen = np.random.default_rng(_SEED).integers(0, len(array), (RESAMPLES, len(array)))
        low, high = np.quantile(array[chosen].mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(mean, spread, float(low), float(high), len(array))
