"""Final losses of a comparison: every run, and the mean with its 95 % interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tuner.core.study import SeedRun
from tuner.core.text import one_line
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison, Contender, FinalLoss
from tuner.results.analysis.ranking import Standing
from tuner.results.figures.canvas import EDGE, hide_spines, loss_limits, new_figure, round_ticks, wrapped
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import Style, styles
from tuner.results.tables.numbers import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LossOf = Callable[[SeedRun], float | None]


def final_losses(comparison: Comparison, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the final losses, one row per contender and one panel per budget.

    Args:
        comparison: A comparison.
        look: What the user asks for; a narrow figure has the panels below each other. Default: nothing.

    Returns:
        None for a sweep, which `sweep` draws, and if no run finished.
    """
    if comparison.sweep is not None or not any(one.by_steps.loss for one in comparison.contenders):
        return None
    timed = any(one.by_time and one.by_time.loss for one in comparison.contenders)
    height = 1.3 + (0.6 if look.is_narrow else 0.36) * len(comparison.contenders)  # letters are not made smaller
    below = timed and look.is_narrow
    size = (10.4 if timed and not below else 7.2, height * (1 + below))
    figure = new_figure(*size, f"{comparison.run}: {comparison.task_label}", look)
    panels = figure.subplots(1 + below, 2 if timed and not below else 1, sharey=True, squeeze=False).flatten()
    styles_of, objective = styles(comparison), comparison.objective
    with_floors = not (objective.validates or objective.is_to_target)
    draw_final_losses(
        panels[0], comparison.contenders, styles_of, [one.by_steps for one in comparison.contenders],
        lambda run: value_by_steps(comparison, run), with_floors=with_floors, log=look.log_y,
    )  # fmt: skip
    has_floors = with_floors and any(one.floor is not None for one in comparison.contenders)
    floors = "; grey: floor" if has_floors else ""
    finals = [final for one in comparison.contenders for final in (one.by_steps, one.by_time) if final is not None]
    has_intervals = any(final.loss is not None and final.loss.low is not None for final in finals)
    interval = " and its 95 % interval" if has_intervals else ""
    marks = f"\n{wrapped(f'black: mean{interval}{floors}', look)}"
    label = f"{objective.label}, {comparison.steps:,} evaluations ({objective.better} is better)"
    if objective.is_default:
        label = f"training loss in the last 10 % of {comparison.steps:,} evaluations"
    panels[0].set_xlabel(f"{wrapped(label, look)}{marks}")
    names = [one_line(one.name) for one in comparison.contenders]
    panels[0].set_yticks(range(len(names)), names, parse_math=False)
    _colour_names(panels[0], styles_of)
    if timed:
        draw_final_losses(
            panels[1], comparison.contenders, styles_of, [one.by_time for one in comparison.contenders], _by_time,
            log=look.log_y,
        )  # fmt: skip
        panels[1].set_xlabel(f"training loss in the last 10 % of {comparison.seconds:g} s{marks}")
        panels[1].tick_params(axis="y", labelleft=below)
        if below:
            panels[1].set_yticks(range(len(names)), names, parse_math=False)
            _colour_names(panels[1], styles_of)
    return figure


def _colour_names(axes: Axes, styles_of: Sequence[Style]) -> None:
    for text, style in zip(axes.get_yticklabels(), styles_of, strict=True):
        text.set_color(style.colour)


def value_by_steps(comparison: Comparison, run: SeedRun) -> float | None:
    """Return the objective's value of a run; None unless it finished, and reached the target."""
    return comparison.objective.shown(run.candidate.fitness, comparison.steps)


def _by_time(run: SeedRun) -> float | None:
    if "time" not in run.series or run.candidate.status not in (Status.FINISHED, Status.DIVERGED):
        return None
    loss = float(run.series["time"].metrics["loss"][-1])
    return loss if math.isfinite(loss) else None


