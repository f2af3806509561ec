"""The performance profile of a comparison over several targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tuner.core.text import one_line
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.target_profile import MAX_RATIO, Profile, profile_of
from tuner.results.figures.canvas import hide_spines, matplotlib_defaults, new_figure
from tuner.results.figures.letters import make_readable
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.saving import rendered
from tuner.results.figures.styles import styles
from tuner.results.tables.numbers import counted
from tuner.results.tables.target_profile import csv_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_profile(comparison: Comparison, profile: Profile, look: Look = DEFAULT_LOOK) -> Figure:
    """Draw the share of problems (targets and seeds) that each contender solves within a multiple of the shortest time.

    Args:
        comparison: The comparison.
        profile: Its times, as `profile_of` returns them.
        look: What the user asks for. Default: nothing.
    """
    with matplotlib_defaults(look):
        title = f"{comparison.run}: time to {counted(len(profile.targets), 'target')} on {comparison.task_label}"
        figure = new_figure(7.2, 3.8, title, look)
        axes = figure.subplots()
        scores = profile.scores
        order = sorted(range(len(profile.names)), key=lambda number: -scores[profile.names[number]])
        looks = styles(comparison)
        for number in order:
            name, ratios = profile.names[number], np.sort(profile.ratios[number])
            within = ratios[ratios <= MAX_RATIO]
            shares = np.arange(1, len(within) + 1) / len(ratios)
            axes.step(
                [1.0, *within, MAX_RATIO], [0.0, *shares, shares[-1] if len(shares) else 0.0], where="post",
                lw=1.5, label=f"{one_line(name)}  {scores[name]:.2f}", **looks[number].line,
            )  # fmt: skip
        axes.set_xlim(1, MAX_RATIO)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("gradient evaluations, as a multiple of those of the fastest optimizer")
        axes.set_ylabel("share of targets and seeds")
        goal = "≤" if profile.goal == "<=" else "≥"
        listed = ", ".join(f"{target:g}" for target in profile.targets)
        axes.set_title(one_line(f"{profile.metric} {goal} {listed}"), fontsize=8, loc="left", parse_math=False)
        figure.legend(
            title="mean share",
            loc="outside lower center" if look.is_narrow else "outside right upper",
            frameon=False,
            fontsize=8,
            title_fontsize=8,
        )
        hide_spines(axes)
        make_readable(figure)
        return figure


def profile_names(formats: Iterable[str]) -> list[str]:
    """Return the names of the files of `profile_files`."""
    return [*(f"targets.{format}" for format in formats), "targets.csv"]


def profile_files(
    comparison: Comparison, targets: str, formats: Iterable[str], look: Look = DEFAULT_LOOK
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the files of the profile, each with a function that makes it: the figure in some formats, the times as CSV.

    Raises:
        InvalidRequest: The comparison has not measured what is to reach the targets.
    """
    profile = profile_of(comparison, targets)
    for format in formats:
        yield f"targets.{format}", partial(_drawn, comparison, profile, format, look)
    yield "targets.csv", lambda: csv_of(profile).encode()


def _drawn(comparison: Comparison, profile: Profile, format: str, look: Look) -> bytes:
    return rendered(draw_profile(comparison, profile, look), format, look)
