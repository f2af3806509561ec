"""What a comparison compares, as the JSON in its study's row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tuner.core.study import ComparisonSpec, Point
from tuner.core.trial import Measurement
from tuner.storage.names import check_text


def as_json(comparison: ComparisonSpec, generations: int) -> dict[str, Any]:
    """Return a comparison as plain JSON.

    Args:
        comparison: The study's.
        generations: Of the study: one a point.

    Raises:
        ValueError: There is not one point a generation, or a number is not finite or out of range.
        BadName: A text cannot be stored.
    """
    if len(comparison.points) != generations:
        raise ValueError(
            f"a comparison has one point a generation. Received: {len(comparison.points)} points and "
            f"{generations} generations"
        )
    for point in comparison.points:
        values = [*point.hyperparameters.values(), *([] if point.value is None else [point.value])]
        if not all(map(math.isfinite, values)):
            raise ValueError(f"a point of a comparison must be finite. Received: {dict(point.hyperparameters)}")
    measurement = comparison.measurement
    for number in (measurement.validate_every, measurement.seconds, measurement.test_examples):
        if number is not None and not 0 < number < math.inf:
            raise ValueError(f"what a comparison measures is given in positive numbers. Received: {measurement}")
    return {
        "points": [
            {
                "hyperparameters": {str(name): float(value) for name, value in point.hyperparameters.items()},
                "settings": {str(name): int(value) for name, value in point.settings.items()},
                "optimizer": point.optimizer,
                "value": point.value,
            }
            for point in comparison.points
        ],
        "measurement": asdict(measurement),
        "source": check_text("the source of a comparison's hyperparameters", comparison.source, 1000),
        "sweep": comparison.sweep,
    }


def from_json(stored: Mapping[str, Any]) -> ComparisonSpec:
    """Return the comparison that `as_json` has stored."""
    return ComparisonSpec(
        points=tuple(Point(**point) for point in stored["points"]),
        measurement=Measurement(**stored["measurement"]),
        source=stored["source"],
        sweep=stored["sweep"],
    )
