"""Numbers by gradient evaluations taken, a column a seed; of many seeds their mean, least and greatest."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from tuner.results.tables.numbers import NOTHING, measured
from tuner.results.tables.text_table import TextTable

MAX_COLUMNS = 8  # of seeds side by side


def by_seed(points: Sequence[Sequence[int]], values: Sequence[Sequence[float]], seeds: Sequence[int]) -> TextTable:
    """Return a table of what was measured at some points of several runs.

    Args:
        points: Of each run, the evaluations taken before each measurement; a run that ended early has fewer.
        values: Of each run, what was measured at its points.
        seeds: Of the runs.
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
    """Return the cells of a row that stands for many seeds: mean, least, greatest, and how many there are."""
    if not values:
        return [NOTHING, NOTHING, NOTHING, "0"]
    return [*map(measured, (statistics.fmean(values), min(values), max(values))), str(len(values))]
