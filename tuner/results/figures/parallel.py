"""Parallel coordinates of a search.

One line per individual, through its hyperparameters and its fitness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from search_spaces.space import Dimension
from tuner.core.numbers import fitness
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.text import one_line
from tuner.results.analysis.generations import Searches, finished
from tuner.results.figures.canvas import Spacing, panel_figure
from tuner.results.figures.hyperparameter_axis import dimensions, label, position
from tuner.results.figures.sharpness import MAX_MEDIANS, last_generations
from tuner.results.figures.styles import styles_of
from tuner.results.tables.numbers import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 3  # panels side by side
SPACING = Spacing(panel=(3.5, 1.7), between=(0.5, 1.15), left=0.35, right=0.35, top=0.95, bottom=0.7)


def parallel_coordinates(studies: Searches) -> Figure | None:
    """Draw the individuals of the last generations that finished, the same as `sharpness`.

    Args:
        studies: One panel each, in this order.

    Returns:
        None where none finished.
    """
    found = [(study, finished(last_generations(study, some))) for study, some in studies]
    found = [(study, some) for study, some in found if some]
    if not found:
        return None
    columns = 2 if len(found) == 4 else min(MAX_COLUMNS, len(found))
    rows = math.ceil(len(found) / columns)
    title = f"{found[0][0].spec.run}: last generations, darker is better"
    figure, found_panels = panel_figure(rows, columns, title, SPACING)
    panels = found_panels.flatten()
    looks = styles_of(study.spec.workload.optimizer for study, _ in found)
    for axes, (study, some) in zip(panels, found, strict=False):
        draw_parallel(axes, study, some, looks[study.spec.workload.optimizer].colour)
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    return figure


def draw_parallel(axes: Axes, study: StudyRecord, individuals: Sequence[CandidateRecord], hue: str) -> None:
    """Draw one search: an upright per hyperparameter and one for the fitness, each from its least to its greatest."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    named = dimensions(study.spec)
    places = np.array([[position(one, run.hyperparameters[one.name]) for one in named] for run in individuals])
    scores = np.array([fitness(run) for run in individuals])
    logarithmic = bool((scores > 0).all())
    top = min(float(scores.max()), MAX_MEDIANS * float(np.median(scores))) if logarithmic else float(scores.max())
    heights = np.minimum(scores, top)  # an outlier is drawn to the upright's end
    table = np.column_stack([places, np.log10(heights) if logarithmic else heights])  # [individuals, uprights]
    low, high = table.min(axis=0), table.max(axis=0)
    tuned = None if study.tuned is None else np.array([position(one, study.tuned[one.name]) for one in named])
    if tuned is not None:
        low[:-1], high[:-1] = np.minimum(low[:-1], tuned), np.maximum(high[:-1], tuned)
    width = np.where(high > low, high - low, 1.0)
    scaled = np.where(high > low, (table - low) / width, 0.5)
    order = np.argsort(-scores, kind="stable")  # the best is drawn last, on top
    shades = LinearSegmentedColormap.from_list("better", ["#E4E4E4", hue])(np.linspace(0, 1, len(order)))
    across = np.arange(table.shape[1])
    lines = [np.column_stack([across, scaled[one]]) for one in order]
    axes.add_collection(LineCollection(lines, colors=shades, lw=1.0, zorder=2), autolim=False)
    if tuned is not None:
        axes.plot(across[:-1], np.where(high > low, 0.0, 0.5)[:-1] + (tuned - low[:-1]) / width[:-1], "k--", lw=1.4,
                  zorder=3)  # fmt: skip
    ends = [(label(one, low[at]), label(one, high[at])) for at, one in enumerate(named)]
    ends.append((measured(float(scores.min()), 3), f"{'≥ ' if top < scores.max() else ''}{measured(top, 3)}"))
    for at, (lowest, highest) in enumerate(ends):
        axes.axvline(at, color="0.3", lw=0.8, zorder=4)
        axes.annotate(highest, (at, 1), xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", fontsize=7)
        axes.annotate(lowest, (at, 0), xytext=(0, -3), textcoords="offset points", ha="center", va="top", fontsize=7)
    axes.set_xlim(-0.3, len(across) - 0.7)
    axes.set_ylim(0, 1)
    axes.set_xticks(across, [*map(_broken, named), "fitness"], fontsize=8)
    axes.tick_params(axis="x", length=0, pad=13)
    axes.set_yticks([])
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_title(one_line(study.spec.workload.optimizer), loc="left", color=hue, fontweight="bold", pad=15,
                   parse_math=False)  # fmt: skip


def _broken(dimension: Dimension) -> str:
    """Return a long name on several lines, so that neighbours do not touch."""
    return dimension.name.replace("_", "\n") if len(dimension.name) > 10 else dimension.name
