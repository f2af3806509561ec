"""Kinds of the coordinates of a genome, as a strategy sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Kind(StrEnum):
    """Kind of a coordinate."""

    REAL = "real"  # every number between the bounds is a value of its own
    INTEGER = "integer"  # whole numbers, each of which has an interval
    ORDERED = "ordered"  # a choice among values of which neighbours resemble each other, or among two
    UNORDERED = "unordered"  # a choice among three or more values without an order


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Kinds of the coordinates of a genome, and the genomes that stand for others.

    Attributes:
        kinds: Kind of each coordinate, [d].
        snap: Returns the one genome, [d], that stands for all with the same hyperparameters.
        levels: For each UNORDERED coordinate, by its place: its coordinate for each value, ascending.
    """

    kinds: Sequence[Kind]
    snap: Callable[[Sequence[float]], NDArray[np.float64]]
    levels: Mapping[int, Sequence[float]] = field(default_factory=dict)
