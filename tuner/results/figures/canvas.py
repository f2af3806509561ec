"""Common parts of figures: settings, panels, legends and axes.

Axes of losses ignore outliers.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.matplotlib_import import import_matplotlib
from tuner.core.text import one_line
from tuner.results.figures.look import DEFAULT_LOOK, MAX_STRETCH, NARROW, Look
from tuner.results.tables.numbers import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

DOTS_PER_INCH = 150
LEGEND_SIZE = 8.0  # points
LEGEND_HANDLE = 0.55  # inches of a mark with the spaces around it
LEGEND_ROW = 0.18  # inches
LETTER_WIDTH = 0.0088  # inches per point of font size, of an average letter
MIN_LOG_RATIO = 10.0  # greatest / least value from which an axis is logarithmic
MAX_START = 3.0  # times the median of the curves' maxima; higher transients are cut off
MAX_END = 30.0  # times the median of the curves' ends; the axis does not include curves with higher ends
MAX_BEGINNING = 0.1  # share of the points of a curve that an axis may leave out
MIN_SQUEEZE = 2.0  # factor by which the beginning must lengthen an axis to be left out
MIN_SHARE = 1e-20  # of the axis' upper limit; smaller values are rounding errors
MAX_VALUE = 1e300  # larger values are not drawn: an axis cannot extend beyond float64
MIN_PANEL = 0.95  # inches; a narrower panel has no room for the numbers of its axis
NARROW_LINE = 36  # characters of a line of a label below a narrow figure
MIN_ROOM = 1.01  # factor beyond the values of a logarithmic axis
NARROW_ROOM = 1.6  # the same of values that are nearly equal, so that the labels of ticks differ
MIN_TICK_RATIO = 200.0  # greatest / least value of an axis above which powers of ten are enough ticks
_NARROW: dict[Any, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.titlesize": 8.5,
}
EDGE = 0.985  # share of a panel's height at which marks of values beyond the axis are drawn


Limits = tuple[bool, float, float]  # whether an axis is logarithmic, its lower and its upper end


@contextlib.contextmanager
def matplotlib_defaults(look: Look = DEFAULT_LOOK) -> Iterator[None]:
    """Return a context with Matplotlib's default style and a few settings, whatever the user has configured.

    Args:
        look: What the user asks for; its style comes last. Default: nothing.
    """
    import_matplotlib()
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # Letters that no font has are replaced in the end (`saving.py`), but are measured before.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        matplotlib.rcdefaults()
        # 42: TrueType, so that the text of a PDF can be selected and searched.
        matplotlib.rcParams.update({"svg.hashsalt": "lodo-tune", "pdf.fonttype": 42, "ps.fonttype": 42})
        if look.is_narrow:
            matplotlib.rcParams.update(_NARROW)
        matplotlib.rcParams.update(dict[Any, Any](look.style))
        yield


def new_figure(width: float, height: float, title: str, look: Look = DEFAULT_LOOK) -> Figure:
    """Return a figure with a title, without the state of pyplot and without a display; sizes are in inches.

    Args:
        width: Its own width.
        height: Its own height.
        title: Its title.
        look: What the user asks for. Default: nothing.
    """
    from matplotlib.figure import Figure

    size = look.size(width, height)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    text, letters = headline(title, size[0], look)
    figure.suptitle(text, parse_math=False, fontsize=letters)
    return figure


def headline(title: str, width: float, look: Look = DEFAULT_LOOK) -> tuple[str, float]:
    """Return a title in at most two lines, and the font size with which it fits a width in inches.

    A title that is too long for the smallest size is cut: names of runs have up to 100 characters.
    """
    lines: list[str] = []
    for size in (9.0, 8.0) if look.is_narrow else (12.0, 10.0, 8.0):
        characters = max(1, int(width / (LETTER_WIDTH * size)))
        lines = textwrap.wrap(one_line(title), characters, break_on_hyphens=False)
        if len(lines) <= 2:
            return "\n".join(lines), size
    return "\n".join([lines[0], textwrap.shorten(" ".join(lines[1:]), characters, placeholder=" …")]), size


@dataclass(frozen=True, slots=True)
class Spacing:
    """Spacing of panels in inches. It is fixed, since fitting a layout to the content takes longer than drawing."""

    panel: tuple[float, float] = (2.3, 1.2)  # width and height
    between: tuple[float, float] = (0.72, 0.58)  # horizontally and vertically, for ticks and labels
    left: float = 0.95  # for ticks and the name of a row
    right: float = 0.25
    top: float = 0.65  # for the title
    bottom: float = 0.95  # for ticks and a legend

    def fitting(self, look: Look) -> Spacing:
        """Return the same with less room beside the panels where a figure is narrow."""
        if not look.is_narrow:
            return self
        between = (min(self.between[0], 0.45), self.between[1])
        return replace(self, between=between, left=min(self.left, 0.75), right=min(self.right, 0.12))


def columns_that_fit(wanted: int, spacing: Spacing, look: Look, least: float = MIN_PANEL) -> int:
    """Return how many panels are side by side in a figure whose width is given; otherwise as many as are wanted.

    Args:
        wanted: How many are wanted.
        spacing: Spacing of the panels.
        look: What the user asks for.
        least: Least width of a panel in inches. Default: MIN_PANEL.
    """
    if look.width is None:
        return wanted
    own = spacing.fitting(look)
    room = look.width - own.left - own.right + own.between[0]
    return max(1, min(wanted, int(room / (min(own.panel[0], least) + own.between[0]))))


def wrapped(label: str, look: Look) -> str:
    """Return the label of an axis, on several lines where the figure is narrow."""
    return textwrap.fill(label, NARROW_LINE) if look.is_narrow else label


def panel_figure(
    rows: int,
    columns: int,
    title: str,
    spacing: Spacing,
    *,
    sharey: bool = False,
    look: Look = DEFAULT_LOOK,
) -> tuple[Figure, NDArray[np.object_]]:
    """Return a figure with a grid of panels.

    Args:
        rows: Number of rows.
        columns: Number of columns.
        title: Title of the figure.
        spacing: Spacing of the panels.
        sharey: Whether all panels share one vertical axis. Default False.
        look: What the user asks for; the panels share a given width. Default: nothing.

    Returns:
        The figure, and its panels [rows, columns].
    """
    from matplotlib.figure import Figure

    spacing = spacing.fitting(look)
    panel, between = spacing.panel, spacing.between
    natural = spacing.left + columns * panel[0] + (columns - 1) * between[0] + spacing.right
    width = natural if look.width is None else look.width
    own = panel[0] + (width - natural) / columns
    share = own / panel[0]
    panel = (own, panel[1] * (max(share, 0.7) if share < 1 else min(share, MAX_STRETCH)))
    height = spacing.top + rows * panel[1] + (rows - 1) * between[1] + spacing.bottom
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    text, size = headline(title, width, look)
    figure.suptitle(text, parse_math=False, fontsize=size, y=1 - 0.1 / height, va="top")
    panels: NDArray[np.object_] = figure.subplots(
        rows, columns, squeeze=False, sharey=sharey,
        gridspec_kw={
            "left": spacing.left / width, "right": 1 - spacing.right / width,
            "top": 1 - spacing.top / height, "bottom": spacing.bottom / height,
            "wspace": between[0] / panel[0], "hspace": between[1] / panel[1],
        },
    )  # fmt: skip
    return figure, panels


def hide_spines(axes: Axes) -> None:
    """Hide the upper and the right side of a panel's frame."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def loss_limits(
    curves: Sequence[NDArray[np.floating]], floors: Sequence[float] = (), *, linear: bool = False, log: bool = False
) -> Limits:
    """Return the limits of an axis for several curves.

    Transients (MAX_START) and curves that end far above the others (MAX_END) are ignored.

    Args:
        curves: Values of each curve; those that are not finite are ignored.
        floors: Levels that the axis includes. Default: none.
        linear: Whether the axis must be linear, as for an accuracy. Default False.
        log: Whether the axis is logarithmic whatever the range; values that are not positive are then below it. It has
            no effect on a linear axis, and without positive values. Default False.
    """
    finite = [values for curve in curves if len(values := curve[np.isfinite(curve) & (np.abs(curve) <= MAX_VALUE)])]
    if not finite:
        return False, 0.0, 1.0
    least = min([float(curve.min()) for curve in finite] + list(floors))
    maxima, ends = [float(curve.max()) for curve in finite], [float(curve[-1]) for curve in finite]
    greatest, median, end = max(maxima), statistics.median(maxima), statistics.median(ends)
    upper = least + MAX_START * (median - least)
    upper = max([upper] + [value for value in ends if value - least <= MAX_END * (end - least)])
    upper = min(greatest, upper)
    if (least >= 0 or log) and upper > 0 and not linear:
        positive = [float(curve[curve > 0].min()) for curve in finite if (curve > 0).any()]
        lower = max(min([*positive, *(floor for floor in floors if floor > 0)]), upper * MIN_SHARE)
        if upper / lower >= MIN_LOG_RATIO or log:
            # A logarithmic axis includes the end of a curve that at most trebles its length.
            upper = max([upper] + [value for value in ends if value / upper <= (upper / lower) ** 2])
            least_room = MIN_ROOM if upper / lower > NARROW_ROOM else NARROW_ROOM
            room = max(10 ** (0.05 * math.log10(upper / lower)), least_room)
            return True, lower / room, upper * room
    room = 0.05 * (upper - least) or 0.05 * abs(least) or 1.0
    return False, least - room, upper + room


