"""Fitness on each task of a search on several, a panel per task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.text import one_line
from tuner.results.analysis.generations import Searches, by_generation
from tuner.results.analysis.several_tasks import on_each_task, whole
from tuner.results.figures.canvas import (
    MAX_VALUE,
    MIN_LOG_RATIO,
    Spacing,
    columns_that_fit,
    hide_spines,
    mark_legend,
    panel_figure,
)
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import DOTTED, SOLID, Style, styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MAX_COLUMNS = 3  # panels side by side
PANEL = (3.0, 2.2)  # inches

Points = list[tuple[int, float, int]]  # generation, value, budget


def fitness_on_tasks(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw a search on several tasks.

    Args:
        studies: The studies of one run, which have one line each in the panel of every task.
        look: What the user asks for. Default: nothing.

    Returns:
        None if the search is on one task, or if nothing is recorded.
    """
    if not studies or len(studies[0][0].spec.workloads) == 1:
        return None
    lines = [(study.spec.label, list(_lines(study, runs))) for study, runs in studies]
    if not any(chosen or best for _, of_tasks in lines for chosen, best in of_tasks):
        return None
    looks = styles_of(optimizer for optimizer, _ in lines)
    workloads = studies[0][0].spec.workloads
    columns = columns_that_fit(min(MAX_COLUMNS, len(workloads)), Spacing(PANEL, (0.75, 0.9)), look)
    title = f"{studies[0][0].spec.run}: search on {studies[0][0].spec.task_label}"
    spacing = Spacing(PANEL, (0.75, 0.9), top=0.75, bottom=1.15)
    figure, panels = panel_figure(-(-len(workloads) // columns), columns, title, spacing, look=look)
    axes = panels.flatten()
    for task, (panel, workload) in enumerate(zip(axes, workloads, strict=False)):
        own = [(looks[optimizer], *of_tasks[task]) for optimizer, of_tasks in lines]
        _draw(panel, own)
        panel.set_title(one_line(workload.task_label), fontsize=9, parse_math=False)
        panel.set_xlabel("generation")
        panel.set_ylabel(workload.objective.label)
    for panel in axes[len(workloads) :]:
        panel.set_visible(False)
    mark_legend(figure, _marks(looks), 3)
    return figure


def _lines(study: StudyRecord, runs: Sequence[CandidateRecord]) -> Iterator[tuple[Points, Points]]:
    """Yield for each task the fitness of the best candidate by score of each generation, and the best fitness."""
    of_scores, scores = whole(study, runs)
    best_slots = {
        generation.number: generation.finished[0].key.slot
        for generation in by_generation(of_scores.spec, scores)
        if generation.finished
    }
    for on_task, own in on_each_task(study, runs):
        chosen: Points = []
        best: Points = []
        for generation in by_generation(on_task.spec, own):
            slot = best_slots.get(generation.number)
            of_best = [generation.value(run) for run in generation.finished if run.key.slot == slot]
            for points, values in ((chosen, of_best), (best, [generation.best])):
                points += [(generation.number, value, generation.steps) for value in values if value is not None]
        yield chosen, best


def _draw(axes: Axes, lines: Sequence[tuple[Style, Points, Points]]) -> None:
    from matplotlib.ticker import MaxNLocator

    values = [abs(value) for _, *both in lines for points in both for _, value, _ in points]
    signed = [value for _, *both in lines for points in both for _, value, _ in points]
    if signed and min(signed) > 0 and min(max(values), MAX_VALUE) / min(values) >= MIN_LOG_RATIO:
        axes.set_yscale("log")
    for look, chosen, best in lines:
        for points, dash, marker in ((best, DOTTED, ""), (chosen, SOLID, look.marker)):
            for _, group in groupby(points, key=lambda point: point[2]):  # values of other budgets do not compare
                part = [
                    (number, value) for number, value, _ in group if math.isfinite(value) and abs(value) < MAX_VALUE
                ]
                axes.plot(*zip(*part, strict=True), color=look.colour, ls=dash, marker=marker, ms=4.5, lw=1.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    hide_spines(axes)


def _marks(looks: dict[str, Style]) -> list[Line2D]:
    from matplotlib.lines import Line2D

    optimizers = [
        Line2D([], [], color=look.colour, marker=look.marker, ms=4.5, lw=1.3, label=one_line(name))
        for name, look in looks.items()
    ]
    return [
        *optimizers,
        Line2D([], [], color="0.35", ls=SOLID, lw=1.3, label="best by score"),
        Line2D([], [], color="0.35", ls=DOTTED, lw=1.3, label="best on this task alone"),
    ]
