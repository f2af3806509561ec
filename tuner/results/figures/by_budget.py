"""Best fitness by tuning budget, a panel per task."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuner.core.text import one_line
from tuner.results.analysis.by_budget import BudgetLine, ByBudget, Method, by_budget
from tuner.results.analysis.generations import Searches
from tuner.results.figures.canvas import (
    MAX_VALUE,
    MIN_LOG_RATIO,
    MIN_SHARE,
    Limits,
    Spacing,
    apply_limits,
    columns_that_fit,
    hide_spines,
    mark_legend,
    panel_figure,
    round_ticks,
)
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import DASHED, DOTTED, SOLID, Style, styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MAX_COLUMNS = 2  # panels side by side
PANEL = (4.2, 2.8)  # inches
LEGEND_ROW = 0.2  # inches
MIN_PANEL = 2.0  # inches, of the width
MAX_LABEL = 28  # characters of a line of the label of the fitness axis
MAX_MEAN = 10.0  # times the greatest median; a mean above it leaves the axis
LEGEND_COLUMNS = 3  # per column of panels
DASHES = {Method.SUBSETS: SOLID, Method.SEARCHES: DASHED, Method.ONE_SEARCH: DOTTED}
_NAMES = {
    Method.SUBSETS: "mean of k random candidates",
    Method.SEARCHES: "mean of searches",
    Method.ONE_SEARCH: "best so far of one search",
}


def best_by_budget(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the quality by budget of one run; of a single search of another strategy than `random`, its best so far.

    Args:
        studies: The studies.
        look: What the user asks for. Default: nothing.

    Returns:
        None if no search has two points, so that there is nothing to see beyond the table.
    """
    groups = by_budget(studies)
    has_lines = any(len(line.points) > 1 for group in groups for line in group.lines)
    return best_by_budget_of(groups, look) if has_lines else None


def best_by_budget_of(groups: Sequence[ByBudget], look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the quality by budget.

    The line is the mean, which is absent where it is infinite; the thin line is the median; the band extends from the
    10 % to the 90 % quantile.

    Args:
        groups: Quality by budget, of each task.
        look: What the user asks for. Default: nothing.

    Returns:
        None if nothing is recorded.
    """
    drawn = [group for group in groups if any(line.points for line in group.lines)]
    if not drawn:
        return None
    columns = columns_that_fit(min(MAX_COLUMNS, len(drawn)), Spacing(PANEL, (0.9, 0.9)), look, MIN_PANEL)
    rows = math.ceil(len(drawn) / columns)
    looks = styles_of(line.optimizer for group in drawn for line in group.lines)
    marks = _marks(drawn, looks)
    legend_columns = LEGEND_COLUMNS * columns
    bottom = 0.65 + LEGEND_ROW * math.ceil(len(marks) / legend_columns)
    title = ", ".join(dict.fromkeys(run for group in drawn for run in group.runs))
    figure, panels = panel_figure(
        rows,
        columns,
        f"{title}: best fitness by tuning budget",
        Spacing(PANEL, (0.9, 0.9), top=0.75, bottom=bottom),
        look=look,
    )
    axes = panels.flatten()
    for panel, group in zip(axes, drawn, strict=False):
        _draw(panel, group, looks)
    for panel in axes[len(drawn) :]:
        panel.set_visible(False)
    mark_legend(figure, marks, legend_columns)
    return figure


def _draw(axes: Axes, group: ByBudget, looks: dict[str, Style]) -> None:
    limits = _limits(group)
    apply_limits(axes, limits)
    for line in group.lines:
        look, budgets = looks[line.optimizer], [point.evaluations for point in line.points]
        dash = DASHES[line.method]
        axes.plot(budgets, _means(line), color=look.colour, ls=dash, marker=look.marker, ms=4.5, lw=1.5, zorder=3)
        axes.plot(budgets, _medians(line), color=look.colour, ls=dash, lw=0.7, zorder=2)
        known = [point for point in line.points if point.best.low is not None and point.best.high is not None]
        lower, upper = (
            [min(max(end, limits[1]), limits[2]) for end in ends]
            for ends in ([point.best.low or 0.0 for point in known], [point.best.high or 0.0 for point in known])
        )
        axes.fill_between([point.evaluations for point in known], lower, upper, color=look.colour, alpha=0.13, lw=0)
    axes.set_xscale("log")
    budgets = [point.evaluations for line in group.lines for point in line.points]
    round_ticks(axes.xaxis, max(budgets) / min(budgets))
    axes.set_xlabel("gradient evaluations of the search")
    axes.set_ylabel("best fitness" if group.objective.is_default else textwrap.fill(group.objective.label, MAX_LABEL))
    axes.set_title(one_line(f"{group.task_label}, {group.steps:,} per candidate"), fontsize=9, parse_math=False)
    hide_spines(axes)


def _limits(group: ByBudget) -> Limits:
    """Return limits that hold all medians and better quantiles, and means that are not far worse than all medians."""
    is_max = group.objective.is_max
    best = [point.best.in_units_of(group.objective) for line in group.lines for point in line.points]  # least is best
    medians = [one.median for one in best if math.isfinite(one.median)]
    means = [one.mean for one in best if one.mean is not None]
    highest = max(medians or means or [1.0])
    values = [*medians, *(one.low for one in best if one.low is not None and math.isfinite(one.low))]
    values += [mean for mean in means if mean <= MAX_MEAN * abs(highest)] or means[-1:]
    values = [value for value in values if abs(value) <= MAX_VALUE]
    least, greatest = min(values, default=0.0), max(values, default=1.0)
    lower = max(least, greatest * MIN_SHARE)
    if not is_max and least > 0 and greatest / lower >= MIN_LOG_RATIO:
        room = (greatest / lower) ** 0.05
        return True, lower / room, greatest * room
    margin = 0.05 * (greatest - least) or 0.05 * abs(least) or 1.0
    ends = sorted(group.objective.value(end) for end in (least - margin, greatest + margin))
    return False, ends[0], ends[1]


def _means(line: BudgetLine) -> list[float]:
    return [math.nan if point.best.mean is None else point.best.mean for point in line.points]


def _medians(line: BudgetLine) -> list[float]:
    return [point.best.median if math.isfinite(point.best.median) else math.nan for point in line.points]


def _marks(groups: Sequence[ByBudget], looks: dict[str, Style]) -> list[Line2D]:
    """Return the marks of the legend: optimizers, then the kinds of lines."""
    from matplotlib.lines import Line2D

    methods = dict.fromkeys(line.method for group in groups for line in group.lines)
    optimizers = [
        Line2D([], [], color=look.colour, marker=look.marker, ms=4.5, lw=1.5, label=one_line(name))
        for name, look in looks.items()
    ]
    kinds = [Line2D([], [], color="0.35", ls=DASHES[method], lw=1.5, label=_NAMES[method]) for method in methods]
    band = [
        Line2D([], [], color="0.35", lw=0.7, label="median"),
        Line2D([], [], color="0.85", lw=6, label="10 % to 90 %"),
    ]
    return [*optimizers, *kinds, *(band if set(methods) != {Method.ONE_SEARCH} else [])]
