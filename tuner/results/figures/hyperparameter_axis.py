"""An axis for a hyperparameter on its search scale.

The scale is logarithmic in the value or, for a decay, in its distance from 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from search_spaces.space import Dimension, Scale, SearchSpace
from tuner.core.study import StudyRecord, StudySpec
from tuner.core.text import one_line
from tuner.results.figures.canvas import Spacing, hide_spines, panel_figure
from tuner.results.figures.styles import styles_of
from tuner.results.tables.numbers import hyperparameter, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Side = Literal["x", "y"]

MAX_TICKS = 5
MIN_DECADES = 1.3  # from which the ticks of an axis are powers of ten alone


@dataclass(frozen=True, slots=True)
class HyperparameterPanel:
    """A panel for one hyperparameter of one search."""

    axes: Axes
    row: int
    column: int
    study: StudyRecord
    dimension: Dimension
    hue: str  # the optimizer's colour


def hyperparameter_rows(studies: Sequence[StudyRecord], title: str) -> tuple[Figure, list[HyperparameterPanel]]:
    """Return a figure with one row per search and one titled panel per hyperparameter."""
    columns = max(len(dimensions(study.spec)) for study in studies)
    figure, grid = panel_figure(len(studies), columns, f"{studies[0].spec.run}: {title}", Spacing())
    looks = styles_of(study.spec.workload.optimizer for study in studies)
    panels = []
    for row, study in enumerate(studies):
        hue = looks[study.spec.workload.optimizer].colour
        named = dimensions(study.spec)
        for column, dimension in enumerate(named):
            axes = grid[row, column]
            axes.set_title(one_line(dimension.name), loc="left", fontsize=9, parse_math=False)
            axes.tick_params(labelsize=8)
            hide_spines(axes)
            panels.append(HyperparameterPanel(axes, row, column, study, dimension, hue))
        for axes in grid[row, len(named) :]:
            axes.set_visible(False)
        optimizer = one_line(study.spec.workload.optimizer)
        lines = optimizer.replace("-", "-\n", 1) if len(optimizer) > 14 else optimizer
        grid[row, 0].set_ylabel(lines, parse_math=False, fontweight="bold", color=hue)
    return figure, panels


def dimensions(spec: StudySpec) -> tuple[Dimension, ...]:
    """Return the hyperparameters of a study, in their order."""
    return SearchSpace.from_dict(spec.space).dimensions


def position(dimension: Dimension, value: float) -> float:
    """Return the position of a value on the axis: log10(v), or for a decay -log10(1 - v), its number of nines."""
    if dimension.scale is Scale.LOG:
        return math.log10(value) if value > 0 else -math.inf
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
    low, high = min(finite), max(finite)
    room = 0.06 * (high - low) or 0.2
    low, high = low - room, high + room
    (axes.set_xlim if side == "x" else axes.set_ylim)(low, high)
    ticks = _ticks(dimension, low, high)
    axis.set_ticks(ticks, [label(dimension, tick) for tick in ticks])


def label(dimension: Dimension, at: float) -> str:
    """Return the value at a position, formatted."""
    return number(10**at, 3) if dimension.scale is Scale.LOG else hyperparameter(max(0.0, 1 - 10**-at), Scale.DECAY)


def _ticks(dimension: Dimension, low: float, high: float) -> list[float]:
    """Return positions of round values: powers of ten, or 1, 2 and 5 times these on a short axis."""
    start = low if dimension.scale is Scale.LOG else max(low, 0.0)
    if high - start >= MIN_DECADES:
        step = math.ceil((high - start) / MAX_TICKS)
        ticks = [float(power) for power in range(math.ceil(start), math.floor(high) + 1) if power % step == 0]
        if len(ticks) > 1:
            return ticks
    sign = 1 if dimension.scale is Scale.LOG else -1  # for a decay the distance from 1 is round
    decades = range(math.floor(min(sign * start, sign * high)), math.ceil(max(sign * start, sign * high)) + 1)
    for multiples in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        positions = (sign * (power + math.log10(multiple)) for power in decades for multiple in multiples)
        ticks = sorted(value + 0.0 for value in positions if start <= value <= high)
        if len(ticks) > 1:
            return ticks[:: math.ceil(len(ticks) / MAX_TICKS)]
    return [start + (high - start) * part for part in (0.2, 0.8)]
