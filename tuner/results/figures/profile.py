"""Performance profiles over several tasks, a step line per optimizer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tuner.core.text import one_line
from tuner.results.analysis.profile import Profile
from tuner.results.figures.canvas import Spacing, hide_spines, mark_legend, panel_figure, round_ticks
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import styles_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = (5.4, 3.2)  # inches
LEGEND_COLUMNS = 4
LEGEND_ROW = 0.2  # inches
MIN_END = 2.0  # ratio at which the axis ends at the least
MAX_END = 1e6  # and at the most; the share of the runs beyond is in the table


def profiles(profile: Profile, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw performance profiles: a step line per optimizer, with its 95 % interval as a band.

    Args:
        profile: The profiles.
        look: What the user asks for. Default: nothing.

    Returns:
        None if every run diverged.
    """
    from matplotlib.lines import Line2D
    from matplotlib.ticker import PercentFormatter

    ratios = sorted({ratio for one in profile.optimizers for of_task in one.ratios for ratio in of_task})
    ratios = [ratio for ratio in ratios if math.isfinite(ratio)]
    if not ratios:
        return None
    end = min(max(ratios[-1], MIN_END), MAX_END) * 1.1
    steps = [*(ratio for ratio in ratios if ratio < end), end]
    styles = styles_of(one.optimizer for one in profile.optimizers)
    title = f"{', '.join(task.run for task in profile.tasks)}: performance profiles"
    bottom = 0.75 + LEGEND_ROW * math.ceil(len(styles) / LEGEND_COLUMNS)
    figure, panels = panel_figure(1, 1, title, Spacing(PANEL, left=0.8, bottom=bottom), look=look)
    axes = panels[0, 0]
    for one in profile.optimizers:
        style, shares = styles[one.optimizer], profile.shares(one, steps)
        axes.step(steps, [share.share for share in shares], where="post", lw=1.6, zorder=3, **style.line)
        if shares[0].low is not None:
            lower, upper = [share.low for share in shares], [share.high for share in shares]
            axes.fill_between(steps, lower, upper, step="post", color=style.colour, alpha=0.13, lw=0)
    axes.set_xscale("log")
    round_ticks(axes.xaxis, end)
    axes.set_xlim(1, end)
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(f"τ: {profile.noun} in multiples of the lowest on the same task and seed")
    axes.set_ylabel("runs within τ")
    hide_spines(axes)
    marks = [Line2D([], [], lw=1.6, label=one_line(name), **style.line) for name, style in styles.items()]
    mark_legend(figure, marks, LEGEND_COLUMNS)
    return figure
