"""The table of a search's front, and its form in JSON."""

from __future__ import annotations

import statistics
from typing import Any

from search_spaces.dimension import Scale
from tuner.results.analysis.front import Front, FrontPoint
from tuner.results.analysis.summary import Summary
from tuner.results.tables.numbers import counted, hyperparameter, mean_and_spread, number
from tuner.results.tables.text_table import TextTable


def table(summary: Summary, front: Front) -> TextTable:
    """Return a table with a row per point, best by the first objective first."""
    scales = {row.name: row.scale for row in summary.hyperparameters}
    header = [*(objective.noun for objective in front.objectives), *scales]
    rows = [
        [
            *map(_value, point.values, point.spreads),
            *(hyperparameter(dict(point.hyperparameters)[name], Scale(scale)) for name, scale in scales.items()),
        ]
        for point in front.points
    ]
    return TextTable(header, rows, left=(), title=f"{name_of(summary)}: the front, of which no point is better by all")


def name_of(summary: Summary) -> str:
    """Return whose front it is: an optimizer's, of one search or of all."""
    return f"{summary.optimizer}, {len(summary.searches)} searches" if summary.searches else summary.optimizer


def of_each(front: Front) -> str:
    """Return the hypervolumes of the fronts of several searches, in words."""
    known = sorted(volume for volume in front.searches if volume is not None)
    if not known:
        return "hypervolumes of each are not known"
    ends = f"{number(known[0])} to {number(known[-1])}"
    return f"hypervolume of each {ends}, median {number(statistics.median(known))}; of all {number(front.hypervolume)}"


def _value(value: float, spread: float | None) -> str:
    return mean_and_spread(value, spread) if spread else number(value)


def first_lines(summary: Summary, front: Front) -> list[tuple[str, str]]:
    """Return the answers on a front: its ends, and how many of its points are better than the defaults."""
    name = name_of(summary)
    count = counted(len(front.points), "point")
    ends = " to ".join(dict.fromkeys(_values(front, point) for point in (front.points[0], front.points[-1])))
    lines = [("front", f"{name}: {count}, {'from ' if len(front.points) > 1 else ''}{ends}")]
    if front.default is not None:
        better = f"{front.better:,} of {count} better than the defaults by an objective, and worse by none"
        lines.append(("tuning", f"{name}: {better}; the defaults have {_values(front, front.default)}"))
    return lines


def _values(front: Front, point: FrontPoint) -> str:
    """Return the value of each objective with its name."""
    pairs = zip(front.objectives, point.values, strict=True)
    return ", ".join(f"{objective.noun} {number(value)}" for objective, value in pairs)


def legend(summary: Summary, front: Front) -> str:
    """Return what explains the table."""
    means = "of the search"
    if front.is_fresh:
        means = (
            "means over fresh seeds, on which the last generation trained it; these and the search's seed decided on it"
        )
    reference = ", ".join(map(number, front.reference))
    worst = "worst of the first generations" if front.searches else "worst of the first generation"
    return (
        f"front of {name_of(summary)}: {counted(len(front.points), 'point')}, by "
        f"{' and '.join(objective.label for objective in front.objectives)}; values are {means}. Its hypervolume is "
        f"{number(front.hypervolume)}, up to the {worst}, {reference}."
    )


def as_json(front: Front) -> dict[str, Any]:
    """Return the front in a form for JSON."""
    return {
        "objectives": [objective.text for objective in front.objectives],
        "is_fresh": front.is_fresh,
        "reference": list(front.reference),
        "hypervolume": front.hypervolume,
        "default": None if front.default is None else _point(front.default),
        "better_than_default": front.better,
        "points": [_point(point) for point in front.points],
        **({"hypervolumes": list(front.searches)} if front.searches else {}),
    }


def _point(point: FrontPoint) -> dict[str, Any]:
    return {
        "hyperparameters": dict(point.hyperparameters),
        "values": list(point.values),
        "spreads": list(point.spreads),
        "seeds": point.seeds,
    }