def settled_limits(
    curves: Sequence[NDArray[np.floating]], floors: Sequence[float] = (), *, linear: bool = False, log: bool = False
) -> Limits:
    """Return the limits of `loss_limits`, without the beginning of the curves where that would flatten all the rest.

    The beginning is the first MAX_BEGINNING of the points, at least the first one. It is kept on a logarithmic axis.

    Args:
        curves: Values of each curve.
        floors: Levels that the axis includes. Default: none.
        linear: Whether the axis must be linear, as for an accuracy. Default False.
        log: Whether it must be logarithmic. Default False.
    """
    whole = loss_limits(curves, floors, linear=linear, log=log)
    later = [curve[max(1, int(MAX_BEGINNING * len(curve))) :] for curve in curves]
    later = [curve for curve in later if len(curve) > 1 and np.isfinite(curve).any()]
    if whole[0] or not later:
        return whole
    settled = loss_limits(later, floors, linear=linear, log=log)
    is_flattened = whole[2] - whole[1] > MIN_SQUEEZE * (settled[2] - settled[1])
    return settled if is_flattened else whole


def apply_limits(axes: Axes, limits: Limits) -> None:
    """Set the vertical axis of a panel to limits of `loss_limits`."""
    logarithmic, lower, upper = limits
    if logarithmic:
        axes.set_yscale("log")
        round_ticks(axes.yaxis, upper / lower)
    axes.set_ylim(lower, upper)


