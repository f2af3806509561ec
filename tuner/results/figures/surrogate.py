"""The model's prediction along each hyperparameter through the tuned point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tuner.core.numbers import fitness
from tuner.core.objective import Objective
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.results.analysis.generations import Searches
from tuner.results.analysis.landscape import Slice, at_last_budget, slices
from tuner.results.figures.canvas import (
    EDGE,
    MAX_VALUE,
    MIN_LOG_RATIO,
    Limits,
    apply_limits,
    columns_of,
    mark_legend,
    no_minor_ticks,
)
from tuner.results.figures.hyperparameter_axis import HyperparameterPanel, hyperparameter_rows, position, prepare
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.several_searches import ONE_OF_MANY, medians
from tuner.results.figures.sharpness import mark_others

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_RISE = 20.0  # times what the better half of the trainings is above the least; higher values are drawn on the edge
Points = Sequence[tuple[CandidateRecord, float]]  # trainings that the model is fitted to, with their values


def surrogate(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the prediction along each hyperparameter, the others tuned, with the trainings that it was fitted to.

    Args:
        studies: The studies, which have one row of panels each, in this order; those without a prediction are left out.
        look: What the user asks for. Default: nothing.

    Returns:
        None if no study has a prediction.
    """
    rows: list[tuple[StudyRecord, tuple[Slice, ...], Points]] = []
    shown = medians(studies)
    for study, candidates in shown.studies:
        found = slices(study, candidates)
        if not isinstance(found, str):
            objective = study.spec.workload.objective
            ended = at_last_budget(study, candidates)
            rows.append((study, found, [(one, objective.value(fitness(one))) for one in ended]))
    if not rows:
        return None
    limits = [_limits(study, found, points) for study, found, points in rows]
    title = f"predicted {rows[0][0].spec.workload.objective.label} around the tuned point"
    figure, panels = hyperparameter_rows(
        [study for study, _, _ in rows], title, look, value=rows[0][0].spec.workload.objective.label
    )
    for panel in panels:
        _, found, points = rows[panel.row]
        apply_limits(panel.axes, limits[panel.row])
        no_minor_ticks([panel.axes])
        draw_slice(panel, found[panel.number], points, limits[panel.row][1:])
        mark_others(panel, shown)
        if not panel.is_leftmost:
            panel.axes.tick_params(axis="y", which="both", labelleft=False)
    _draw_legend(figure, rows[0][0].spec.workload.objective, with_others=any(shown.tuned.values()))
    return figure


def draw_slice(panel: HyperparameterPanel, found: Slice, points: Points, limits: tuple[float, float]) -> None:
    """Draw one hyperparameter: the prediction with its band and its tolerance, and the trainings."""
    axes, dimension, hue = panel.axes, panel.dimension, panel.hue
    lower, upper = limits
    at = [position(dimension, value) for value in found.values.tolist()]
    low, mean, high = (np.clip(each, -MAX_VALUE, MAX_VALUE) for each in (found.low, found.mean, found.high))
    axes.fill_between(at, np.clip(low, lower, upper), np.clip(high, lower, upper), color=hue, alpha=0.15, lw=0)
    axes.plot(at, mean, color=hue, lw=1.5, zorder=3)
    places = [(position(dimension, one.hyperparameters[dimension.name]), value) for one, value in points]
    within = [place for place in places if lower <= place[1] <= upper]
    above = [x for x, value in places if value > upper]
    below = [x for x, value in places if value < lower]
    axes.scatter(*columns_of(within), s=8, lw=0.5, facecolor="none", edgecolor="0.45", zorder=2)
    for xs, edge, mark in ((above, EDGE, "^"), (below, 1 - EDGE, "v")):
        axes.scatter(xs, [edge] * len(xs), s=10, lw=0, marker=mark, color="0.6",
                     transform=axes.get_xaxis_transform(), zorder=1)  # fmt: skip
    tolerance = found.tolerance
    if tolerance.low is not None and tolerance.high is not None:
        ends = [position(dimension, end) for end in (tolerance.low, tolerance.high)]
        axes.axvspan(*ends, color="0.85", lw=0, zorder=0)
    tuned = position(dimension, (panel.study.tuned or {})[dimension.name])
    axes.axvline(tuned, color="black", lw=0.9, zorder=1)
    prepare(axes, "x", dimension, [*at, tuned])


def _limits(study: StudyRecord, found: Sequence[Slice], points: Points) -> Limits:
    """Return the limits of the axis of a row, which has the best half of the trainings and the slices near them."""
    objective = study.spec.workload.objective
    fitnesses = np.sort([objective.fitness(value) for _, value in points])
    least = min(float(fitnesses[0]), *(objective.fitness(value) for one in found for value in one.mean.tolist()))
    middle = float(np.median(fitnesses))
    highest = max(objective.fitness(value) for one in found for value in one.mean.tolist())
    upper = min(least + MAX_RISE * (middle - least), max(highest, middle), MAX_VALUE)
    upper = min(upper, objective.limit(study.search.steps[-1]))  # beyond it, what missed the target has no value
    if not objective.is_max and least > 0 and upper / least >= MIN_LOG_RATIO:
        room = (upper / least) ** 0.06
        return True, least / room, upper * room
    room = 0.06 * (upper - least) or 0.06 * abs(least) or 1.0
    ends = sorted(objective.value(end) for end in (least - room, upper + room))
    return False, ends[0], ends[1]


def _draw_legend(figure: Figure, objective: Objective, *, with_others: bool) -> None:
    from matplotlib.lines import Line2D

    beyond = "beyond the axis" + (", or missed the target" if objective.is_to_target else "")
    marks = [
        Line2D([], [], color="0.3", lw=1.5, label="prediction, the others tuned"),
        Line2D([], [], color="0.9", lw=6, label="± 2 standard deviations"),
        Line2D([], [], color="0.75", lw=6, label="tolerance, if determined"),
        Line2D([], [], color="0.45", marker="o", ms=3.5, ls="", markerfacecolor="none", label="training"),
        Line2D([], [], color="0.6", marker="^", ms=4, ls="", label=beyond),
        Line2D([], [], color="black", lw=0.9, label="tuned"),
    ]
    if with_others:
        marks.append(Line2D([], [], **ONE_OF_MANY, label="tuned, other searches"))
    mark_legend(figure, marks, 3)
