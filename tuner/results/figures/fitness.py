"""Fitness of every individual of a search by generation, a panel per optimizer.

Fitnesses of different budgets are not comparable, so lines break and a dotted line is drawn where the budget changes.
Panels share their fitness axis. Individuals that did not finish are counted above each panel by generation, and values
far above all medians are drawn as triangles on the upper edge.
"""

from __future__ import annotations

import math
import statistics
import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.core.study import CandidateRecord
from tuner.core.text import one_line
from tuner.core.trial import Role, Status
from tuner.results.analysis.generations import Generation, Searches, by_generation, mean_of_each, together
from tuner.results.analysis.searches import over_searches
from tuner.results.analysis.summary import fresh_runs
from tuner.results.figures.canvas import (
    EDGE,
    MAX_VALUE,
    MIN_LOG_RATIO,
    MIN_SHARE,
    Spacing,
    columns_of,
    columns_that_fit,
    hide_spines,
    mark_legend,
    no_minor_ticks,
    panel_figure,
    spread_out,
)
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.several_searches import by_optimizer
from tuner.results.figures.styles import styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 3  # panels side by side
PANEL, SINGLE = (3.0, 2.1), (5.6, 3.4)  # inches; a single one uses the page
MAX_MARKS = 10  # of the legend
LEGEND_ROW = 0.18  # inches
LETTER = 0.66  # mean width of a bold letter, in sizes of the font
MAX_LABEL = 22  # characters of a line of the label of the fitness axis
MAX_MEDIANS = 10.0  # times the greatest median; larger values are drawn on the edge of a logarithmic axis
MAX_DISTANCES = 1.0  # the same for a linear axis, in distances from the least fitness to the greatest median

MISSED = "not reached"  # individuals that finished and missed the objective's target
_FRESH_MARKS: dict[str, dict[str, Any]] = {
    Role.DEFAULT.value: {"marker": "D", "ms": 5, "markerfacecolor": "white", "mew": 1.3, "zorder": 6},
    Role.TUNED.value: {"marker": "*", "ms": 11, "mec": "black", "mew": 0.6, "zorder": 7},
}
_ENDS = (MISSED, Status.DIVERGED.value, Status.FAILED.value, Status.TIMED_OUT.value, Status.PRUNED.value)


