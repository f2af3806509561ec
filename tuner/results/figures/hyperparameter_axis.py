"""An axis for a hyperparameter on its search scale.

The scale is logarithmic in the value or, for a decay, in its distance from 1. Linear and whole numbers are drawn
as they are, and the values of a choice at equal distances, in their order.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from search_spaces.space import Dimension, Scale, SearchSpace
from search_spaces.values import place_among
from tuner.core.study import StudyRecord, StudySpec
from tuner.core.text import one_line
from tuner.results.figures.canvas import Spacing, columns_that_fit, hide_spines, panel_figure
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import styles_of
from tuner.results.tables.numbers import NOTHING, hyperparameter, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SINGLE = (2.7, 2.1)  # inches of a panel where there is one search
Side = Literal["x", "y"]

MIN_COLUMNS, MAX_COLUMNS = 2, 4  # of panels; a legend does not fit below one column
MAX_TITLE = 36  # characters of a panel's title
MAX_LABEL = 14  # characters of a line beside a row
MAX_TICKS = 5
MAX_VALUES = 8  # labelled values of a choice
LETTER = 0.062  # inches of a digit of a tick
MIN_DECADES = 1.3  # from which the ticks of an axis are powers of ten alone


@dataclass(frozen=True, slots=True)
class HyperparameterPanel:
    """A panel for one hyperparameter of one search."""

    axes: Axes
    row: int  # number of the search
    number: int  # of the hyperparameter among those of the search
    is_leftmost: bool
    study: StudyRecord
    dimension: Dimension
    hue: str  # the optimizer's colour


def hyperparameter_rows(
    studies: Sequence[StudyRecord], title: str, look: Look = DEFAULT_LOOK, *, value: str = ""
) -> tuple[Figure, list[HyperparameterPanel]]:
    """Return a figure with one titled panel per hyperparameter, and one row per search, or several if it has many.

    Args:
        studies: The searches.
        title: What the figure shows.
        look: What the user asks for. Default: nothing.
        value: Name of the vertical axis, where it is the same in all panels of a row. Default: none.
    """
    spacing = Spacing() if len(studies) > 1 else Spacing(panel=SINGLE)
    most = max(len(dimensions(study.spec)) for study in studies)
    columns = min(max(most, MIN_COLUMNS), MAX_COLUMNS)
    columns = columns_that_fit(columns, spacing, look)
    lines = [math.ceil(len(dimensions(study.spec)) / columns) for study in studies]
    figure, grid = panel_figure(sum(lines), columns, f"{studies[0].spec.run}: {title}", spacing, look=look)
    looks = styles_of(study.spec.workload.optimizer for study in studies)
    panels = []
    for row, study in enumerate(studies):
        hue = looks[study.spec.workload.optimizer].colour
        named = dimensions(study.spec)
        own = grid[sum(lines[:row]) : sum(lines[: row + 1])]
        for place, dimension in enumerate(named):
            axes = own[divmod(place, columns)]
            name = one_line(dimension.name)
            title = name if len(name) <= MAX_TITLE else f"{name[: MAX_TITLE - 1]}…"
            axes.set_title(title, loc="left", fontsize=7 if look.is_narrow else 9, parse_math=False)
            axes.tick_params(labelsize=7 if look.is_narrow else 8)
            hide_spines(axes)
            panels.append(HyperparameterPanel(axes, row, place, place % columns == 0, study, dimension, hue))
        for axes in own.flat[len(named) :]:
            axes.set_visible(False)
        name_row(own[0, 0], _label_of_row(study), hue, value)
    return figure, panels


def name_row(axes: Axes, name: str, hue: str, value: str) -> None:
    """Write the name of an optimizer, and below it that of the vertical axis, to the left of a row."""
    if value:
        axes.set_ylabel(value, parse_math=False, fontsize=8, labelpad=2)
    axes.annotate(
        name, (0, 0.5), xycoords=("figure fraction", axes.transAxes), xytext=(3, 0), textcoords="offset points",
        rotation=90, ha="left", va="center", fontweight="bold", color=hue, parse_math=False, multialignment="center",
    )  # fmt: skip


def _label_of_row(study: StudyRecord) -> str:
    """Return the name of an optimizer in at most two lines, cut if it is longer."""
    optimizer = one_line(study.spec.label)
    if len(optimizer) <= MAX_LABEL:
        return optimizer
    first, second, *rest = [*textwrap.wrap(optimizer, MAX_LABEL), ""]
    return f"{first}\n{second[: MAX_LABEL - 1]}…" if any(rest) else f"{first}\n{second}"


def dimensions(spec: StudySpec) -> tuple[Dimension, ...]:
    """Return the hyperparameters of a study, in their order."""
    return SearchSpace.from_dict(spec.space).dimensions


def is_logarithmic(dimension: Dimension) -> bool:
    """Return whether ratios of values are distances on the axis."""
    return dimension.scale is Scale.LOG or dimension.log


def position(dimension: Dimension, value: Any) -> float:
    """Return the position of a value on the axis; NaN for None.

    It is log10(v), v, the place of a choice among its values, or for a decay -log10(1 - v), its number of nines.
    """
    if value is None:
        return math.nan
    if dimension.scale is Scale.CHOICE:
        return float(place_among(value, dimension.values))
    if is_logarithmic(dimension):
        return math.log10(value) if value > 0 else -math.inf
    if dimension.scale is not Scale.DECAY:
        return float(value)
    return -math.log10(max(1 - value, 2.0**-53)) + 0.0  # + 0.0: no -0.0 where the value is 0


def prepare(axes: Axes, side: Side, dimension: Dimension, positions: Sequence[float]) -> None:
    """Set the limits and the ticks of an axis.

    Args:
        axes: The panel.
        side: Which of its axes.
        dimension: The hyperparameter.
        positions: All positions that the axis includes.
    """
    axis = axes.xaxis if side == "x" else axes.yaxis
    finite = [value for value in positions if math.isfinite(value)] or [0.0]
    if dimension.scale is Scale.CHOICE:
        finite = [0.0, len(dimension.values) - 1.0]
    low, high = min(finite), max(finite)
    room = 0.06 * (high - low) or 0.2
    low, high = low - room, high + room
    (axes.set_xlim if side == "x" else axes.set_ylim)(low, high)
    ticks = _ticks(dimension, low, high)
    if side == "x":
        ticks = _readable(axes, ticks, [label(dimension, tick) for tick in ticks], high - low)
    axis.set_ticks(ticks, [label(dimension, tick) for tick in ticks])


def _readable(axes: Axes, ticks: Sequence[float], labels: Sequence[str], length: float) -> list[float]:
    """Return the ticks whose labels have room beside each other: all, every second, or fewer."""
    figure = axes.get_figure(root=True)
    width = axes.get_position().width * (0.0 if figure is None else float(figure.get_figwidth()))  # inches
    middles = [(tick - ticks[0]) / length * width for tick in ticks]
    for step in range(1, len(ticks)):
        kept = range(0, len(ticks), step)
        if all(
            middles[after] - middles[before] > LETTER * (len(labels[before]) + len(labels[after]) + 2) / 2
            for before, after in pairwise(kept)
        ):
            return [ticks[at] for at in kept]
    return list(ticks[:1])


def label(dimension: Dimension, at: float) -> str:
    """Return the value at a position, formatted; NOTHING at NaN."""
    if math.isnan(at):
        return NOTHING
    if dimension.scale is Scale.CHOICE:
        text = hyperparameter(dimension.values[min(max(round(at), 0), len(dimension.values) - 1)])
        return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"
    if is_logarithmic(dimension):
        return number(10**at, 3)
    if dimension.scale is Scale.DECAY:
        return hyperparameter(max(0.0, 1 - 10**-at), Scale.DECAY)
    return number(at, 3 if dimension.scale is Scale.LINEAR else 6)


def _ticks(dimension: Dimension, low: float, high: float) -> list[float]:
    """Return positions of round values: powers of ten, or 1, 2 and 5 times these on a short axis."""
    if dimension.scale is Scale.CHOICE:
        step = math.ceil(len(dimension.values) / MAX_VALUES)
        return [float(place) for place in range(0, len(dimension.values), step)]
    if not is_logarithmic(dimension) and dimension.scale is not Scale.DECAY:
        return _linear_ticks(low, high, whole=dimension.scale is Scale.INTEGER)
    start = low if is_logarithmic(dimension) else max(low, 0.0)
    if high - start >= MIN_DECADES:
        step = math.ceil((high - start) / MAX_TICKS)
        ticks = [float(power) for power in range(math.ceil(start), math.floor(high) + 1) if power % step == 0]
        if len(ticks) > 1:
            return ticks
    sign = -1 if dimension.scale is Scale.DECAY else 1  # for a decay the distance from 1 is round
    decades = range(math.floor(min(sign * start, sign * high)), math.ceil(max(sign * start, sign * high)) + 1)
    for multiples in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        positions = (sign * (power + math.log10(multiple)) for power in decades for multiple in multiples)
        ticks = sorted(value + 0.0 for value in positions if start <= value <= high)
        if len(ticks) > 1:
            return ticks[:: math.ceil(len(ticks) / MAX_TICKS)]
    return [start + (high - start) * part for part in (0.2, 0.8)]


def _linear_ticks(low: float, high: float, *, whole: bool) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten between two positions, at most MAX_TICKS."""
    power = 10.0 ** math.floor(math.log10((high - low) / MAX_TICKS))
    steps = [max(power * factor, 1.0) if whole else power * factor for factor in (1, 2, 5, 10, 20)]
    step = next(step for step in steps if math.floor(high / step) - math.ceil(low / step) < MAX_TICKS)
    return [step * multiple for multiple in range(math.ceil(low / step), math.floor(high / step) + 1)]
