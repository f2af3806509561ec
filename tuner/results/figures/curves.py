"""Learning curves of a comparison, by steps and by time: the mean over seeds, with a band of its standard deviation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
    loss_limits,
    new_figure,
)
from tuner.results.figures.resampling import Band, by_steps, by_time
from tuner.results.figures.styles import Style, styles
from tuner.results.tables.numbers import counted, measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MARKERS = 8  # per line


def learning_by_steps(comparison: Comparison) -> Figure | None:
    """Draw the training loss by gradient evaluations.

    Args:
        comparison: With curves (`Store.seed_runs(id, curves=True)`).

    Returns:
        None where no run has a curve and finished or diverged.
    """
    bands: list[Band | None] = []
    for one in comparison.contenders:
        curves = [run.losses for run in finished(one) if run.losses is not None and len(run.losses)]
        whole = [curve for curve in curves if len(curve) == len(curves[0])]
        bands.append(by_steps(whole) if whole else None)
    if not any(bands) and not any(_diverged(one) for one in comparison.contenders):
        return None
    figure = new_figure(8.2, 4.6, f"{comparison.run}: training loss on {comparison.task_label}")
    axes = figure.subplots()
    limits = _limits(comparison, bands)
    lines = draw_bands(axes, bands, styles(comparison), limits)
    _cross_out(axes, comparison)
    _draw_floors(axes, comparison, limits)
    axes.set_ylabel(f"training loss, {_averaged(comparison)}")
    axes.set_xlim(0, comparison.steps)
    counts_axis(axes, "gradient evaluations")
    name_lines(figure, comparison, lines, bands)
    return figure


def learning_by_time(comparison: Comparison) -> Figure | None:
    """Draw the training loss by seconds of training, of runs that were trained alone.

    Returns:
        None where no run was.
    """
    bands = [
        by_time([run.series["training"] for run in finished(one) if "training" in run.series], comparison.seconds)
        for one in comparison.contenders
    ]
    if not any(bands):
        return None
    figure = new_figure(8.2, 4.6, f"{comparison.run}: training loss on {comparison.task_label}, by time")
    axes = figure.subplots()
    limits = _limits(comparison, bands)
    lines = draw_bands(axes, bands, styles(comparison), limits)
    _draw_floors(axes, comparison, limits)
    axes.set_ylabel(f"training loss, {_averaged(comparison)}")
    axes.set_xlim(0, max(float(found.at[-1]) for found in bands if found))
    axes.set_xlabel("seconds of training, compilation and validation excluded")
    name_lines(figure, comparison, lines, bands)
    return figure


def finished(contender: Contender) -> list[SeedRun]:
    """Return the runs that the numbers of a comparison are of."""
    return [run for run in contender.runs if run.candidate.status is Status.FINISHED]


def draw_bands(axes: Axes, bands: Sequence[Band | None], looks: Sequence[Style], limits: Limits) -> list[Line2D | None]:
    """Draw a line with its band a contender, those that leave the axis with a triangle on its upper edge.

    Returns:
        The lines, for a legend; None of a contender without a band.
    """
    apply_limits(axes, limits)
    hide_spines(axes)
    lines: list[Line2D | None] = []
    shown = sum(found is not None for found in bands)
    for place, (found, look) in enumerate(zip(bands, looks, strict=True)):
        if found is None:
            lines.append(None)
            continue
        at, mean = found.at, np.clip(found.mean, -MAX_VALUE, MAX_VALUE)
        spread = np.clip(found.spread, 0, MAX_VALUE)
        if spread.any():
            # A logarithm makes an abyss of what is below the lowest seed, where a spread exceeds the mean.
            lower = np.maximum(mean - spread, found.least) if limits[0] else mean - spread
            inside = mean <= limits[2]  # of a line that is out of sight, a band would only cover the others
            axes.fill_between(at, lower, mean + spread, where=inside, color=look.colour, alpha=0.16, lw=0, zorder=2)
        apart = max(1, len(at) // MARKERS)  # and not all markers above each other
        (line,) = axes.plot(
            at, mean, lw=1.5, **look.line, marker=look.marker, ms=4.5,
            markevery=(place * apart // max(1, shown) % apart, apart), zorder=3,
        )  # fmt: skip
        lines.append(line)
        beyond = np.flatnonzero(mean > limits[2])
        if len(beyond):
            axes.plot(
                [at[beyond[-1]]], [EDGE], "^", color=look.colour, ms=6, transform=axes.get_xaxis_transform(), zorder=4
            )
    return lines


def name_lines(
    figure: Figure,
    comparison: Comparison,
    lines: Sequence[Line2D | None],
    bands: Sequence[Band | None],
    contenders: Sequence[Contender] | None = None,
) -> None:
    """Name the contenders beside the panels, in the order in which their lines end, the highest first.

    In a sweep they stay in the order of its parameter.

    Args:
        figure: Gets the legend.
        comparison: Whose contenders they are.
        lines: One a contender, as `draw_bands` returns them.
        bands: Likewise, what they are lines of.
        contenders: Some of the comparison's. Default: all.
    """
    from matplotlib.lines import Line2D as Line

    upper = next((line.axes.get_ylim()[1] for line in lines if line is not None and line.axes is not None), math.inf)
    entries = []
    for one, line, found in zip(contenders or comparison.contenders, lines, bands, strict=True):
        label = one_line(one.name) + _fates(one)
        if found is not None and (found.mean > upper).all():
            label += "\n(above the axis)"
        last = math.inf if found is None else float(found.mean[-1])
        entries.append((last, line if line is not None else Line([], [], ls=""), label))
    if comparison.sweep is None:
        entries.sort(key=lambda entry: -entry[0])
    legend = figure.legend(
        [line for _, line, _ in entries], [label for _, _, label in entries], loc="outside right center",
        frameon=False, fontsize=8.5, handlelength=3.4, labelspacing=0.6,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)


def _fates(contender: Contender) -> str:
    """Return what a name is followed by in a legend: how many runs are missing from its line, and why."""
    missing = [
        f"{contender.counts[status]} {status}"
        for status in (Status.DIVERGED, Status.FAILED, Status.TIMED_OUT)
        if contender.counts[status]
    ]
    missing += [f"{contender.left} left"] if contender.left else []
    return f"\n({', '.join(missing)} of {contender.seeds})" if missing else ""


def _averaged(comparison: Comparison) -> str:
    return f"mean ± sd over {counted(comparison.seeds, 'seed')}" if comparison.seeds > 1 else "one seed"


def _limits(comparison: Comparison, bands: Iterable[Band | None]) -> Limits:
    return loss_limits([found.mean for found in bands if found], list(_floors(comparison)))


def _floors(comparison: Comparison) -> Mapping[float, list[str]]:
    """Return each floor that there is, with those whose it is."""
    floors: dict[float, list[str]] = {}
    for one in comparison.contenders:
        if one.floor is not None:
            floors.setdefault(one.floor, []).append(one.name)
    return floors


def _draw_floors(axes: Axes, comparison: Comparison, limits: Limits) -> None:
    """Draw what no optimizer goes below on average, named where it is not everybody's."""
    floors = _floors(comparison)
    most = max(floors, key=lambda floor: len(floors[floor]), default=None)
    for floor, names in floors.items():
        if limits[1] <= floor <= limits[2]:
            axes.axhline(floor, color="0.35", ls=(0, (1, 2)), lw=1.0, zorder=1)
            whose = "" if floor == most else f" of {', '.join(names)}"
            axes.annotate(
                one_line(f"floor{whose} {measured(floor, 3)}"), (1, floor), xycoords=axes.get_yaxis_transform(),
                xytext=(-2, -2), textcoords="offset points", ha="right", va="top", fontsize=7, color="0.3",
                parse_math=False,
            )  # fmt: skip


def _diverged(contender: Contender) -> list[SeedRun]:
    return [run for run in contender.runs if run.candidate.status is Status.DIVERGED]


def _cross_out(axes: Axes, comparison: Comparison) -> None:
    """Mark on the upper edge where runs diverged."""
    for one, look in zip(comparison.contenders, styles(comparison), strict=True):
        ends = [run.candidate.steps_done for run in _diverged(one)]
        if ends:
            axes.plot(
                ends, [EDGE] * len(ends), "x", color=look.colour, ms=6, mew=1.6, zorder=5,
                transform=axes.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
