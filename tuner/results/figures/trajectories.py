"""Trajectories of optimizers on the contours of Rosenbrock's function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.core.study import SeedRun, Series
from tuner.core.text import one_line
from tuner.results.analysis.comparison import Comparison, Contender
from tuner.results.figures.canvas import Spacing, columns_that_fit, new_figure
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import Style, styles
from tuner.results.tables.numbers import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TASK = "rosenbrock"
MINIMUM = (1.0, 1.0)
MAX_WINDOW = ((-2.5, 2.5), (-1.5, 3.5))  # of x and y; trajectories outside are cut off
MAX_COLUMNS = 3  # panels side by side
PANEL = (3.4, 3.0)  # inches
MIN_PANEL = 1.3  # inches, of the width
LEVELS = np.logspace(-4, 2, 13)  # contours of the loss


def rosenbrock(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the loss of the task, 0.01 (1-x)² + (y-x²)², computed with NumPy."""
    return 0.01 * (1 - x) ** 2 + (y - x * x) ** 2


def trajectories(comparison: Comparison, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the trajectories of every contender, one per seed; without noise most of them coincide.

    Args:
        comparison: A comparison.
        look: What the user asks for. Default: nothing.

    Returns:
        None for another task, and if no trajectory was recorded.
    """
    shown = [
        (contender, style, runs)
        for contender, style in zip(comparison.contenders, styles(comparison), strict=True)
        if (runs := [run for run in contender.runs if "trajectory" in run.series])
    ]
    if comparison.task != TASK or not shown:
        return None
    columns = 2 if len(shown) in (2, 4) else min(MAX_COLUMNS, len(shown))
    columns = columns_that_fit(columns, Spacing(PANEL, (0.1, 0.1), left=0.5, right=0.1), look, MIN_PANEL)
    rows = math.ceil(len(shown) / columns)
    title = f"{comparison.run}: trajectories of {comparison.steps:,} gradient evaluations on {comparison.task_label}"
    figure = new_figure(max(5.4, PANEL[0] * columns), PANEL[1] * rows + 0.6, title, look)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    trajectories_shown = [run.series["trajectory"] for _, _, runs in shown for run in runs]
    x_limits, y_limits = _window(trajectories_shown, "x", 0), _window(trajectories_shown, "y", 1)
    x, y = np.meshgrid(np.linspace(*x_limits, 160), np.linspace(*y_limits, 160))
    losses = rosenbrock(x, y)
    for index, (axes, (contender, style, runs)) in enumerate(zip(panels, shown, strict=False)):
        axes.contour(x, y, losses, levels=LEVELS, colors="0.72", linewidths=0.6, zorder=1)
        _draw(axes, contender, style, runs)
        axes.set_xlim(*x_limits)
        axes.set_ylim(*y_limits)
        if index + columns >= len(shown):
            axes.set_xlabel("x")
            axes.tick_params(labelbottom=True)
        if index % columns == 0:
            axes.set_ylabel("y")
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    return figure


def _draw(axes: Axes, contender: Contender, style: Style, runs: Sequence[SeedRun]) -> None:
    for run in runs:
        trajectory = run.series["trajectory"].metrics
        axes.plot(trajectory["x"], trajectory["y"], "-", color=style.colour, lw=1.1, marker=".", ms=3.5,
                  alpha=max(0.4, 1 / len(runs)), zorder=3)  # fmt: skip
    first = runs[0].series["trajectory"].metrics
    axes.plot(first["x"][:1], first["y"][:1], "s", color="black", ms=5, zorder=4)
    ends = [run.series["trajectory"].metrics for run in runs]
    axes.plot([one["x"][-1] for one in ends], [one["y"][-1] for one in ends], "o", color="white", mec="black", ms=5.5,
              ls="", zorder=5)  # fmt: skip
    axes.plot(*[[number] for number in MINIMUM], "*", color="gold", mec="black", mew=0.7, ms=11, zorder=4)
    loss = contender.by_steps.loss
    mean = "" if loss is None else f", loss {measured(loss.mean, 2)}"
    axes.set_title(one_line(contender.name + mean), loc="left", fontsize=9, color=style.colour, parse_math=False)


def _window(trajectories_shown: Sequence[Series], axis: str, number: int) -> tuple[float, float]:
    """Return the limits of an axis, which includes all trajectories and the minimum, within MAX_WINDOW."""
    values = np.concatenate([trajectory.metrics[axis] for trajectory in trajectories_shown])
    finite = values[np.isfinite(values)]
    low, high = min(MINIMUM[number], *finite.tolist()), max(MINIMUM[number], *finite.tolist())
    low, high = max(low, MAX_WINDOW[number][0]), min(high, MAX_WINDOW[number][1])
    room = 0.12 * (high - low) or 0.5
    return low - room, high + room
