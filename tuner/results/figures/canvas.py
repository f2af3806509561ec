"""What figures share: paper to draw on, plain panels, and axes for losses that no outlier stretches."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.results.numerals import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150
LOG_FROM = 10.0  # greatest / least value above which a logarithmic axis helps
BEYOND = 30.0  # times the median of the curves' greatest values: what lies above is marked on the edge
DEPTH = 1e-20  # of the top: what lies below is rounding
LIMIT = 1e300  # nothing is drawn beyond: the edges of float64 leave an axis no room
EDGE = 0.985  # of a panel's height, where marks of what is beyond stand


def sheet(width: float, height: float, title: str) -> Figure:
    """Return a figure of so many inches with a title, and without pyplot's state or a display."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    figure.suptitle(one_line(title), parse_math=False)
    return figure


def plain(axes: Axes) -> None:
    """Take the frame's upper and right side away."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def loss_limits(curves: Sequence[NDArray[np.floating]], floors: Iterable[float] = ()) -> tuple[bool, float, float]:
    """Choose an axis for curves that are to be compared.

    Args:
        curves: Any numbers, those that are not finite left out.
        floors: Levels that are to be seen, too.

    Returns:
        Whether it is logarithmic, and its limits. Curves that are not empty, but far above the others (BEYOND), do not
        stretch it.
    """
    finite = [kept for curve in curves if len(kept := curve[np.isfinite(curve) & (np.abs(curve) <= LIMIT)])]
    if not finite:
        return False, 0.0, 1.0
    least = min([float(curve.min()) for curve in finite] + list(floors))
    tops = [float(curve.max()) for curve in finite]
    greatest, usual = max(tops), statistics.median(tops)
    if least >= 0 and usual > 0:
        upper = min(greatest, BEYOND * usual)
        positive = min(float(curve[curve > 0].min()) for curve in finite if (curve > 0).any())
        lower = max(min([positive, *(floor for floor in floors if floor > 0)]), upper * DEPTH)
        if upper / lower >= LOG_FROM:
            room = 10 ** (0.05 * math.log10(upper / lower))
            return True, lower / room, upper * room
    upper = min(greatest, usual + BEYOND * max(usual - least, 0.0)) if usual > least else greatest
    room = 0.05 * (upper - least) or 0.05 * abs(least) or 1.0
    return False, least - room, upper + room


def apply(axes: Axes, limits: tuple[bool, float, float]) -> None:
    """Give a panel the vertical axis that `loss_limits` chose."""
    logarithmic, lower, upper = limits
    if logarithmic:
        axes.set_yscale("log")
    axes.set_ylim(lower, upper)


def counts_axis(axes: Axes, name: str) -> None:
    """Name the horizontal axis, and write its whole numbers with commas."""
    from matplotlib.ticker import FuncFormatter

    axes.set_xlabel(name)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
