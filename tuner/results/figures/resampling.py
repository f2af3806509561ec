"""Mean and standard deviation of curves of several seeds at common points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.core.study import Series

MAX_WINDOWS = 200  # points per line, so that the trend is visible in the noise of single losses

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Mean and standard deviation (divisor n) over seeds; each array is [points]."""

    at: Numbers
    mean: Numbers
    spread: Numbers
    least: Numbers  # minimum over the seeds


def band(at: Numbers, curves: Sequence[Numbers]) -> Band:
    """Return the band of curves on the same points.

    Args:
        at: The points [points].
        curves: At least one curve [points], one per seed. The band is not finite where one of them is not.
    """
    stacked = np.stack(curves)  # [seeds, points]
    with np.errstate(over="ignore", invalid="ignore"):
        return Band(at, stacked.mean(axis=0), stacked.std(axis=0), stacked.min(axis=0))


def window_of(length: int, width: int | None = None) -> int:
    """Return the gradient evaluations of a window: those that are asked for, or a MAX_WINDOWS-th of a curve.

    Args:
        length: Gradient evaluations of the curve.
        width: How many are asked for. Default: a MAX_WINDOWS-th of the curve.
    """
    return min(width or max(1, math.ceil(length / MAX_WINDOWS)), length)


def by_steps(curves: Sequence[NDArray[np.floating]], width: int | None = None) -> Band:
    """Return the band of losses per gradient evaluation, in windows of equal width, about.

    Args:
        curves: At least one curve, one per seed, all of the same length.
        width: Gradient evaluations of a window, about. Default: as many as make at most MAX_WINDOWS windows.
    """
    length = len(curves[0])
    count = min(MAX_WINDOWS, length) if width is None else max(1, round(length / width))
    edges = np.linspace(0, length, min(count, length) + 1).astype(int)
    widths = np.diff(edges)
    with np.errstate(over="ignore", invalid="ignore"):
        means = [np.add.reduceat(np.asarray(curve, np.float64), edges[:-1]) / widths for curve in curves]
    return band((edges[:-1] + edges[1:] - 1) / 2, means)


def by_time(marks: Sequence[Series], budget: float | None) -> Band | None:
    """Return the band of losses by seconds of training, up to the end of the shortest run.

    Args:
        marks: Observations "training" of each run; each has the mean loss since the previous one.
        budget: Seconds at which the band ends at the latest. None: no limit.

    Returns:
        None if a run has no seconds of its own, as in a cohort.
    """
    if not marks or any(not np.isfinite(one.seconds).all() or one.seconds[-1] <= 0 for one in marks):
        return None
    end = min(float(one.seconds[-1]) for one in marks)
    end = end if budget is None else min(end, budget)
    windows = min(MAX_WINDOWS, *(max(1, int(np.sum(one.seconds <= end))) for one in marks))
    edges = np.linspace(0.0, end, windows + 1)
    return band((edges[:-1] + edges[1:]) / 2, [_means(one, edges) for one in marks])


def _means(marks: Series, edges: Numbers) -> Numbers:
    """Return the mean loss between edges, with evaluations evenly distributed in time between two marks."""
    seconds, evaluations = (np.concatenate([[0.0], clock]) for clock in (marks.seconds, marks.evaluations))
    cuts = np.union1d(edges, seconds[seconds < edges[-1]])  # between two cuts the loss is that of one mark
    middles = (cuts[:-1] + cuts[1:]) / 2
    weights = np.diff(np.interp(cuts, seconds, evaluations))
    losses = marks.metrics["loss"][np.searchsorted(marks.seconds, middles)]
    windows = np.searchsorted(edges, middles) - 1
    with np.errstate(over="ignore", invalid="ignore"):
        return np.bincount(windows, weights * losses) / np.bincount(windows, weights)


def observed(series: Sequence[Series], metric: str, clock: str = "evaluations") -> Band | None:
    """Return the band of a metric that was measured during training, up to the end of the shortest run.

    Args:
        series: Observations of each run.
        metric: Name of the metric.
        clock: "evaluations" or "seconds". A point is at the mean of the runs' seconds.

    Returns:
        None if a run lacks the metric, or has no seconds of its own.
    """
    if not series or any(metric not in one.metrics for one in series):
        return None
    length = min(len(one.evaluations) for one in series)
    at = np.mean([getattr(one, clock)[:length] for one in series], axis=0)
    if not np.isfinite(at).all():
        return None
    return _thinned(band(at, [one.metrics[metric][:length] for one in series]))


def _thinned(full: Band) -> Band:
    """Return at most MAX_WINDOWS points of a band, including the first and the last."""
    if len(full.at) <= MAX_WINDOWS:
        return full
    kept = np.unique(np.linspace(0, len(full.at) - 1, MAX_WINDOWS).round().astype(int))
    return Band(full.at[kept], full.mean[kept], full.spread[kept], full.least[kept])
