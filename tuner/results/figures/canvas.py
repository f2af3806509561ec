"""What figures share: paper to draw on, plain panels, and axes for losses that no outlier stretches."""

from __future__ import annotations

import contextlib
import math
import statistics
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.core.text import one_line
from tuner.results.tables.numbers import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

DOTS_PER_INCH = 150
LETTER_WIDTH = 0.0088  # inches that a letter takes on average, of a font of one point
MIN_LOG_RATIO = 10.0  # greatest / least value above which a logarithmic axis helps
MAX_START = 3.0  # times the median of the curves' greatest values: a transient that goes higher is cut
MAX_END = 30.0  # times the median of where curves end: one that ends higher is not waited for
MIN_SHARE = 1e-20  # of the top: what lies below is rounding
MAX_VALUE = 1e300  # nothing is drawn beyond: the edges of float64 leave an axis no room
MIN_TICK_RATIO = 200.0  # greatest / least value of an axis on which powers of ten are too few to read it
EDGE = 0.985  # of a panel's height, where marks of what is beyond stand


Limits = tuple[bool, float, float]  # whether an axis is logarithmic, its lower and its upper end


@contextlib.contextmanager
def matplotlib_defaults() -> Iterator[None]:
    """Set Matplotlib's default style and ours, whatever the user has configured, until the block ends."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        # 42: TrueType, so that the text of a PDF can be selected and searched.
        matplotlib.rcParams.update({"svg.hashsalt": "lodo-tune", "pdf.fonttype": 42})
        yield


def new_figure(width: float, height: float, title: str) -> Figure:
    """Return a figure of so many inches with a title, and without pyplot's state or a display."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    text, size = headline(title, width)
    figure.suptitle(text, parse_math=False, fontsize=size)
    return figure


def headline(title: str, width: float) -> tuple[str, float]:
    """Return a title in two lines at most, and the size in points in which it fits into so many inches.

    A title that is too long for the smallest size is cut; names of runs are up to 100 characters long.
    """
    lines: list[str] = []
    for size in (12.0, 10.0, 8.0):
        across = max(1, int(width / (LETTER_WIDTH * size)))
        lines = textwrap.wrap(one_line(title), across, break_on_hyphens=False)
        if len(lines) <= 2:
            return "\n".join(lines), size
    return "\n".join([lines[0], textwrap.shorten(" ".join(lines[1:]), across, placeholder=" …")]), size


@dataclass(frozen=True, slots=True)
class Spacing:
    """Of a grid of panels, in inches; fixed, since to fit it to what is drawn takes longer than all the drawing."""

    panel: tuple[float, float] = (2.3, 1.2)  # width and height
    between: tuple[float, float] = (0.72, 0.58)  # from panel to panel: ticks, and the name of what is drawn
    left: float = 0.95  # ticks, and a row's name
    right: float = 0.25
    top: float = 0.65  # the title
    bottom: float = 0.95  # ticks, and a legend


def panel_figure(
    rows: int, columns: int, title: str, spacing: Spacing, *, sharey: bool = False
) -> tuple[Figure, NDArray[np.object_]]:
    """Return a figure of many panels under a title.

    Args:
        rows: How many.
        columns: How many.
        title: Of the figure.
        spacing: Of its panels.
        sharey: Whether all panels have one vertical axis. Default False.

    Returns:
        The figure, and its panels [rows, columns].
    """
    from matplotlib.figure import Figure

    panel, between = spacing.panel, spacing.between
    across = spacing.left + columns * panel[0] + (columns - 1) * between[0] + spacing.right
    down = spacing.top + rows * panel[1] + (rows - 1) * between[1] + spacing.bottom
    figure = Figure(figsize=(across, down), dpi=DOTS_PER_INCH)
    text, size = headline(title, across)
    figure.suptitle(text, parse_math=False, fontsize=size, y=1 - 0.1 / down, va="top")
    panels: NDArray[np.object_] = figure.subplots(
        rows, columns, squeeze=False, sharey=sharey,
        gridspec_kw={
            "left": spacing.left / across, "right": 1 - spacing.right / across,
            "top": 1 - spacing.top / down, "bottom": spacing.bottom / down,
            "wspace": between[0] / panel[0], "hspace": between[1] / panel[1],
        },
    )  # fmt: skip
    return figure, panels


def hide_spines(axes: Axes) -> None:
    """Take the frame's upper and right side away."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def loss_limits(
    curves: Sequence[NDArray[np.floating]], floors: Sequence[float] = (), *, linear: bool = False
) -> Limits:
    """Choose an axis for curves that are to be compared.

    Args:
        curves: Any numbers, those that are not finite left out.
        floors: Levels that are to be seen, too.
        linear: Whether it must not be logarithmic, as for an accuracy. Default False.

    Returns:
        The axis. Neither transients (MAX_START) nor a curve that ends far above the others (MAX_END) stretch it.
    """
    finite = [kept for curve in curves if len(kept := curve[np.isfinite(curve) & (np.abs(curve) <= MAX_VALUE)])]
    if not finite:
        return False, 0.0, 1.0
    least = min([float(curve.min()) for curve in finite] + list(floors))
    tops, ends = [float(curve.max()) for curve in finite], [float(curve[-1]) for curve in finite]
    greatest, usual, end = max(tops), statistics.median(tops), statistics.median(ends)
    upper = least + MAX_START * (usual - least)
    upper = max([upper] + [one for one in ends if one - least <= MAX_END * (end - least)])
    upper = min(greatest, upper)
    if least >= 0 and upper > 0 and not linear:
        positive = [float(curve[curve > 0].min()) for curve in finite if (curve > 0).any()]
        lower = max(min([*positive, *(floor for floor in floors if floor > 0)]), upper * MIN_SHARE)
        if upper / lower >= MIN_LOG_RATIO:
            # On a long axis far is no longer far: what would at most treble its length is waited for.
            upper = max([upper] + [one for one in ends if one / upper <= (upper / lower) ** 2])
            room = 10 ** (0.05 * math.log10(upper / lower))
            return True, lower / room, upper * room
    room = 0.05 * (upper - least) or 0.05 * abs(least) or 1.0
    return False, least - room, upper + room


def apply_limits(axes: Axes, limits: Limits) -> None:
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

    if ratio < MIN_TICK_RATIO:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 2)))
    axis.set_minor_formatter(NullFormatter())


def mark_legend(figure: Figure, marks: Sequence[Line2D], columns: int) -> None:
    """Say at the foot of a grid what its marks are."""
    figure.legend(handles=marks, loc="lower center", ncols=columns, fontsize=8, frameon=False, columnspacing=1.4)


def no_minor_ticks(panels: Iterable[Axes]) -> None:
    """Leave the small ticks of vertical axes away; on dozens of panels they cost more time than all else."""
    from matplotlib.ticker import NullLocator

    for axes in panels:
        axes.yaxis.set_minor_locator(NullLocator())


def columns_of(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return the x and the y of some points."""
    return [x for x, _ in points], [y for _, y in points]


def spread_out(slot: int, population: int, width: float) -> float:
    """Return how far from its generation an individual is drawn: side by side in slot order, within this width."""
    return width * ((slot + 0.5) / population - 0.5)


def counts_axis(axes: Axes, name: str) -> None:
    """Name the horizontal axis, and write its whole numbers with commas."""
    from matplotlib.ticker import FuncFormatter

    axes.set_xlabel(name)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
