"""Table of measurements by gradient evaluations, by seed or as statistics."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from tuner.core.numbers import finite_or_none
from tuner.results.tables.numbers import NOTHING, measured
from tuner.results.tables.text_table import TextTable

MAX_COLUMNS = 8  # one per seed; for more seeds the table has statistics


def by_seed(points: Sequence[Sequence[int]], values: Sequence[Sequence[float]], seeds: Sequence[int]) -> TextTable:
    """Return a table of measurements of several runs.

    Args:
        points: Gradient evaluations before each measurement, per run; a run that ended early has fewer.
        values: Measurements, per run.
        seeds: Seed of each run.
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


def _spread(values: Sequence[float]) -> list[str]:
    """Return the cells of statistics of many seeds: mean, least, greatest, and their number."""
    if not values:
        return [NOTHING, NOTHING, NOTHING, "0"]
    return [*map(measured, (statistics.fmean(values), min(values), max(values))), str(len(values))]
