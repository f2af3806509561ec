"""The fields of a comparison's specification, as JSON in its study's row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tuner.core.study import ComparisonSpec, Point
from tuner.core.trial import Measurement
from tuner.storage.names import check_text


def as_json(spec: ComparisonSpec) -> dict[str, Any]:
    """Return what is specific to a comparison as plain JSON.

    Raises:
        ValueError: There is no point, or a number is not finite or out of range.
        BadName: A text cannot be stored.
    """
    if not spec.points:
        raise ValueError("a comparison has at least one point. Received: none")
    for point in spec.points:
        values = [*point.hyperparameters.values(), *([] if point.value is None else [point.value])]
        if not all(map(math.isfinite, values)):
            raise ValueError(f"a point of a comparison must be finite. Received: {dict(point.hyperparameters)}")
    measurement = spec.measurement
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
            for point in spec.points
        ],
        "measurement": asdict(measurement),
        "source": check_text("the source of a comparison's hyperparameters", spec.source, 1000),
        "sweep": spec.sweep,
    }


def from_json(stored: Mapping[str, Any], points: int) -> dict[str, Any]:
    """Return the fields that `as_json` has stored; the study's row says that there are so many points.

    Raises:
        ValueError: There is another number of points.
    """
    if len(stored["points"]) != points:
        raise ValueError(f"holds {len(stored['points'])} points, the study {points}")
    return {
        "points": tuple(Point(**point) for point in stored["points"]),
        "measurement": Measurement(**stored["measurement"]),
        "source": stored["source"],
        "sweep": stored["sweep"],
    }
