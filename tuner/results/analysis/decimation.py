"""Fewer points of a long curve, by which it looks the same."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

MIN_POINTS = 4


def decimated(losses: npt.NDArray[Any], points: int) -> npt.NDArray[np.int64]:
    """Return the places of the losses to draw, in rising order, [at most points].

    A curve is cut into equally long parts, of which the least and the greatest loss are kept, so that no spike is lost;
    the first and the last loss are kept as well. A loss that is not finite counts as the greatest of its part.

    Args:
        losses: [length], one per gradient evaluation.
        points: Greatest number of places; at least MIN_POINTS.
    """
    if len(losses) <= points:
        return np.arange(len(losses))
    ranked = np.where(np.isfinite(losses), losses, np.inf)
    parts = (max(points, MIN_POINTS) - 2) // 2
    edges = np.linspace(0, len(losses), parts + 1).astype(np.int64)
    places = [0, len(losses) - 1]
    for start, end in itertools.pairwise(edges):
        places += [start + int(ranked[start:end].argmin()), start + int(ranked[start:end].argmax())]
    return np.unique(np.array(places, np.int64))
