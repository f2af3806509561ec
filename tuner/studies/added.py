"""Additions to optimizers, such as schedules and clipping, in search spaces and given values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from lodo.additions import ADDITIONS, AdditionError, available, check, check_value, rate_of
from search_spaces.space import Dimension, SearchSpace


def check_values(optimizer: str, values: Mapping[str, float], own: Collection[str]) -> None:
    """Check the additions among given hyperparameters.

    Args:
        optimizer: The optimizer's name.
        values: All hyperparameters.
        own: Names of those of the optimizer itself.

    Raises:
        AdditionError: They exclude each other, need a learning rate, or one does not take its value.
    """
    added = [name for name in values if name in available(own)]
    check(optimizer, added, own or [name for name in values if name not in added])
    for name in added:
        check_value(name, values[name])


def checked(space: SearchSpace, own: Mapping[str, float | None], where: str) -> SearchSpace:
    """Return a search space whose additions are checked and bounded by what they accept.

    The learning rate that an addition needs is fixed at its default if the space leaves it out.

    Args:
        space: The space, of which the names are known.
        own: The optimizer's own hyperparameters with their defaults; empty if they are not known.
        where: Where the space is given, for errors.

    Raises:
        ValueError: An addition cannot be used; one line.
    """
    names = (*space.names, *space.fixed)
    added = [name for name in names if name in available(own)]
    if not added:
        return space
    inner = list(own) or [name for name in names if name not in added]
    try:
        check(space.optimizer, added, inner)
        for name in added:
            if name in space.fixed:
                check_value(name, space.fixed[name])
        dimensions = tuple(_bounded(each) if each.name in added else each for each in space.dimensions)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    rate = rate_of(inner)
    default = None if rate is None or rate in names else own[rate]
    fixed = {**space.fixed, **({} if rate is None or default is None else {rate: default})}
    return replace(space, dimensions=dimensions, fixed=fixed)


def _bounded(dimension: Dimension) -> Dimension:
    """Return the dimension of an addition within what it accepts.

    Raises:
        AdditionError: It has a bound, or a scale, beyond that.
    """
    addition = ADDITIONS[dimension.name]
    if dimension.least < addition.least or (dimension.high is not None and dimension.high > addition.greatest):
        raise AdditionError(
            f"{dimension.name} is {addition.accepted}. Received: {dimension.least:g} to {dimension.greatest:g} on the"
            f" scale '{dimension.scale}'"
        )
    try:
        return replace(dimension, high=min(dimension.greatest, addition.greatest)) if _exceeds(dimension) else dimension
    except ValueError:  # the default
        raise AdditionError(f"{dimension.name} is {addition.accepted}. Received: {dimension.default!r}") from None


def _exceeds(dimension: Dimension) -> bool:
    return dimension.greatest > ADDITIONS[dimension.name].greatest
