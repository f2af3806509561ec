"""Learning curves of a comparison: mean and standard deviation over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tuner.core.study import SeedRun
from tuner.core.text import one_line
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison, Contender
from tuner.results.figures.canvas import (
    EDGE,
    MAX_VALUE,
    Limits,
    apply_limits,
    counts_axis,
    hide_spines,
    new_figure,
    settled_limits,
    wrapped,
)
from tuner.results.figures.line_labels import Named, name_at_ends
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.resampling import Band, by_steps, by_time, window_of
from tuner.results.figures.styles import Style, styles
from tuner.results.tables.numbers import counted, measured, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = 8  # per line


def learning_by_steps(comparison: Comparison, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the training loss against gradient evaluations.

    Args:
        comparison: A comparison with curves (`Store.seed_runs(id, curves=True)`).
        look: What the user asks for. Default: nothing.

    Returns:
        None if no run with a curve finished, and none diverged: imported runs have no curves.
    """
    bands: list[Band | None] = []
    for one in comparison.contenders:
        curves = [run.losses for run in finished(one) if run.losses is not None and len(run.losses)]
        complete = [curve for curve in curves if len(curve) == len(curves[0])]
        bands.append(by_steps(complete, look.smooth) if complete else None)
    ended = not comparison.is_imported and any(_diverged(one) for one in comparison.contenders)
    if not any(bands) and not ended:
        return None
    window = window_of(comparison.steps, look.smooth)
    figure, axes = _learning(comparison, bands, "", look)
    _mark_diverged(axes, comparison)
    counts_axis(axes, "gradient evaluations" + (f", in windows of {window:,}" if window > 1 else ""))
    return figure


