"""Numbers that may be absent or not finite."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class HasFitness(Protocol):
    """A result of a candidate, final or not."""

    @property
    def fitness(self) -> float | None:
        """The candidate's fitness; None until it is available."""
        ...


def fitness(result: HasFitness) -> float:
    """Return the fitness of a result; +inf if there is none."""
    return math.inf if result.fitness is None else result.fitness


def finite_or_none(value: float | None) -> float | None:
    """Return a number that JSON can represent: None if it is absent or not finite."""
    return value if value is not None and math.isfinite(value) else None


def until_not_finite(losses: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the losses [evaluations] up to and including the first that is not finite."""
    is_finite = abs(losses) < math.inf  # False for NaN too
    return losses if is_finite.all() else losses[: int(is_finite.argmin()) + 1]
