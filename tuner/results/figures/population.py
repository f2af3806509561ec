"""Hyperparameters of every individual of a search, by generation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from search_spaces.dimension import Dimension
from tuner.core.numbers import fitness
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.trial import Role, Status
from tuner.results.analysis.generations import Searches, by_generation
from tuner.results.figures.canvas import columns_of, mark_legend, spread_out
from tuner.results.figures.hyperparameter_axis import HyperparameterPanel, hyperparameter_rows, position, prepare
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.several_searches import ONE_OF_MANY, medians

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def population(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the individuals of a search on the scale of each hyperparameter.

    Args:
        studies: The studies, which have one row of panels each, in this order.
        look: What the user asks for. Default: nothing.

    Returns:
        None if no individual is recorded.
    """
    shown = medians(studies)
    rows = [(study, [one for one in some if one.key.role is Role.SEARCH]) for study, some in shown.studies]
    rows = [(study, some) for study, some in rows if some]
    if not rows:
        return None
    figure, panels = hyperparameter_rows([study for study, _ in rows], "population by generation", look)
    for panel in panels:
        draw_population(panel, rows[panel.row][1], shown.others(panel.study))
        if panel.row + 1 == len(rows):
            panel.axes.set_xlabel("generation")
    _draw_legend(figure, max(panel.number for panel in panels) + 1, with_others=any(shown.tuned.values()))
    return figure


def draw_population(
    panel: HyperparameterPanel, individuals: list[CandidateRecord], others: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Draw one hyperparameter of a search: the better half filled, the others hollow, crosses for unfinished ones.

    Args:
        panel: Where to draw.
        individuals: Those of the search.
        others: Tuned hyperparameters of other searches for the optimizer.
    """
    axes, study, dimension, hue = panel.axes, panel.study, panel.dimension, panel.hue
    better: list[tuple[float, float]] = []
    rest: list[tuple[float, float]] = []
    for generation in by_generation(study.spec, individuals):
        half = len(generation.finished) - len(generation.finished) // 2
        for rank, one in enumerate(generation.finished):
            (better if rank < half else rest).append(_point(one, study, dimension))
    unfinished = [
        _point(one, study, dimension)
        for one in individuals
        if one.status.is_final and not (one.status is Status.FINISHED and math.isfinite(fitness(one)))
    ]
    axes.scatter(*columns_of(unfinished), s=14, marker="x", color="0.55", lw=0.8, zorder=2)
    axes.scatter(*columns_of(rest), s=11, facecolor="none", edgecolor=hue, lw=0.6, alpha=0.8, zorder=3)
    axes.scatter(*columns_of(better), s=11, color=hue, lw=0, zorder=4)
    marks = [position(dimension, one.hyperparameters[dimension.name]) for one in individuals]
    default = position(dimension, dimension.default)
    axes.axhline(default, color="0.4", ls=":", lw=1.1, zorder=1)
    marks.append(default)
    if study.tuned is not None:
        tuned = position(dimension, study.tuned[dimension.name])
        axes.axhline(tuned, color="black", ls="-", lw=0.9, zorder=1)
        marks.append(tuned)
    for each in others:
        marks.append(position(dimension, each[dimension.name]))
        axes.axhline(marks[-1], **ONE_OF_MANY)
    prepare(axes, "y", dimension, marks)
    axes.set_xlim(-0.6, study.search.generations - 0.4)
    axes.set_xticks(range(0, study.search.generations, math.ceil(study.search.generations / 10)))


def _point(one: CandidateRecord, study: StudyRecord, dimension: Dimension) -> tuple[float, float]:
    """Return the coordinates of an individual; those of one generation are side by side in slot order."""
    offset = spread_out(one.key.slot, study.search.population, 0.6)
    return one.key.generation + offset, position(dimension, one.hyperparameters[dimension.name])


def _draw_legend(figure: Figure, columns: int, *, with_others: bool) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color="0.2", marker="o", ms=4, ls="", label="better half"),
        Line2D([], [], color="0.2", marker="o", ms=4, ls="", markerfacecolor="none", label="others"),
        Line2D([], [], color="0.55", marker="x", ms=4.5, ls="", label="did not finish"),
        Line2D([], [], color="black", lw=0.9, label="tuned"),
        Line2D([], [], color="0.4", lw=1.1, ls=":", label="default"),
    ]
    if with_others:
        marks.append(Line2D([], [], **ONE_OF_MANY, label="tuned, other searches"))
    mark_legend(figure, marks, 3 if columns < 3 or with_others else 5)