def learning_by_time(comparison: Comparison, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the training loss against seconds of training, of runs that trained alone.

    Args:
        comparison: A comparison.
        look: What the user asks for. Default: nothing.

    Returns:
        None if no run trained alone.
    """
    bands = [
        by_time([run.series["training"] for run in finished(one) if "training" in run.series], comparison.seconds)
        for one in comparison.contenders
    ]
    if not any(bands):
        return None
    widths = [float(band.at[1] - band.at[0]) for band in bands if band and len(band.at) > 1]
    window = f", in windows of {number(max(widths), 2)} s" if widths else ""
    figure, axes = _learning(comparison, bands, ", by time", look)
    axes.set_xlabel(wrapped(f"seconds of training{window}, without compilation and validation", look))
    return figure


def _learning(comparison: Comparison, bands: Sequence[Band | None], by: str, look: Look) -> tuple[Figure, Axes]:
    """Draw the common part of both figures of the training loss."""
    figure = new_figure(8.2, 4.6, f"{comparison.run}: training loss on {comparison.task_label}{by}", look)
    axes = figure.subplots()
    floors = _floors(comparison)
    limits = settled_limits([band.mean for band in bands if band], list(floors), log=look.log_y)
    draw_bands(axes, bands, styles(comparison), limits)
    _draw_floors(axes, floors, limits)
    ends = [float(band.at[-1]) for band in bands if band]
    axes.set_xlim(0, max(ends) if by else comparison.steps)
    seeds = f"mean ± sd over {counted(comparison.seeds, 'seed')}" if comparison.seeds > 1 else "one seed"
    axes.set_ylabel(f"training loss,\n{seeds}")
    name_lines(axes, comparison, bands, look)
    return figure, axes


def finished(contender: Contender) -> list[SeedRun]:
    """Return the runs of a contender that finished."""
    return [run for run in contender.runs if run.candidate.status is Status.FINISHED]


def draw_bands(axes: Axes, bands: Sequence[Band | None], line_styles: Sequence[Style], limits: Limits) -> None:
    """Draw a line with its band for each contender, and a triangle on the edge if the line leaves the axis."""
    apply_limits(axes, limits)
    hide_spines(axes)
    drawn = sum(band is not None for band in bands)
    for index, (band, style) in enumerate(zip(bands, line_styles, strict=True)):
        if band is None:
            continue
        at, mean = band.at, np.clip(band.mean, -MAX_VALUE, MAX_VALUE)
        spread = np.clip(band.spread, 0, MAX_VALUE)
        if spread.any():
            # On a logarithmic axis a band that reaches zero would extend down without end.
            lower = np.maximum(mean - spread, band.least) if limits[0] else mean - spread
            inside = mean <= limits[2]  # the band of a line beyond the axis would only cover the others
            axes.fill_between(at, lower, mean + spread, where=inside, color=style.colour, alpha=0.16, lw=0, zorder=2)
        interval = max(1, len(at) // MARKERS)  # between markers, which start at different points for each line
        axes.plot(
            at, mean, lw=1.5, **style.line, marker=style.marker, ms=4.5,
            markevery=(index * interval // max(1, drawn) % interval, interval), zorder=3,
        )  # fmt: skip
        below = np.flatnonzero(mean < limits[1])  # such as 0 on a logarithmic axis
        if len(below):
            axes.plot(
                [at[below[0]]],
                [1 - EDGE],
                "v",
                color=style.colour,
                ms=6,
                transform=axes.get_xaxis_transform(),
                zorder=4,
            )
        beyond = np.flatnonzero(mean > limits[2])
        if len(beyond):
            axes.plot(
                [at[beyond[-1]]], [EDGE], "^", color=style.colour, ms=6, transform=axes.get_xaxis_transform(), zorder=4
            )


def name_lines(
    axes: Axes,
    comparison: Comparison,
    bands: Sequence[Band | None],
    look: Look = DEFAULT_LOOK,
    shown: Sequence[int] | None = None,
) -> None:
    """Write the names of the contenders beside the right ends of their lines.

    Args:
        axes: The panel, the rightmost of its row, with its final limits.
        comparison: The comparison.
        bands: Band of each contender that is shown.
        look: What the user asks for. Default: nothing.
        shown: The contenders that are shown, by number. Default: all of the comparison.
    """
    upper = axes.get_ylim()[1]
    named = []
    looks = styles(comparison)
    for at, band in zip(range(len(bands)) if shown is None else shown, bands, strict=True):
        contender = comparison.contenders[at]
        label = one_line(contender.name) + _missing(contender)
        if band is not None and (band.mean > upper).all():
            label += "\n(above the axis)"
        last = None if band is None else float(band.mean[-1])
        named.append(
            Named(
                None if band is None else looks[at],
                upper if last is not None and not math.isfinite(last) else last,
                label,
            )
        )
    name_at_ends(axes, named, narrow=look.is_narrow)


def _missing(contender: Contender) -> str:
    """Return the numbers of runs that a contender's line does not include, by reason."""
    missing = [
        f"{contender.counts[status]} {status}"
        for status in (Status.DIVERGED, Status.FAILED, Status.TIMED_OUT)
        if contender.counts[status]
    ]
    missing += [f"{contender.left} left"] if contender.left else []
    return f"\n({', '.join(missing)} of {contender.seeds})" if missing else ""


def _floors(comparison: Comparison) -> Mapping[float, list[str]]:
    """Return the names of contenders by their floor."""
    floors: dict[float, list[str]] = {}
    for one in comparison.contenders:
        if one.floor is not None:
            floors.setdefault(one.floor, []).append(one.name)
    return floors


def _draw_floors(axes: Axes, floors: Mapping[float, list[str]], limits: Limits) -> None:
    """Draw the floors, with the names of their contenders except for the most common one."""
    most = max(floors, key=lambda floor: len(floors[floor]), default=None)
    for floor, names in floors.items():
        if limits[1] <= floor <= limits[2]:
            axes.axhline(floor, color="0.35", ls=(0, (1, 2)), lw=1.0, zorder=1)
            owners = "" if floor == most else f" of {', '.join(names)}"
            axes.annotate(
                one_line(f"floor{owners} {measured(floor, 3)}"), (1, floor), xycoords=axes.get_yaxis_transform(),
                xytext=(-2, 2), textcoords="offset points", ha="right", va="bottom", fontsize=7, color="0.3",
                parse_math=False,
            )  # fmt: skip


def _diverged(contender: Contender) -> list[SeedRun]:
    return [run for run in contender.runs if run.candidate.status is Status.DIVERGED]


def _mark_diverged(axes: Axes, comparison: Comparison) -> None:
    """Draw a cross on the upper edge where a run diverged."""
    for contender, style in zip(comparison.contenders, styles(comparison), strict=True):
        ends = [run.candidate.steps_done for run in _diverged(contender)]
        if ends:
            axes.plot(
                ends, [EDGE] * len(ends), "x", color=style.colour, ms=6, mew=1.6, zorder=5,
                transform=axes.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
