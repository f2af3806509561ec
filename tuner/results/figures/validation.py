"""Metrics measured during a comparison: validation, and error of the Hessian."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuner.core.study import Series
from tuner.core.text import one_line
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures.canvas import counts_axis, loss_limits, new_figure, settled_limits
from tuner.results.figures.curves import draw_bands, finished, name_lines
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.resampling import Band, observed
from tuner.results.figures.styles import styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CLOCKS = {"evaluations": "gradient evaluations", "seconds": "seconds of training"}


def validation(comparison: Comparison, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw each validation metric against gradient evaluations and, if runs trained alone, against seconds.

    Args:
        comparison: A comparison.
        look: What the user asks for; a narrow figure has the panels below each other. Default: nothing.

    Returns:
        None if no validation was measured.
    """
    series = _of("validation", comparison)
    metrics = [name for name in comparison.metrics if any(name in one.metrics for some in series for one in some)]
    rows = {
        (name, clock): bands
        for name in metrics
        for clock in _CLOCKS
        if any(bands := [observed(some, name, clock) for some in series])
    }
    if not rows:
        return None
    clocks = [clock for clock in _CLOCKS if any(clock == other for _, other in rows)]
    across = 1 if look.is_narrow else len(clocks)
    down = len(metrics) * len(clocks) // across
    figure = new_figure(3.0 + 4.6 * across, 0.8 + 3.4 * down, _title(comparison, "validation"), look)
    panels = figure.subplots(down, across, squeeze=False).reshape(len(metrics), len(clocks))
    for row, name in enumerate(metrics):
        for column, clock in enumerate(clocks):
            axes, bands = panels[row, column], rows[name, clock]
            limits = settled_limits([one.mean for one in bands if one], linear=name != "loss", log=look.log_y)
            draw_bands(axes, bands, styles(comparison), limits)
            axes.set_ylabel(one_line(f"validation {name}"), parse_math=False)
            if clock == "evaluations":
                counts_axis(axes, _CLOCKS[clock])
            else:
                axes.set_xlabel(_CLOCKS[clock])
            axes.set_xlim(0, max(float(band.at[-1]) for band in bands if band) or 1.0)
            if column == len(clocks) - 1 or across == 1:
                name_lines(axes, comparison, bands, look)
    return figure


def hessian_error(comparison: Comparison, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw ‖I - G(θ)H‖_F / √n of the optimizers that learn a preconditioner, on tasks with a constant H.

    Args:
        comparison: A comparison.
        look: What the user asks for. Default: nothing.

    Returns:
        None if it was not measured.
    """
    bands: list[Band | None] = [observed(some, "error") for some in _of("hessian-error", comparison)]
    if not any(bands):
        return None
    kept = [index for index, band in enumerate(bands) if band]
    figure = new_figure(8.2, 4.2, _title(comparison, "distance from the inverse Hessian"), look)
    axes = figure.subplots()
    line_styles = styles(comparison)
    bands_shown = [bands[index] for index in kept]
    limits = loss_limits([band.mean for band in bands_shown if band], log=look.log_y)
    draw_bands(axes, bands_shown, [line_styles[index] for index in kept], limits)
    axes.set_ylabel("‖I - G H‖$_F$ / √n")
    axes.set_xlim(0, comparison.steps)
    counts_axis(axes, "gradient evaluations")
    name_lines(axes, comparison, bands_shown, look, kept)
    return figure


def _of(split: str, comparison: Comparison) -> list[Sequence[Series]]:
    return [[run.series[split] for run in finished(one) if split in run.series] for one in comparison.contenders]


def _title(comparison: Comparison, what: str) -> str:
    return f"{comparison.run}: {what} on {comparison.task_label}"
