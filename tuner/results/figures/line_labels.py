"""Names of lines at their right ends, none on top of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.results.figures.styles import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE, NARROW_SIZE = 8.5, 7.0  # points
GAP = 1.25  # height of a line of text, in font sizes
SAMPLE = (1.015, 1.075)  # where the sample of a line begins and ends, in widths of the panel


@dataclass(frozen=True, slots=True)
class Named:
    """A line to name."""

    style: Style | None  # of the line; None: nothing is drawn, and the name stands at the lower end
    end: float | None  # value at its right end; None: it has none, or is not on the axis
    text: str  # one or more lines


def name_at_ends(axes: Axes, named: Sequence[Named], *, narrow: bool = False) -> None:
    """Write the names of lines to the right of a panel, with a sample of each line that leads from its end.

    The order of the names is that of the ends. Where ends are close, names are moved apart as little as needed.

    Args:
        axes: The panel, with its final limits, in a figure of constrained layout.
        named: The lines with their names.
        narrow: Whether letters are smaller. Default False.
    """
    size = NARROW_SIZE if narrow else SIZE
    ends = [_share(axes, one.end) for one in named]
    order = sorted(range(len(named)), key=lambda at: -ends[at])  # from the top
    room = size * GAP / 72 / _height(axes)
    heights = [room * (1 + named[at].text.count("\n")) for at in order]
    middles = _apart([ends[at] for at in order], heights)
    for at, middle in zip(order, middles, strict=True):
        one = named[at]
        if one.style is not None:
            _sample(axes, one.style, min(max(ends[at], 0.0), 1.0), middle)
        axes.annotate(
            one.text, (SAMPLE[1], middle), xycoords="axes fraction", xytext=(5, 0), textcoords="offset points",
            fontsize=size, va="center", linespacing=1.05, color="0.3" if one.style is None else one.style.colour,
            parse_math=False, annotation_clip=False,
        )  # fmt: skip


def _sample(axes: Axes, style: Style, end: float, middle: float) -> None:
    """Draw a piece of a line with its dash and marker, from its end to its name."""
    x = (SAMPLE[0], SAMPLE[0] + 0.4 * (SAMPLE[1] - SAMPLE[0]), SAMPLE[1])
    axes.plot(
        x, (end, middle, middle), transform=axes.transAxes, clip_on=False, lw=1.0, **style.line,
        marker=style.marker, ms=4, markevery=[2], label="_name", scalex=False, scaley=False,
    )  # fmt: skip


def _share(axes: Axes, value: float | None) -> float:
    """Return the height of a value, from 0 at the lower end of the axis to 1."""
    if value is None:
        return 0.0
    low, high = axes.get_ylim()
    transform = axes.yaxis.get_transform().transform
    bottom, top, at = (float(transform([end])[0]) for end in (low, high, min(max(value, low), high)))
    return (at - bottom) / (top - bottom)


def _height(axes: Axes) -> float:
    """Return about the height of a panel in inches: constrained layout decides only when the figure is drawn."""
    figure = axes.get_figure(root=True)
    subplots = axes.get_subplotspec()
    rows = 1 if subplots is None else subplots.get_gridspec().nrows
    return (0.0 if figure is None else float(figure.get_figheight())) / rows * 0.68 or 1.0


def _apart(ends: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Return the middles of names whose ends descend, moved apart so that none overlaps.

    Names that touch form a block around the mean of their ends, within the panel as far as they fit.
    """
    blocks: list[tuple[float, float, list[int]]] = []  # centre, height, members
    for number, (end, height) in enumerate(zip(ends, heights, strict=True)):
        centre, total, members = end, height, [number]
        while blocks and blocks[-1][0] - blocks[-1][1] / 2 < centre + total / 2:
            above, taller, others = blocks.pop()
            weight = len(others) / (len(others) + len(members))
            centre, total, members = weight * above + (1 - weight) * centre, total + taller, others + members
        if total < 1:
            centre = min(max(centre, total / 2), 1 - total / 2)
        blocks.append((centre, total, members))
    middles = [0.0] * len(ends)
    for centre, total, members in blocks:
        top = centre + total / 2
        for member in members:
            middles[member] = top - heights[member] / 2
            top -= heights[member]
    return middles
