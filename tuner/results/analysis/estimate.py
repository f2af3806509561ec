"""The mean of a few runs with its standard deviation and its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
CONFIDENCE = 0.95
MIN_RUNS = 5  # of an interval; with three, the ends of a bootstrap are the least and the greatest run
_SEED = 8  # of the resampling, so that equal numbers have equal intervals


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over runs."""

    mean: float
    spread: float  # standard deviation over the runs, with divisor n, as in the paper
    low: float | None  # end of the 95 % interval of the mean; None below MIN_RUNS runs
    high: float | None
    runs: int


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return the estimate of the mean of some finite numbers; None without any.

    The interval is that of the percentile bootstrap: the middle 95 % of the means of 10,000 samples drawn with
    replacement. With 8 runs it is a fifth narrower than Student's. Fewer than MIN_RUNS runs have none.
    """
    if not len(values):
        return None
    array = np.asarray(values, np.float64)
    if (array == array[0]).all():  # exact: NumPy may round the mean of equal numbers
        value = float(array[0])
        end = value if len(array) >= MIN_RUNS else None
        return Estimate(value, 0.0, end, end, len(array))
    with np.errstate(over="ignore"):
        mean, spread = float(array.mean()), float(array.std())
    if len(array) < MIN_RUNS:
        return Estimate(mean, spread, None, None, len(array))
    with np.errstate(over="ignore"):
        chosen = np.random.default_rng(_SEED).integers(0, len(array), (RESAMPLES, len(array)))
        low, high = np.quantile(array[chosen].mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(mean, spread, float(low), float(high), len(array))
