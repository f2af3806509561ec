"""The table of a search's front, and its form in JSON."""

from __future__ import annotations

from typing import Any

from search_spaces.space import Scale
from tuner.results.analysis.front import Front
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
    return TextTable(header, rows, left=(), title=f"{summary.optimizer}: the front, of which no point is better by all")


def _value(value: float, spread: float | None) -> str:
    return mean_and_spread(value, spread) if spread else number(value)


def legend(summary: Summary, front: Front) -> str:
    """Return what explains the table."""
    means = "means over fresh seeds, on which the last generation trained it" if front.is_fresh else "of the search"
    reference = ", ".join(map(number, front.reference))
    return (
        f"front of {summary.optimizer}: {counted(len(front.points), 'point')}, by "
        f"{' and '.join(objective.label for objective in front.objectives)}; values are {means}. Its hypervolume is "
        f"{number(front.hypervolume)}, up to the worst of the first generation, {reference}."
    )


def as_json(front: Front) -> dict[str, Any]:
    """Return the front in a form for JSON."""
    return {
        "objectives": [objective.text for objective in front.objectives],
        "is_fresh": front.is_fresh,
        "reference": list(front.reference),
        "hypervolume": front.hypervolume,
        "points": [
            {
                "hyperparameters": dict(point.hyperparameters),
                "values": list(point.values),
                "spreads": list(point.spreads),
                "seeds": point.seeds,
            }
            for point in front.points
        ],
    }
