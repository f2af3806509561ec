"""Common parts of figures: settings, panels, legends and axes.

Axes for losses ignore outliers.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.core.matplotlib_import import import_matplotlib
from tuner.core.text import one_line
from tuner.results.tables.numbers import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

DOTS_PER_INCH = 150
LETTER_WIDTH = 0.0088  # inches, of an average letter per point of font size
MIN_LOG_RATIO = 10.0  # greatest / least value above which a logarithmic axis helps
MAX_START = 3.0  # times the median of the curves' maxima; transients above it are cut off
MAX_END = 30.0  # times the median of the curves' ends; the axis does not extend to a curve that ends above it
MIN_SHARE = 1e-20  # of the upper limit; smaller values are rounding errors
MAX_VALUE = 1e300  # larger values are not drawn: an axis cannot extend beyond float64
MIN_TICK_RATIO = 200.0  # greatest / least value of an axis above which powers of ten are enough ticks
EDGE = 0.985  # of a panel's height, where marks of values beyond the axis are drawn


Limits = tuple[bool, float, float]  # whether an axis is logarithmic, its lower and its upper end


@contextlib.contextmanager
def matplotlib_defaults() -> Iterator[None]:
    """Set Matplotlib's default style and ours, whatever the user has configured, until the block ends."""
    import_matplotlib()
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name may have letters that the font lacks, which is drawn as boxes; the table has the name.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        matplotlib.rcdefaults()
        # 42: TrueType, so that the text of a PDF can be selected and searched.
        matplotlib.rcParams.update({"svg.hashsalt": "lodo-tune", "pdf.fonttype": 42})
        yield


def new_figure(width: float, height: float, title: str) -> Figure:
    """Return a figure with a title; size in inches. It uses neither the state of pyplot nor a display."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    text, size = headline(title, width)
    figure.suptitle(text, parse_math=False, fontsize=size)
    return figure


def headline(title: str, width: float) -> tuple[str, float]:
    """Return a title in at most two lines, and the font size with which it fits a width in inches.

    A title that is too long for the smallest size is cut: names of runs have up to 100 characters.
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
    """Spacing of panels, in inches; fixed, since a layout fitted to the content takes longer than the drawing."""

    panel: tuple[float, float] = (2.3, 1.2)  # width and height
    between: tuple[float, float] = (0.72, 0.58)  # from panel to panel: ticks and labels
    left: float = 0.95  # ticks and a row's name
    right: float = 0.25
    top: float = 0.65  # the title
    bottom: float = 0.95  # ticks and a legend


def panel_figure(
    rows: int, columns: int, title: str, spacing: Spacing, *, sharey: bool = False
) -> tuple[Figure, NDArray[np.object_]]:
    """Return a figure with a grid of panels.

    Args:
        rows: Number of rows.
        columns: Number of columns.
        title: Title of the figure.
        spacing: Spacing of the panels.
        sharey: Whether all panels share one vertical axis. Default False.

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
    """Hide the upper and the right side of a panel's frame."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def loss_limits(
    curves: Sequence[NDArray[np.floating]], floors: Sequence[float] = (), *, linear: bool = False
) -> Limits:
    """Return an axis for several curves.

    Args:
        curves: Any numbers; those that are not finite are ignored.
        floors: Levels that the axis includes.
        linear: Whether the axis must be linear, as for an accuracy. Default False.

    Returns:
        The axis, which ignores transients (MAX_START) and curves that end far above the others (MAX_END).
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
            # A logarithmic axis extends to a curve that at most trebles its length.
            upper = max([upper] + [one for one in ends if one / upper <= (upper / lower) ** 2])
            room = 10 ** (0.05 * math.log10(upper / lower))
            return True, lower / room, upper * room
    room = 0.05 * (upper - least) or 0.05 * abs(least) or 1.0
    return False, least - room, upper + room


def apply_limits(axes: Axes, limits: Limits) -> None:
    """Set the vertical axis of a panel as `loss_limits` returns it."""
    logarithmic, lower, upper = limits
    if logarithmic:
        axes.set_yscale("log")
        round_ticks(axes.yaxis, upper / lower)
    axes.set_ylim(lower, upper)


def round_ticks(axis: Axis, ratio: float) -> None:
    """Set ticks of a logarithmic axis at powers of ten, or on a short axis at 1, 2 and 5 times these.

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
    """Draw a legend of marks below the panels."""
    figure.legend(handles=marks, loc="lower center", ncols=columns, fontsize=8, frameon=False, columnspacing=1.4)


def no_minor_ticks(panels: Iterable[Axes]) -> None:
    """Hide the minor ticks of vertical axes; on dozens of panels they take most of the time."""
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
    """Label the horizontal axis, and write its whole numbers with commas."""
    from matplotlib.ticker import FuncFormatter

    axes.set_xlabel(name)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
