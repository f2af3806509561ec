"""Parallel coordinates: a line per individual of a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from search_spaces.dimension import Dimension
from tuner.core.numbers import fitness
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.text import one_line
from tuner.results.analysis.generations import Searches, finished
from tuner.results.figures.canvas import Spacing, columns_that_fit, panel_figure
from tuner.results.figures.hyperparameter_axis import dimensions, label, position
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.several_searches import medians
from tuner.results.figures.sharpness import MAX_MEDIANS, last_generations
from tuner.results.figures.styles import styles_of
from tuner.results.tables.numbers import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 3  # panels side by side
MIN_PANEL = 2.2  # inches, of the width
SINGLE = (6.4, 2.8)  # inches of a single panel
SPACING = Spacing(panel=(3.5, 1.7), between=(0.5, 1.15), left=0.35, right=0.35, top=0.95, bottom=0.7)


def parallel_coordinates(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the individuals of the last generations that finished, the same as `sharpness`.

    Args:
        studies: The studies, which have one panel each, in this order.
        look: What the user asks for. Default: nothing.

    Returns:
        None if no individual finished.
    """
    shown = medians(studies)
    searches = [(study, _with_value(study, last_generations(study, some))) for study, some in shown.studies]
    searches = [(study, individuals) for study, individuals in searches if individuals]
    if not searches:
        return None
    columns = 2 if len(searches) == 4 else min(MAX_COLUMNS, len(searches))
    spacing = SPACING if len(searches) > 1 else replace(SPACING, panel=SINGLE)
    columns = columns_that_fit(columns, spacing, look, MIN_PANEL)
    rows = math.ceil(len(searches) / columns)
    title = f"{searches[0][0].spec.run}: last generations, darker is better"
    figure, panel_array = panel_figure(rows, columns, title, spacing, look=look)
    panels = panel_array.flatten()
    looks = styles_of(study.spec.workload.optimizer for study, _ in searches)
    for axes, (study, individuals) in zip(panels, searches, strict=False):
        draw_parallel(axes, study, individuals, looks[study.spec.workload.optimizer].colour)
    for axes in panels[len(searches) :]:
        axes.set_visible(False)
    return figure


def _with_value(study: StudyRecord, individuals: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    """Return the individuals that finished, without those that missed the objective's target."""
    objective = study.spec.workload.objective
    return [one for one in finished(individuals) if objective.shown(one.fitness, one.steps) is not None]


def draw_parallel(axes: Axes, study: StudyRecord, individuals: Sequence[CandidateRecord], hue: str) -> None:
    """Draw one search: a vertical axis per hyperparameter and one for the fitness, from least to greatest value."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    shown = dimensions(study.spec)
    positions = np.array([[position(one, run.hyperparameters[one.name]) for one in shown] for run in individuals])
    objective = study.spec.workload.objective
    scores = np.array([objective.value(fitness(run)) for run in individuals])
    logarithmic = bool((scores >= 0).all() and (scores > 0).any()) and not objective.is_max
    least = float(scores[scores > 0].min()) if logarithmic else float(scores.min())  # 0 is drawn at the lower end
    limit = max(MAX_MEDIANS * float(np.median(scores)), least)
    top = min(float(scores.max()), limit) if logarithmic else float(scores.max())
    heights = np.clip(scores, least, top)  # an outlier is drawn at the end of the axis
    table = np.column_stack([positions, np.log10(heights) if logarithmic else heights])  # [individuals, axes]
    low, high = np.fmin.reduce(table), np.fmax.reduce(table)  # NaN: a hyperparameter without an effect
    tuned = None if study.tuned is None else np.array([position(one, study.tuned[one.name]) for one in shown])
    if tuned is not None:
        low[:-1], high[:-1] = np.fmin(low[:-1], tuned), np.fmax(high[:-1], tuned)
    width = np.where(high > low, high - low, 1.0)
    scaled = np.where(high > low, (table - low) / width, np.where(np.isnan(table), np.nan, 0.5))
    order = np.argsort(scores if objective.is_max else -scores, kind="stable")  # the best is drawn last, on top
    shades = LinearSegmentedColormap.from_list("better", ["#E4E4E4", hue])(np.linspace(0, 1, len(order)))
    across = np.arange(table.shape[1])
    lines = [np.column_stack([across, scaled[one]]) for one in order]
    axes.add_collection(LineCollection(lines, colors=shades, lw=1.0, zorder=2), autolim=False)
    if tuned is not None:
        axes.plot(across[:-1], np.where(high > low, 0.0, 0.5)[:-1] + (tuned - low[:-1]) / width[:-1], "k--", lw=1.4,
                  zorder=3)  # fmt: skip
    ends = [(label(one, low[at]), label(one, high[at])) for at, one in enumerate(shown)]
    lowest, highest = float(scores.min()), float(scores.max())
    least_end = measured(lowest, 3) if lowest == least else f"{measured(least, 3)}, or 0"
    ends.append((least_end, f"{'≥ ' if top < highest else ''}{measured(top, 3)}"))
    for at, (low_end, high_end) in enumerate(ends):
        axes.axvline(at, color="0.3", lw=0.8, zorder=4)
        axes.annotate(
            high_end, (at, 1), xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", fontsize=7
        )
        axes.annotate(low_end, (at, 0), xytext=(0, -3), textcoords="offset points", ha="center", va="top", fontsize=7)
    axes.set_xlim(-0.3, len(across) - 0.7)
    axes.set_ylim(0, 1)
    axes.set_xticks(
        across, [*map(_wrapped, shown), objective.noun if not objective.is_default else "fitness"], fontsize=8
    )
    axes.tick_params(axis="x", length=0, pad=13)
    axes.set_yticks([])
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_title(one_line(study.spec.label), loc="left", color=hue, fontweight="bold", pad=15,
                   parse_math=False)  # fmt: skip


def _wrapped(dimension: Dimension) -> str:
    """Return a long name on several lines, so that it does not overlap its neighbours."""
    return dimension.name.replace("_", "\n") if len(dimension.name) > 10 else dimension.name
