"""Metrics measured during a comparison.

Metrics of the validation set, and the distance of G from the inverse Hessian.
"""

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
    """Draw each validation metric against gradient evaluations and, where runs trained alone, seconds.

    Returns:
        None without validation.
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
    """Draw ‖I - G(θ)H‖_F / √n of the optimizers that learn a preconditioner, where H is constant.

    Returns:
        None where it was not measured.
    """
    bands: list[Band | None] = [observed(some, "error") for some in _of("hessian-error", comparison)]
    if not any(bands):
        return None
    kept = [place for place, found in enumerate(bands) if found]
    figure = new_figure(8.2, 4.2, _title(comparison, "distance from the inverse Hessian"))
    axes = figure.subplots()
    looks = styles(comparison)
    found = [bands[place] for place in kept]
    limits = loss_limits([one.mean for one in found if one])
    lines = draw_bands(axes, found, [looks[place] for place in kept], limits)
    axes.set_ylabel("‖I - G H‖$_F$ / √n")
    axes.set_xlim(0, comparison.steps)
    counts_axis(axes, "gradient evaluations")
    shown = [comparison.contenders[place] for place in kept]
    name_lines(figure, comparison, lines, found, shown)
    return figure


def _of(split: str, comparison: Comparison) -> list[Sequence[Series]]:
    return [[run.series[split] for run in finished(one) if split in run.series] for one in comparison.contenders]


def _title(comparison: Comparison, what: str) -> str:
    return f"{comparison.run}: {what} on {comparison.task_label}"
