"""The front of a search of several objectives, among all that it tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner.core.study import CandidateRecord
from tuner.core.trial import Role, Status
from tuner.results.analysis.front import front_of
from tuner.results.analysis.generations import Searches
from tuner.results.figures.canvas import hide_spines, new_figure, round_ticks
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.styles import styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG_RATIO = 100  # an axis of positive values that reach over more than this ratio is logarithmic


def front(studies: Searches, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Draw each front as a line through its points, by the first two objectives, over the individuals of the search.

    Args:
        studies: The studies, with the fitnesses of their candidates by all objectives.
        look: What the user asks for. Default: nothing.

    Returns:
        None for searches of one objective, and before an individual has finished.
    """
    fronts = [(study, some, found) for study, some in studies if (found := front_of(study.search, some)) is not None]
    if not fronts:
        return None
    first, second = fronts[0][2].objectives[:2]
    figure = new_figure(6.4, 4.4, f"{fronts[0][0].spec.run}: {second.noun} against {first.noun}", look)
    axes = figure.subplots()
    looks = styles_of(study.spec.workload.optimizer for study, _, _ in fronts)
    drawn: list[tuple[float, ...]] = []
    named: set[str] = set()  # several searches of an optimizer have one name
    for study, some, found in fronts:
        optimizer = study.spec.workload.optimizer
        own, label = looks[optimizer], None if optimizer in named else optimizer
        named.add(optimizer)
        tried = [
            (first.value(one.fitnesses[0]), second.value(one.fitnesses[1]))
            for one in some
            if _is_comparable(one, study.search.steps, len(found.objectives))
        ]
        points = [point.values[:2] for point in found.points]
        drawn += [*tried, *points]
        axes.plot(*zip(*tried, strict=True), "o", color=own.colour, ms=3, mew=0, alpha=0.3, zorder=2)
        axes.plot(
            *zip(*points, strict=True), own.marker, ls="-" if len(found.objectives) == 2 else "", color=own.colour,
            ms=5, lw=1.2, zorder=3, label=label,
        )  # fmt: skip
    for axis, values in ((axes.xaxis, [x for x, *_ in drawn]), (axes.yaxis, [y for _, y, *_ in drawn])):
        _scale(axes, axis.axis_name, values)
    axes.set_xlabel(first.label)
    axes.set_ylabel(second.label)
    if len(named) > 1:
        axes.legend(fontsize=8, frameon=False)
    hide_spines(axes)
    return figure


def _is_comparable(one: CandidateRecord, steps: tuple[int, ...], objectives: int) -> bool:
    """Return whether a candidate is of the search, with its last budget, and finished by all objectives."""
    if one.key.role is not Role.SEARCH or one.status is not Status.FINISHED:
        return False
    return steps[one.key.generation] == steps[-1] and len(one.fitnesses) == objectives


def _scale(axes: Axes, name: str, values: list[float]) -> None:
    """Make an axis logarithmic where its values are positive and reach far."""
    if min(values) > 0 and max(values) / min(values) > LOG_RATIO:
        getattr(axes, f"set_{name}scale")("log")
        round_ticks(getattr(axes, f"{name}axis"), max(values) / min(values))
