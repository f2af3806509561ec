"""Metrics measured during a comparison: validation, and error of the Hessian."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuner.core.study import Series
from tuner.core.text import one_line
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures.canvas import counts_axis, loss_limits, new_figure
from tuner.results.figures.curves import draw_bands, finished, name_lines
from tuner.results.figures.resampling import Band, observed
from tuner.results.figures.styles import styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CLOCKS = {"evaluations": "gradient evaluations", "seconds": "seconds of training"}


def validation(comparison: Comparison) -> Figure | None:
    """Draw each validation metric against gradient evaluations and, if runs trained alone, against seconds.

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
    figure = new_figure(3.0 + 4.6 * len(clocks), 0.8 + 3.4 * len(metrics), _title(comparison, "validation"))
    panels = figure.subplots(len(metrics), len(clocks), squeeze=False)
    for row, name in enumerate(metrics):
        for column, clock in enumerate(clocks):
            axes, bands = panels[row, column], rows[name, clock]
            limits = loss_limits([one.mean for one in bands if one], linear=name != "loss")
            lines = draw_bands(axes, bands, styles(comparison), limits)
            axes.set_ylabel(one_line(f"validation {name}"), parse_math=False)
            if clock == "evaluations":
                counts_axis(axes, _CLOCKS[clock])
            else:
                axes.set_xlabel(_CLOCKS[clock])
            axes.set_xlim(left=0)
            if row == column == 0:
                name_lines(figure, comparison, lines, bands)
    return figure


def hessian_error(comparison: Comparison) -> Figure | None:
    """Draw ‖I - G(θ)H‖_F / √n of the optimizers that learn a preconditioner, on tasks with a constant H.

    Returns:
        None if it was not measured.
    """
    bands: list[Band | None] = [observed(some, "error") for some in _of("hessian-error", comparison)]
    if not any(bands):
        return None
    kept = [index for index, band in enumerate(bands) if band]
    figure = new_figure(8.2, 4.2, _title(comparison, "distance from the inverse Hessian"))
    axes = figure.subplots()
    line_styles = styles(comparison)
    bands_shown = [bands[index] for index in kept]
    limits = loss_limits([band.mean for band in bands_shown if band])
    lines = draw_bands(axes, bands_shown, [line_styles[index] for index in kept], limits)
    axes.set_ylabel("‖I - G H‖$_F$ / √n")
    axes.set_xlim(0, comparison.steps)
    counts_axis(axes, "gradient evaluations")
    contenders = [comparison.contenders[index] for index in kept]
    name_lines(figure, comparison, lines, bands_shown, contenders)
    return figure


def _of(split: str, comparison: Comparison) -> list[Sequence[Series]]:
    return [[run.series[split] for run in finished(one) if split in run.series] for one in comparison.contenders]


def _title(comparison: Comparison, what: str) -> str:
    return f"{comparison.run}: {what} on {comparison.task_label}"