def fitness_by_generation(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw searches on one task.

    Args:
        studies: The studies, which have one panel each, in this order.
        look: What the user asks for. Default: nothing.

    Returns:
        None if no candidate is recorded.

    Raises:
        ValueError: The studies are of several tasks or objectives, whose values are not comparable.
    """
    tasks = sorted({study.spec.workload.task_label for study, _ in studies})
    if len(tasks) > 1:
        raise ValueError(f"a figure of the search needs studies of one task. Received: {', '.join(tasks)}")
    objectives = sorted({study.spec.workload.objective.text for study, _ in studies})
    if len(objectives) > 1:
        raise ValueError(f"a figure of the search needs studies of one objective. Received: {', '.join(objectives)}")
    if not any(candidates for _, candidates in studies):
        return None
    groups = by_optimizer(studies)
    searches = [[by_generation(study.spec, candidates) for study, candidates in group] for group in groups]
    panels = [(group[0][0], together(found)) for group, found in zip(groups, searches, strict=True)]
    fresh = [_fresh(group) for group in groups]
    objective = panels[0][0].spec.workload.objective
    columns = 2 if len(panels) == 4 else min(MAX_COLUMNS, len(panels))
    panel_size = PANEL if len(panels) > 1 else SINGLE
    columns = columns_that_fit(columns, Spacing(panel_size, (0.6, 0.4), left=0.85, right=0.2), look)
    rows = math.ceil(len(panels) / columns)
    all_generations = [generation for _, generations in panels for generation in generations]
    ends = [end for end in _ENDS if any(_count(generation, end) for generation in all_generations)]
    several_runs = len({study.spec.run for study, _ in panels}) > 1
    run = "" if several_runs else f"{panels[0][0].spec.run}: "
    above = (_above(ends) + 16) / 72  # inches
    legend_columns = min(columns, 3) if len(panels) > 1 else 3
    bottom = max(1.05, 0.55 + LEGEND_ROW * math.ceil(MAX_MARKS / legend_columns))
    label = textwrap.fill(objective.label, MAX_LABEL)
    left = 0.85 + LEGEND_ROW * label.count("\n")
    spacing = Spacing(panel_size, (0.6, 0.4 + above), left=left, right=0.2, top=0.35 + above, bottom=bottom)
    figure, panel_array = panel_figure(rows, columns, f"{run}search on {tasks[0]}", spacing, sharey=True, look=look)
    axes = panel_array.flatten()
    limits = _fitness_axis(
        axes[0], all_generations, [mean for of_study in fresh for mean, _, _ in of_study.values()], log=look.log_y
    )
    axes[0].set_ylim(*limits)  # before drawing, so that the axis ignores outliers
    no_minor_ticks(axes)
    looks = styles_of(study.spec.workload.optimizer for study, _ in panels)
    for index, ((study, generations), panel) in enumerate(zip(panels, axes, strict=False)):
        name = study.spec.name if several_runs else study.spec.label
        if len(searches[index]) > 1:
            of = f" ({len(searches[index])} searches)"
            name = f"{_cut(study.spec.workload.optimizer, figure, panel, len(of))}{of}"
        else:
            name = _cut(name, figure, panel)
        hue = looks[study.spec.workload.optimizer].colour
        _draw(panel, generations, name, hue, ends, limits, searches[index])
        _mark_fresh(panel, fresh[index], len(generations), hue, limits)
        if index % columns == 0:
            panel.set_ylabel(label)
            panel.tick_params(labelleft=True)
        if index + columns >= len(panels):
            panel.set_xlabel("generation")
    for panel in axes[len(panels) :]:
        panel.set_visible(False)
    _legend(figure, all_generations, legend_columns, limits, with_fresh=any(fresh), several=len(searches[0]) > 1)
    return figure


def _cut(name: str, figure: Figure, axes: Axes, taken: int = 0) -> str:
    """Return a name that fits above a panel beside `taken` further letters, cut if it is longer."""
    width = axes.get_position().width * figure.get_size_inches()[0] * 72  # points
    room = max(4, int(width / (LETTER * float(axes.title.get_fontsize()))) - taken)
    return name if len(name) <= room else f"{name[: room - 1]}…"


def _fitness_axis(
    axes: Axes, generations: Sequence[Generation[CandidateRecord]], fresh: Sequence[float], *, log: bool = False
) -> tuple[float, float]:
    """Set the scale of the fitness axis, and return its limits.

    A fitness of exactly 0 is below a logarithmic axis, and does not make the axis linear.
    """
    values = [value for generation in generations for _, value in _values(generation)]
    if not values:
        return 0.0, 1.0
    values += [mean for mean in fresh if min(values) <= mean <= max(values)]
    if generations[0].objective.is_max:
        lower, upper = _limits([-value for value in values], [-each for each in _medians(generations)])
        return -upper, -lower
    positive = [value for value in values if value > 0]
    if (min(values) >= 0 or log) and positive:
        least = max(min(positive), statistics.median(positive) * MIN_SHARE)  # smaller ones are rounding errors
        if log or min(max(positive), MAX_VALUE) / least >= MIN_LOG_RATIO:
            axes.set_yscale("log")
            shown = [value for value in positive if value >= least]
            return _limits(shown, [median for median in _medians(generations) if median >= least], log=True)
    return _limits(values, _medians(generations))


def _limits(values: Sequence[float], medians: Sequence[float], *, log: bool = False) -> tuple[float, float]:
    """Return the limits of an axis of values of which the least is best; those of a logarithmic axis are positive."""
    least, greatest = max(min(values), -MAX_VALUE), min(max(values), MAX_VALUE)
    highest = max(medians, default=greatest)
    if log:
        upper = min(greatest, highest * MAX_MEDIANS)
        room = 10 ** (0.06 * (math.log10(upper) - math.log10(least))) if upper > least else 1.1
        return max(least / room**1.6, 5e-324), min(upper * room, sys.float_info.max)
    upper = min(greatest, highest + MAX_DISTANCES * (highest - least))
    room = (upper - least) * 0.06 or abs(least) * 0.06 or 1.0
    return least - 1.6 * room, upper + room


def _values(generation: Generation[CandidateRecord]) -> list[tuple[CandidateRecord, float]]:
    """Return the individuals that have a value, and their values."""
    return [(run, value) for run in generation.finished if (value := generation.value(run)) is not None]


def _medians(generations: Sequence[Generation[CandidateRecord]]) -> list[float]:
    return [generation.median for generation in generations if generation.median is not None]


def _count(generation: Generation[CandidateRecord], end: str) -> int:
    return generation.missed if end == MISSED else generation.counts[Status(end)]


def _is_beyond(value: float, limits: tuple[float, float], generation: Generation[CandidateRecord]) -> bool:
    """Return whether a value is far worse than the medians, so that it is drawn on the edge of the axis."""
    return value < limits[0] if generation.objective.is_max else value > limits[1]


def _draw(
    axes: Axes,
    generations: Sequence[Generation[CandidateRecord]],
    name: str,
    hue: str,
    ends: Sequence[str],
    limits: tuple[float, float],
    searches: Sequence[Sequence[Generation[CandidateRecord]]],
) -> None:
    """Draw one search, or several for one optimizer, into its panel.

    Args:
        axes: The panel.
        generations: The generations, those of all searches together.
        name: Title of the panel.
        hue: Colour of the individuals.
        ends: The ends that are counted above it.
        limits: Of the fitness axis.
        searches: The generations of each search.
    """
    within: list[tuple[float, float]] = []
    beyond: list[tuple[float, float]] = []
    below: list[tuple[float, float]] = []
    is_max = generations[0].objective.is_max
    for generation in generations:
        for run, value in _values(generation):
            x = generation.number + spread_out(run.key.slot, generation.population, 0.5)  # side by side, in slot order
            is_below = not is_max and value < limits[0]  # such as 0 on a logarithmic axis
            (beyond if _is_beyond(value, limits, generation) else below if is_below else within).append((x, value))
    axes.scatter(*columns_of(within), s=9, color=hue, alpha=0.5 if len(searches) == 1 else 0.25, linewidths=0, zorder=2)
    edge, mark = (1 - EDGE, "v") if is_max else (EDGE, "^")
    axes.scatter([x for x, _ in beyond], [edge] * len(beyond), s=14, marker=mark, color=hue, alpha=0.6, linewidths=0,
                 transform=axes.get_xaxis_transform(), zorder=2)  # fmt: skip
    axes.scatter([x for x, _ in below], [1 - EDGE] * len(below), s=14, marker="v", color=hue, alpha=0.6, linewidths=0,
                 transform=axes.get_xaxis_transform(), zorder=2)  # fmt: skip
    for segment in _segments(generations):
        numbers = [generation.number for generation in segment]
        best, median = (
            _above_edge(_or_gap(mean_of_each(name, numbers, searches)), limits, is_max) for name in ("best", "median")
        )
        for one in searches if len(searches) > 1 else ():
            own = _above_edge(_or_gap([one[number].best for number in numbers]), limits, is_max)
            axes.plot(numbers, own, "-", color="0.35", lw=0.6, zorder=3)
        axes.plot(numbers, best, "-o", color="black", lw=1.4, ms=3.5, zorder=4)
        axes.plot(numbers, median, "--s", color="black", lw=1.0, ms=3.5,
                  markerfacecolor="white", zorder=3)  # fmt: skip
        start = segment[0].number - 0.5
        if segment[0].number:
            axes.axvline(start, color="0.45", ls=":", lw=0.9, zorder=1)
        axes.text(start + 0.06, 0.015, f"{segment[0].steps:,}", fontsize=6.5, color="0.3", va="bottom",
                  transform=axes.get_xaxis_transform(), zorder=5)  # fmt: skip
    if not any(generation.finished for generation in generations):
        axes.text(0.5, 0.5, "no individual finished", ha="center", transform=axes.transAxes,
                  bbox={"color": "white"}, zorder=6)  # fmt: skip
    _count_above(axes, generations, ends)
    axes.set_title(one_line(name), loc="left", color=hue, fontweight="bold", pad=_above(ends), parse_math=False)
    axes.set_xlim(-0.5, len(generations) - 0.5)
    step = math.ceil(len(generations) / 12)
    axes.set_xticks(range(0, len(generations), step))
    hide_spines(axes)


def _fresh(group: Searches) -> dict[str, tuple[float, float, float]]:
    """Return the mean on fresh seeds of the defaults and of the tuned point, where there is one, and two ends.

    The ends are one standard deviation over searches away; where that is not above 0, at the lowest search. Of a single
    search they are the mean.
    """
    found = {}
    for role in (Role.DEFAULT, Role.TUNED):
        runs = [fresh_runs([one for one in some if one.key.role is role], study.search) for study, some in group]
        spec = group[0][0].search
        point = runs[0] if len(runs) == 1 else over_searches(runs, spec.workload.objective, spec.steps[-1])
        if point.mean is None:
            continue
        spread = 0.0 if len(runs) == 1 else point.spread or 0.0
        low, lowest = point.mean - spread, min(one.mean for one in runs if one.mean is not None)
        found[role.value] = (point.mean, lowest if low <= 0 < lowest else low, point.mean + spread)
    return found


def _mark_fresh(
    axes: Axes, means: dict[str, tuple[float, float, float]], at: int, hue: str, limits: tuple[float, float]
) -> None:
    """Draw the means on fresh seeds to the right of the last generation; on the edge where they are beyond the axis."""
    if not means:
        return
    axes.axvline(at - 0.5, color="0.85", lw=0.8, zorder=1)
    for role, (mean, low, high) in means.items():
        if low < high:
            axes.plot([at, at], np.clip([low, high], *limits), color=hue, lw=1.1, zorder=5)
        if limits[0] <= mean <= limits[1]:
            axes.plot([at], [mean], ls="", clip_on=False, **_FRESH_MARKS[role], color=hue)
        else:
            top = mean > limits[1]
            axes.plot([at], [EDGE if top else 1 - EDGE], "^" if top else "v", ms=5, color=hue, alpha=0.9,
                      markerfacecolor="white" if role == Role.DEFAULT else hue,
                      transform=axes.get_xaxis_transform(), clip_on=False, zorder=6)  # fmt: skip
    axes.set_xlim(-0.5, at + 0.5)


def _above(ends: Sequence[str]) -> int:
    """Return the distance between a panel and its title, in points."""
    return 9 + 9 * len(ends)


def _count_above(axes: Axes, generations: Sequence[Generation[CandidateRecord]], ends: Sequence[str]) -> None:
    """Write the numbers of individuals that did not finish above a panel, one line per status."""
    for line, end in enumerate(reversed(ends)):
        style: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points", "fontsize": 7}
        height = 7 + 9 * line  # points
        axes.annotate(end, (-0.5, 1.0), xytext=(-3, height), ha="right", color="0.3", **style)
        for generation in generations:
            if count := _count(generation, end):
                axes.annotate(str(count), (generation.number, 1.0), xytext=(0, height), ha="center", **style)


def _segments(generations: Sequence[Generation[CandidateRecord]]) -> Iterator[list[Generation[CandidateRecord]]]:
    """Yield consecutive generations with the same budget."""
    for _, segment in groupby(generations, key=lambda generation: generation.steps):
        yield list(segment)


def _or_gap(values: Sequence[float | None]) -> list[float]:
    """Return numbers for a line, NaN for a gap."""
    return [math.nan if value is None else value for value in values]


def _above_edge(values: Sequence[float], limits: tuple[float, float], is_max: bool) -> list[float]:
    """Return values of a line that stays on the panel where it falls below the axis: to 0 on a logarithmic one."""
    return [value if is_max or not value < limits[0] else limits[0] for value in values]


def _legend(
    figure: Figure,
    generations: Sequence[Generation[CandidateRecord]],
    columns: int,
    limits: tuple[float, float],
    *,
    with_fresh: bool,
    several: bool,
) -> None:
    """Draw a legend of the marks in the figure."""
    from matplotlib.lines import Line2D

    lines = any(one.number < other.number and one.steps == other.steps for one, other in pairwise(generations))
    marks = [
        Line2D([], [], color="0.4", marker="o", ms=4, ls="", alpha=0.6, label="individual that finished"),
        Line2D([], [], color="black", marker="o", ms=3.5, ls="-" * lines, lw=1.4,
               label="best, mean over searches" if several else "best"),
        Line2D([], [], color="black", marker="s", ms=3.5, ls="--" * lines, lw=1.0, markerfacecolor="white",
               label="median, mean over searches" if several else "median of those that finished"),
    ]  # fmt: skip
    if several:
        marks.insert(1, Line2D([], [], color="0.35", lw=0.6, label="best of one search"))
    values = [value for one in generations for _, value in _values(one)]
    if not generations[0].objective.is_max and any(value < limits[0] for value in values):
        zero = "exactly 0" if min(values) == 0 else "below the axis"
        marks.append(Line2D([], [], color="0.4", marker="v", ms=4, ls="", label=zero))
    if any(_is_beyond(value, limits, one) for one in generations for _, value in _values(one)):
        mark = "v" if generations[0].objective.is_max else "^"
        marks.append(Line2D([], [], color="0.4", marker=mark, ms=4, ls="", label="beyond the axis"))
    if len({generation.steps for generation in generations}) > 1:
        marks.append(Line2D([], [], color="0.45", ls=":", lw=0.9, label="budget changes"))
    for role, style in _FRESH_MARKS.items() if with_fresh else ():
        marks.append(
            Line2D(
                [], [], ls="", color="0.4", **style, label=f"{role} on fresh seeds{', ± sd over searches' * several}"
            )
        )
    marks.append(Line2D([], [], ls="", label="small numbers: budget in gradient evaluations"))
    mark_legend(figure, marks, columns)