def draw_final_losses(
    axes: Axes,
    contenders: Sequence[Contender],
    styles_of: Sequence[Style],
    finals: Sequence[FinalLoss | None],
    loss_of: LossOf,
    *,
    with_floors: bool = True,
    log: bool = False,
) -> None:
    """Draw one row per contender, the first on top; with floors if the values are losses in training."""
    losses = [sorted(loss for run in one.runs if (loss := loss_of(run)) is not None) for one in contenders]
    floors = [one.floor for one in contenders if one.floor is not None and with_floors]
    logarithmic, low, high = loss_limits([np.array(some) for some in losses], floors, log=log)
    if logarithmic:
        axes.set_xscale("log")
        round_ticks(axes.xaxis, high / low)
    axes.set_xlim(low, high)
    for row, (contender, style, final, some) in enumerate(zip(contenders, styles_of, finals, losses, strict=True)):
        below = [loss for loss in some if loss < low]  # 0 on a logarithmic axis
        if below:
            axes.plot([1 - EDGE] * len(below), [row] * len(below), "<", color=style.colour, ms=4, alpha=0.45,
                      transform=axes.get_yaxis_transform(), zorder=2)  # fmt: skip
        some = some[len(below) :]
        within = [loss for loss in some if loss <= high]
        axes.plot(within, [row] * len(within), style.marker, color=style.colour, ms=4, alpha=0.45, ls="", zorder=2)
        if len(within) < len(some):
            _write_beyond(axes, row, style.colour, some[len(within) :])
        if final is not None and final.loss is not None:
            estimate = final.loss
            if estimate.low is not None and estimate.high is not None:
                axes.plot([estimate.low, estimate.high], [row, row], "-", color="black", lw=1.6, zorder=3)
            axes.plot([estimate.mean], [row], "|", color="black", ms=11, mew=1.8, zorder=3)
        if contender.floor is not None and with_floors:
            axes.plot([contender.floor], [row], marker="|", color="0.35", ms=9, mew=1.0, ls="", zorder=1)
        if remark := _remark(contender, final):
            _write_remark(
                axes, remark, row, (low, high), None if final is None or final.loss is None else final.loss.mean
            )
    axes.set_ylim(len(contenders) - 0.5, -0.6)
    axes.grid(axis="x", color="0.9", lw=0.6)
    axes.set_axisbelow(True)
    hide_spines(axes)


def _write_beyond(axes: Axes, row: int, colour: str, losses: Sequence[float]) -> None:
    """Write the median of the losses beyond the axis at its right end, and their number if there are several."""
    many = f" ({len(losses)} runs)" if len(losses) > 1 else ""
    axes.annotate(
        f"{number(statistics.median(losses), 3)}{many} →", (EDGE, row), xycoords=axes.get_yaxis_transform(),
        ha="right", va="center", fontsize=7, color=colour, zorder=2,
    )  # fmt: skip


def _write_remark(axes: Axes, remark: str, row: int, limits: tuple[float, float], mean: float | None) -> None:
    """Write a remark above the mean of a row; align it to the edge of the panel if the mean is near it."""
    transform = axes.transData if mean is not None else axes.get_yaxis_transform()
    at = 0.5 if mean is None else min(max(mean, limits[0]), limits[1])
    share = 0.5 if mean is None else axes.transScale.transform((at, 0))[0]
    if mean is not None:
        low, high = (axes.transScale.transform((end, 0))[0] for end in limits)
        share = (share - low) / (high - low)
    side = "right" if share > 0.85 else "left" if share < 0.15 else "center"
    axes.annotate(
        remark, (at, row), xycoords=transform, xytext=(0, 6), textcoords="offset points", ha=side, va="bottom",
        fontsize=7, color="0.2", zorder=4, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
    )  # fmt: skip


def _remark(contender: Contender, final: FinalLoss | None) -> str:
    """Return the remark on a row: best or tie, and how many runs diverged."""
    if final is None:
        return ""
    standing = final.rank.standing
    parts = [standing.value] if standing in (Standing.BEST, Standing.TIE) else []
    parts += [f"{final.missed} of {contender.seeds} missed the target"] if final.missed else []
    parts += [f"{final.diverged} of {contender.seeds} diverged"] if final.diverged else []
    return ", ".join(parts)
