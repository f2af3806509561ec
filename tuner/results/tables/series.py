"""Measurements of several runs by gradient evaluations.

One column per seed, or statistics of many seeds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from tuner.results.tables.numbers import NOTHING, measured
from tuner.results.tables.text_table import TextTable

MAX_COLUMNS = 8  # seeds side by side; of more, statistics


def by_seed(points: Sequence[Sequence[int]], values: Sequence[Sequence[float]], seeds: Sequence[int]) -> TextTable:
    """Return a table of measurements of several runs.

    Args:
        points: Per run, the evaluations before each measurement; a run that ended early has fewer.
        values: Per run, the measurements.
        seeds: One per run.
    """
    longest = max(points, key=len)
    rows = [[run[row] if row < len(run) else math.nan for run in values] for row in range(len(longest))]
    if len(seeds) <= MAX_COLUMNS:
        header = [f"seed {seed}" for seed in seeds]
        cells = [[measured(finite_or_none(value)) for value in row] for row in rows]
    else:
        header = ["mean", "least", "greatest", "of seeds"]
        cells = [_spread([value for value in row if math.isfinite(value)]) for row in rows]
    return TextTable(
        ["evaluations", *header], [[f"{point:,}", *row] for point, row in zip(longest, cells, strict=True)], left=()
    )


def finite_or_none(value: float) -> float | None:
    """Return a number for JSON: None where it is not finite."""
    return value if math.isfinite(value) else None


def _spread(values: Sequence[float]) -> list[str]:
    """Return the cells of statistics of many seeds: mean, least, greatest, and their number."""
    if not values:
        return [NOTHING, NOTHING, NOTHING, "0"]
    return [*map(measured, (statistics.fmean(values), min(values), max(values))), str(len(values))]
