"""Kinds of a search space's coordinates, for its strategy."""

from __future__ import annotations

from search_spaces.space import SearchSpace
from tuner import strategies
from tuner.core.coordinates import Coordinates, Kind


def coordinates_of(space: SearchSpace) -> Coordinates | None:
    """Return the kinds of a space's coordinates; None if all are real and have an effect everywhere."""
    if space.is_continuous:
        return None
    return Coordinates(tuple(map(Kind, space.kinds.values())), space.snapped, space.unordered)


def check_searched(strategy: str, space: SearchSpace) -> None:
    """Check that a strategy searches every kind of coordinate that a space has.

    Raises:
        InvalidRequest: It does not.
    """
    strategies.check_kinds(strategy, {name: Kind(kind) for name, kind in space.kinds.items()})
