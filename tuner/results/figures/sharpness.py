"""Fitness against each hyperparameter in the last generations of a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Key, Role, Status
from tuner.results.analysis.generations import Searches
from tuner.results.figures.canvas import (
    EDGE,
    Limits,
    apply_limits,
    loss_limits,
    mark_legend,
    no_minor_ticks,
)
from tuner.results.figures.hyperparameter_axis import HyperparameterPanel, hyperparameter_rows, position, prepare
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.several_searches import ONE_OF_MANY, Shown, medians

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_GENERATIONS = 3  # at the end of the search, with the same budget
MAX_MEDIANS = 20.0  # times the median fitness; larger values are drawn as triangles on the edge


def sharpness(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the fitness of the last generations, which share a budget, against each hyperparameter.

    All panels share the axis of the fitness.

    Args:
        studies: The studies, which have one row of panels each, in this order.
        look: What the user asks for. Default: nothing.

    Returns:
        None if no individual is final.
    """
    shown = medians(studies)
    rows = [(study, last_generations(study, some)) for study, some in shown.studies]
    rows = [(study, some) for study, some in rows if some]
    if not rows:
        return None
    limits = _limits(rows, log=look.log_y)
    objective = rows[0][0].spec.workload.objective
    title = f"{objective.label} by hyperparameter in the last generations"
    figure, panels = hyperparameter_rows([study for study, _ in rows], title, look, value=objective.label)
    for panel in panels:
        apply_limits(panel.axes, limits)
        no_minor_ticks([panel.axes])
        draw_sharpness(panel, rows[panel.row][1], limits[1:])
        mark_others(panel, shown)
        if not panel.is_leftmost:
            panel.axes.tick_params(axis="y", which="both", labelleft=False)
    _draw_legend(figure, to_target=objective.is_to_target, with_others=any(shown.tuned.values()))
    return figure


def last_generations(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    """Return the final individuals of the last generations that have started and share a budget."""
    some = [one for one in candidates if one.key.role is Role.SEARCH and one.status.is_final]
    if not some:
        return []
    newest = max(one.key.generation for one in some)
    budgets = study.search.steps[: newest + 1]
    first = next((number + 1 for number in range(newest, -1, -1) if budgets[number] != budgets[newest]), 0)
    return [one for one in some if one.key.generation >= max(first, newest - MAX_GENERATIONS + 1)]


def draw_sharpness(
    panel: HyperparameterPanel, individuals: Sequence[CandidateRecord], limits: tuple[float, float]
) -> None:
    """Draw one hyperparameter of a search: the last generation filled, those before it hollow."""
    axes, study, dimension, hue = panel.axes, panel.study, panel.dimension, panel.hue
    lower, upper = limits
    newest = max(one.key.generation for one in individuals)
    positions = {one.key: position(dimension, one.hyperparameters[dimension.name]) for one in individuals}
    values = _values(study, individuals)
    ended = [one for one in individuals if one.key in values]
    unfinished = [one for one in individuals if one.key not in values]
    within = [one for one in ended if lower <= values[one.key] <= upper]
    below = [one for one in ended if values[one.key] < lower]  # such as 0 on a logarithmic axis
    beyond = [one for one in ended if values[one.key] > upper]
    for filled, some in ((False, [one for one in within if one.key.generation < newest]),
                         (True, [one for one in within if one.key.generation == newest])):  # fmt: skip
        axes.scatter(
            [positions[one.key] for one in some], [values[one.key] for one in some], s=13, lw=0.6, alpha=0.9,
            facecolor=hue if filled else "none", edgecolor=hue, zorder=3 + filled,
        )  # fmt: skip
    on_edge: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "zorder": 2}
    axes.scatter(
        [positions[one.key] for one in beyond], [EDGE] * len(beyond), s=16, marker="^", color=hue, lw=0, **on_edge
    )
    if below:
        axes.scatter(
            [positions[one.key] for one in below], [1 - EDGE] * len(below), s=16, marker="v", color=hue, lw=0, **on_edge
        )
    axes.scatter(
        [positions[one.key] for one in unfinished],
        [EDGE] * len(unfinished),
        s=16,
        marker="x",
        color="0.4",
        lw=0.9,
        **on_edge,
    )
    marks = list(positions.values())
    if study.tuned is not None:
        tuned = position(dimension, study.tuned[dimension.name])
        axes.axvline(tuned, color="black", lw=0.9, zorder=1)
        marks.append(tuned)
    prepare(axes, "x", dimension, marks)
    default = position(dimension, dimension.default)
    if axes.get_xlim()[0] <= default <= axes.get_xlim()[1]:
        axes.axvline(default, color="0.4", ls=":", lw=1.1, zorder=1)


def mark_others(panel: HyperparameterPanel, shown: Shown) -> None:
    """Draw the tuned values of other searches for the optimizer that lie within the axis of a panel."""
    low, high = panel.axes.get_xlim()
    for each in shown.others(panel.study):
        at = position(panel.dimension, each[panel.dimension.name])
        if low <= at <= high:
            panel.axes.axvline(at, **ONE_OF_MANY)


def _values(study: StudyRecord, individuals: Sequence[CandidateRecord]) -> dict[Key, float]:
    """Return the values of the objective of the individuals that have one."""
    objective = study.spec.workload.objective
    shown = {one.key: objective.shown(one.fitness, one.steps) for one in individuals if one.status is Status.FINISHED}
    return {key: value for key, value in shown.items() if value is not None}


def _limits(rows: Sequence[tuple[StudyRecord, Sequence[CandidateRecord]]], *, log: bool = False) -> Limits:
    """Return the limits of the fitness axis: of what is minimised, at most MAX_MEDIANS times the median of a row."""
    values = [np.array(list(_values(study, individuals).values())) for study, individuals in rows]
    if rows[0][0].spec.workload.objective.is_max:
        return loss_limits(values, linear=True)
    shown = []
    for some in values:
        median = float(np.median(some)) if len(some) else math.nan
        shown.append(some if not median > 0 else some[some <= MAX_MEDIANS * median])
    return loss_limits(shown, log=log)


def _draw_legend(figure: Figure, *, to_target: bool, with_others: bool) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color="0.2", marker="o", ms=4, ls="", label="last generation"),
        Line2D(
            [], [], color="0.2", marker="o", ms=4, ls="", markerfacecolor="none", label="up to two generations before"
        ),
        Line2D([], [], color="0.2", marker="^", ms=4.5, ls="", label="beyond the axis"),
        Line2D(
            [],
            [],
            color="0.4",
            marker="x",
            ms=4.5,
            ls="",
            label="did not finish, or missed the target" if to_target else "did not finish",
        ),
        Line2D([], [], color="black", lw=0.9, label="tuned"),
        Line2D([], [], color="0.4", lw=1.1, ls=":", label="default, if within the axis"),
    ]
    if with_others:
        marks.append(Line2D([], [], **ONE_OF_MANY, label="tuned, other searches, if within the axis"))
    mark_legend(figure, marks, 3)