def round_ticks(axis: Axis, ratio: float) -> None:
    """Set ticks of a logarithmic axis at powers of ten, or on a short axis at 1, 2 and 5 times these.

    Args:
        axis: An axis with a logarithmic scale.
        ratio: Upper limit / lower limit.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if ratio < MIN_TICK_RATIO:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 2)))
    axis.set_minor_formatter(NullFormatter())


def mark_legend(figure: Figure, marks: Sequence[Line2D], columns: int) -> None:
    """Draw a legend of marks below the panels, in fewer columns and on a higher sheet where the figure is narrow.

    Args:
        figure: A figure of `panel_figure`, whose spacing has room for the marks in this number of columns.
        marks: The marks with their labels.
        columns: Number of columns.
    """
    labels = [len(str(mark.get_label())) for mark in marks]
    fitting = next(
        (number for number in range(columns, 1, -1) if _legend_width(labels, number) < figure.get_figwidth()), 1
    )
    if fitting < columns:
        rows = math.ceil(len(marks) / fitting) - math.ceil(len(marks) / columns)
        _raise_bottom(figure, rows * LEGEND_ROW)
        columns = fitting
    legend = figure.legend(
        handles=marks, loc="lower center", ncols=columns, fontsize=LEGEND_SIZE, frameon=False, columnspacing=1.4
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _legend_width(labels: Sequence[int], columns: int) -> float:
    """Return about the width of a legend in inches, whose labels have these numbers of characters, column by column."""
    widest = [int(column.max()) for column in np.array_split(np.array(labels), columns) if len(column)]
    return sum(LETTER_WIDTH * LEGEND_SIZE * characters + LEGEND_HANDLE for characters in widest)


def _raise_bottom(figure: Figure, inches: float) -> None:
    """Make a figure of `panel_figure` higher, with the new room below its panels."""
    height = figure.get_figheight()
    higher = height + inches
    grid: Any = next(
        subplots.get_gridspec() for axes in figure.axes if (subplots := axes.get_subplotspec()) is not None
    )
    sides = grid.get_subplot_params(figure)
    figure.set_figheight(higher)
    top, bottom = higher - (1 - sides.top) * height, sides.bottom * height + inches
    grid.update(top=top / higher, bottom=bottom / higher)
    for axes in figure.axes:
        if (place := axes.get_subplotspec()) is not None:
            axes.set_position(place.get_position(figure))
    if figure._suptitle is not None:  # type: ignore[attr-defined]
        figure._suptitle.set_y(1 - 0.1 / higher)  # type: ignore[attr-defined]


def no_minor_ticks(panels: Iterable[Axes]) -> None:
    """Hide the minor ticks of vertical axes, which take most of the time with dozens of panels."""
    from matplotlib.ticker import NullLocator

    for axes in panels:
        axes.yaxis.set_minor_locator(NullLocator())


def columns_of(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return the x and the y coordinates of some points."""
    return [x for x, _ in points], [y for _, y in points]


def spread_out(slot: int, population: int, width: float) -> float:
    """Return the horizontal offset of an individual from its generation, by its slot, within a width."""
    return width * ((slot + 0.5) / population - 0.5)


def counts_axis(axes: Axes, name: str) -> None:
    """Label the horizontal axis, and write its whole numbers with commas."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlabel(name)
    figure = axes.get_figure(root=True)
    if figure is not None and figure.get_figwidth() < NARROW:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
