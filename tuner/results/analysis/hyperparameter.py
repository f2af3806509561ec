"""A hyperparameter of a finished search, and where its tuned value lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.dimension import Dimension, Scale
from search_spaces.scales import natural_limits
from tuner.core.task_arguments import is_of_task
from tuner.results.analysis.landscape import Tolerance


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One row of the tuned table."""

    name: str
    scale: Scale
    default: Any
    tuned: Any  # None until the search is complete, where no individual finished, and where it has no effect
    distance: float | None  # of tuned from default in the transformed space, in units of the search's first σ
    bound: str  # "low" or "high" if the tuned value lies at this bound of its dimension, and it can move; or ""
    is_bound_given: bool = False  # whether this bound is the search space's, and not the limit of the scale
    wider: Any = None  # a bound to take instead of it; None unless the bound is given
    tolerance: Tolerance | None = None  # None unless it was asked for

    @property
    def is_of_task(self) -> bool:
        """Whether it is an argument of the task."""
        return is_of_task(self.name)


def hyperparameter_of(dimension: Dimension, tuned: Any, sigmas: Sequence[float]) -> Hyperparameter:
    """Return a hyperparameter with the place of its tuned value in the search space; a choice has no place."""
    distance, bound, is_given = None, "", False
    if tuned is not None and dimension.scale is not Scale.CHOICE:
        if sigmas and sigmas[0] > 0:
            distance = (dimension.encode(tuned) - dimension.encode(dimension.default)) / sigmas[0]
        if dimension.least < dimension.greatest:
            bound = "low" if tuned <= dimension.least else "high" if tuned >= dimension.greatest else ""
        least, greatest = natural_limits(dimension.scale)
        is_given = (bound == "low" and dimension.least > least) or (bound == "high" and dimension.greatest < greatest)
    wider = _wider(dimension, bound) if is_given else None
    return Hyperparameter(dimension.name, dimension.scale, dimension.default, tuned, distance, bound, is_given, wider)


def _wider(dimension: Dimension, bound: str) -> Any:
    """Return a bound beyond one: ten times as far on a logarithmic scale, or as far again as the other bound."""
    low, high, (least, greatest) = dimension.least, dimension.greatest, natural_limits(dimension.scale)
    is_low = bound == "low"
    if dimension.scale is Scale.LOG:
        wider = low / 10 if is_low else high * 10
    elif dimension.scale is Scale.DECAY:  # what is multiplied is the distance from 1
        wider = 1 - 10 * (1 - low) if is_low else 1 - (1 - high) / 10
    else:
        wider = low - (high - low) if is_low else high + (high - low)
        wider = max(wider, 0) if is_low and low >= 0 else wider  # what begins at 0 or above has no negative values
    return min(max(wider, least), greatest)
