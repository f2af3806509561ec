"""Final loss against the parameter of a sweep, by seed and as mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from search_spaces.dimension import Dimension, Scale
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures.canvas import EDGE, apply_limits, hide_spines, loss_limits, new_figure
from tuner.results.figures.final import value_by_steps
from tuner.results.figures.hyperparameter_axis import position
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import style
from tuner.results.tables.numbers import counted, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sweep(comparison: Comparison, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw a sweep.

    Args:
        comparison: A comparison.
        look: What the user asks for. Default: nothing.

    Returns:
        None for a comparison without a sweep, and if no run finished or diverged.
    """
    points = [(one, float(one.point.value)) for one in comparison.contenders if one.point.value is not None]
    if comparison.sweep is None or not any(one.by_steps.loss or one.by_steps.diverged for one, _ in points):
        return None
    objective = comparison.objective
    scale = points[0][0].scales.get(comparison.sweep)
    dimension = None if scale is not Scale.DECAY else Dimension(comparison.sweep, Scale.DECAY, 0.0)
    positions = [value if dimension is None else position(dimension, value) for _, value in points]
    optimizer = points[0][0].optimizer
    hue = style(optimizer).colour
    figure = new_figure(6.4, 4.0, f"{comparison.run}: {optimizer} on {comparison.task_label}", look)
    axes = figure.subplots()
    losses = [
        sorted(loss for run in one.runs if (loss := value_by_steps(comparison, run)) is not None) for one, _ in points
    ]
    floor = None if objective.validates or objective.is_to_target else points[0][0].floor
    limits = loss_limits([np.array(some) for some in losses], [] if floor is None else [floor], log=look.log_y)
    apply_limits(axes, limits)
    for at, some in zip(positions, losses, strict=True):
        within = [loss for loss in some if limits[1] <= loss <= limits[2]]
        below = [at for loss in some if loss < limits[1]]  # 0 on a logarithmic axis
        if below:
            axes.plot(below, [1 - EDGE] * len(below), "v", color=hue, ms=5, alpha=0.6, mew=0, zorder=2, label="_below",
                      transform=axes.get_xaxis_transform())  # fmt: skip
        axes.plot([at] * len(within), within, "o", color=hue, ms=4, alpha=0.4, mew=0, zorder=2, label="_a run")
    estimates = [one.by_steps.loss for one, _ in points]
    axes.errorbar(
        positions, [math.nan if one is None else one.mean for one in estimates],
        yerr=[math.nan if one is None else one.spread for one in estimates],
        color=hue, marker=style(optimizer).marker, ms=6, lw=1.5, capsize=3, zorder=3,
    )  # fmt: skip
    for at, (one, _) in zip(positions, points, strict=True):
        if one.by_steps.diverged:
            axes.annotate(
                f"✕ {one.by_steps.diverged}/{one.seeds}\ndiverged", (at, EDGE), xycoords=axes.get_xaxis_transform(),
                ha="center", va="top", fontsize=7, color="0.25",
            )  # fmt: skip
    if floor is not None and limits[1] <= floor:
        axes.axhline(floor, color="0.35", ls=(0, (1, 2)), lw=1.0, zorder=1)
    axes.set_xticks(positions, [number(value, 3) for _, value in points])
    axes.set_xlabel(comparison.sweep)
    what = "training loss in the last 10 %" if objective.is_default else objective.label
    axes.set_ylabel(f"{what},\nmean ± sd over {counted(comparison.seeds, 'seed')}")
    hide_spines(axes)
    return figure
