"""What figures share: paper to draw on, plain panels, and axes for losses that no outlier stretches."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.results.numerals import number, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150
LOG_FROM = 10.0  # greatest / least value above which a logarithmic axis helps
START = 3.0  # times the median of the curves' greatest values: a transient that goes higher is cut
BEYOND = 30.0  # times the median of where curves end: one that ends higher is not waited for
DEPTH = 1e-20  # of the top: what lies below is rounding
LIMIT = 1e300  # nothing is drawn beyond: the edges of float64 leave an axis no room
SHORT = 200.0  # greatest / least value of an axis on which powers of ten are too few to read it
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
        Whether it is logarithmic, and its limits. Neither transients (START) nor a curve that ends far above the others
        (BEYOND) stretch it.
    """
    finite = [kept for curve in curves if len(kept := curve[np.isfinite(curve) & (np.abs(curve) <= LIMIT)])]
    if not finite:
        return False, 0.0, 1.0
    least = min([float(curve.min()) for curve in finite] + list(floors))
    tops, ends = [float(curve.max()) for curve in finite], [float(curve[-1]) for curve in finite]
    greatest, usual, end = max(tops), statistics.median(tops), statistics.median(ends)
    upper = least + START * (usual - least)
    upper = max([upper] + [one for one in ends if one - least <= BEYOND * (end - least)])
    upper = min(greatest, upper)
    if least >= 0 and upper > 0:
        positive = [float(curve[curve > 0].min()) for curve in finite if (curve > 0).any()]
        lower = max(min([*positive, *(floor for floor in floors if floor > 0)]), upper * DEPTH)
        if upper / lower >= LOG_FROM:
            # On a long axis far is no longer far: what would at most treble its length is waited for.
            upper = max([upper] + [one for one in ends if one / upper <= (upper / lower) ** 2])
            room = 10 ** (0.05 * math.log10(upper / lower))
            return True, lower / room, upper * room
    room = 0.05 * (upper - least) or 0.05 * abs(least) or 1.0
    return False, least - room, upper + room


def apply(axes: Axes, limits: tuple[bool, float, float]) -> None:
    """Give a panel the vertical axis that `loss_limits` chose."""
    logarithmic, lower, upper = limits
    if logarithmic:
        axes.set_yscale("log")
        round_ticks(axes.yaxis, upper / lower)
    axes.set_ylim(lower, upper)


def round_ticks(axis: Axis, ratio: float) -> None:
    """Name few round values of a logarithmic axis: powers of ten, or 1, 2 and 5 times one where it is short.

    Args:
        axis: Has a logarithmic scale already.
        ratio: Its upper limit over its lower one.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if ratio < SHORT:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 2)))
    axis.set_minor_formatter(NullFormatter())


def counts_axis(axes: Axes, name: str) -> None:
    """Name the horizontal axis, and write its whole numbers with commas."""
    from matplotlib.ticker import FuncFormatter

    axes.set_xlabel(name)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
