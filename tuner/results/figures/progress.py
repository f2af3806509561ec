"""Best fitness so far against gradient evaluations, a line per optimizer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from tuner.core.study import CandidateRecord, StudyRecord
from tuner.core.text import one_line
from tuner.core.trial import Role, Status
from tuner.results.analysis.generations import Searches
from tuner.results.analysis.searches import over_searches
from tuner.results.analysis.summary import FreshRuns, fresh_runs
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
from tuner.results.figures.line_labels import Named, name_at_ends
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import Style, styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TUNED_SIZE = 11  # points, of the star
MAX_MARKS = 40  # markers of a line


@dataclass(frozen=True, slots=True)
class Progress:
    """The best so far of the candidates of one budget: it changes at some gradient evaluations of the search."""

    at: tuple[int, ...]
    best: tuple[float, ...]  # value of the objective from there on


def best_so_far(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw the best fitness so far of each search of a run, and its tuned point on fresh seeds.

    Fitnesses of different budgets are not comparable: a line begins anew where the budget changes, and the part of the
    last budget is thick. Several searches for one optimizer are thin, with a thick line for their mean.

    Args:
        studies: The studies, which have one line each.
        look: What the user asks for. Default: nothing.

    Returns:
        None if no individual finished.
    """
    drawn = [(study, progress_of(study, candidates), _tuned(study, candidates)) for study, candidates in studies]
    if not any(parts for _, parts, _ in drawn):
        return None
    first = drawn[0][0].search
    objective = first.workload.objective
    figure = new_figure(8.2, 4.4, f"{first.run}: best so far on {first.task_label}", look)
    axes = figure.subplots()
    last = [np.array(parts[-1].best) for _, parts, _ in drawn if parts]
    fresh = [np.array([runs.mean]) for _, _, runs in drawn if runs.mean is not None]
    limits = loss_limits([*last, *fresh], linear=objective.is_max, log=look.log_y)
    apply_limits(axes, limits)
    looks = styles_of(study.spec.workload.optimizer for study, _, _ in drawn)
    named = []
    for optimizer, members in _by_optimizer(drawn).items():
        style, name = looks[optimizer], one_line(optimizer)
        last_parts = [parts[-1] for _, parts, _ in members if parts]
        is_repeated = members[0][0].search.is_repeated
        for _, parts, _ in members:
            _draw(axes, parts, style, limits, is_thin=is_repeated)
        together = mean_of(last_parts) if is_repeated else last_parts[0] if last_parts else None
        runs = _over(members) if is_repeated else members[0][2]
        if is_repeated:
            _draw(axes, [together] if together else [], style, limits)
            name = f"{name}\n(mean of {len(last_parts)})"
        if together and runs.mean is not None:
            lowest = min((one.mean for _, _, one in members if one.mean is not None), default=0.0)
            _mark_tuned(axes, together.at[-1], runs, style, limits, lowest if is_repeated else -math.inf)
        end = together.best[-1] if together else None
        named.append(
            Named(style if together else None, end, name if together else f"{one_line(optimizer)}\n(none finished)")
        )
    searches = "" if not first.is_repeated else " over searches"
    axes.set_xlim(left=0)
    axes.set_ylabel(f"{objective.label}, best so far" if not objective.is_default else "best fitness so far")
    star = f"\n★ tuned point, mean ± sd on fresh seeds{searches}" if fresh else ""
    counts_axis(axes, f"gradient evaluations of the search{star}")
    hide_spines(axes)
    name_at_ends(axes, named, narrow=look.is_narrow)
    return figure


def progress_of(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> list[Progress]:
    """Return the best so far of a search, of each budget in order; the candidates in the order of their keys."""
    objective = study.spec.workload.objective
    searched = sorted((one for one in candidates if one.key.role is Role.SEARCH and one.status.is_final),
                      key=lambda one: one.key)  # fmt: skip
    spent, parts = 0, []
    for _, members in groupby(searched, key=lambda one: one.steps):
        at: list[int] = []
        best: list[float] = []
        lowest = math.inf
        for one in members:
            spent += one.steps_done
            value = objective.shown(one.fitness, one.steps) if one.status is Status.FINISHED else None
            if value is not None and objective.fitness(value) < lowest:
                lowest = objective.fitness(value)
                at.append(spent)
                best.append(value)
        if at:
            parts.append(Progress((*at, spent), (*best, best[-1])))
    return parts


def mean_of(searches: Sequence[Progress]) -> Progress | None:
    """Return the mean of the best so far of several searches, where all of them have one; None if they never do."""
    if not searches:
        return None
    start, end = max(one.at[0] for one in searches), min(one.at[-1] for one in searches)
    if start > end:
        return None
    at = np.unique([*(each for one in searches for each in one.at if start <= each <= end), start, end])
    values = [np.asarray(one.best)[np.searchsorted(one.at, at, side="right") - 1] for one in searches]
    return Progress(tuple(at.tolist()), tuple(np.mean(values, axis=0).tolist()))


_Drawn = tuple[StudyRecord, list[Progress], FreshRuns]


def _by_optimizer(drawn: Sequence[_Drawn]) -> dict[str, list[_Drawn]]:
    found: dict[str, list[_Drawn]] = {}
    for one in drawn:
        found.setdefault(one[0].spec.workload.optimizer, []).append(one)
    return found


def _over(members: Sequence[_Drawn]) -> FreshRuns:
    """Return the tuned point over searches; see `tuner.results.analysis.searches`."""
    spec = members[0][0].search
    return over_searches([runs for _, _, runs in members], spec.workload.objective, spec.steps[-1])


def _tuned(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> FreshRuns:
    return fresh_runs([one for one in candidates if one.key.role is Role.TUNED], study.search)


def _draw(axes: Axes, parts: Sequence[Progress], style: Style, limits: Limits, *, is_thin: bool = False) -> None:
    """Draw the parts of a line, and a triangle on the edge for what is below."""
    for part in parts:
        best = np.clip(part.best, max(limits[1], -MAX_VALUE), MAX_VALUE)
        is_last = part is parts[-1] and not is_thin
        every = -(-len(best) // MAX_MARKS)
        axes.plot(
            part.at, best, drawstyle="steps-post", lw=1.6 if is_last else 0.8, alpha=1.0 if is_last else 0.5,
            marker=style.marker, ms=4.5 if is_last else 3.0,
            markevery=[*range(0, len(best) - 1, every)] if is_last else [],
            zorder=3, **style.line,
        )  # fmt: skip
        below = [at for at, value in zip(part.at, part.best, strict=True) if value < limits[1]]
        if is_last and below:
            axes.plot(below[:1], [1 - EDGE], "v", color=style.colour, ms=6, transform=axes.get_xaxis_transform())


def _mark_tuned(axes: Axes, at: int, runs: FreshRuns, style: Style, limits: Limits, lowest: float) -> None:
    """Draw the mean on fresh seeds at the end of a search, with its standard deviation within the axis.

    On a logarithmic axis it ends at the lowest search, since a mean minus a standard deviation may be below 0.
    """
    mean = min(max(runs.mean or 0.0, limits[1]), limits[2])
    spread = runs.spread or 0.0
    low, high = max(mean - spread, limits[1], lowest if limits[0] else -math.inf), min(mean + spread, limits[2])
    axes.plot([at, at], [low, high], color=style.colour, lw=1.2, zorder=4)
    axes.plot([at], [mean], "*", color=style.colour, ms=TUNED_SIZE, mec="black", mew=0.6, zorder=5, clip_on=False)
