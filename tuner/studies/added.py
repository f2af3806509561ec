"""Additions to optimizers in search spaces and in given values.

Additions are schedules, weight decay, clipping and averaging; see `lodo.additions`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from lodo.additions import ADDITIONS, AdditionError, available, check, check_value, rate_of
from lodo.names import is_of_keras
from search_spaces.space import Dimension, Scale, SearchSpace
from search_spaces.suggestion import nearest
from tuner.core.task_arguments import names_of_optimizer, of_optimizer
from tuner.studies.optimizers import Chosen
from tuner.training import own_optimizers


def additions_to(chosen: Chosen) -> tuple[str, ...]:
    """Return the names of the additions to an optimizer: those that no hyperparameter of its own has, on any task."""
    if chosen.place is None and not is_of_keras(chosen.name):
        from search_spaces import loader

        return available(loader.builtin(chosen.name).names)
    return available(own_optimizers.own_names(chosen.name, chosen.place))


def check_values(
    chosen: Chosen,
    space: SearchSpace,
    values: Mapping[str, float],
    own: Collection[str],
    further: Collection[str] = (),
) -> None:
    """Check the hyperparameters of one configuration.

    Args:
        chosen: The optimizer.
        space: Its search space.
        values: Name -> value.
        own: Names of the hyperparameters of the optimizer itself, of which the space may leave out some.
        further: Other names that are accepted. Default: none.

    Raises:
        ValueError: A name is unknown or missing, a value is not accepted, or additions exclude each other; one line.
    """
    given, values = values, of_optimizer(values)
    added = additions_to(chosen)
    beside = [name for name in (*own, *further, *added) if name not in space.names]
    for name in values:
        if name not in (*space.names, *space.fixed, *beside):
            meant = nearest(name, (*space.names, *beside))
            raise ValueError(
                f"{space.optimizer} has no hyperparameter of this name{meant}. Accepted: {', '.join(space.names)}. "
                f"Received: {name!r:.80}. Also accepted: {', '.join(beside)}"
            )
    space.encode({name: value for name, value in given.items() if name in space.names})
    switched = [name for name in values if name in added]
    check(space.optimizer, switched, own or [name for name in values if name not in switched])
    for name in switched:
        check_value(name, values[name])


def checked(chosen: Chosen, space: SearchSpace, own: Mapping[str, float | None], where: str) -> SearchSpace:
    """Return a search space whose additions are checked and bounded by what they accept.

    The learning rate that an addition needs is fixed at its default if the space leaves it out.

    Args:
        chosen: The optimizer.
        space: Its space, of which the names are known.
        own: The optimizer's own hyperparameters with their defaults; empty if they are not known.
        where: Where the space is given, for errors.

    Raises:
        ValueError: An addition cannot be used; one line.
    """
    names = tuple(names_of_optimizer((*space.names, *space.fixed)))
    if not any(name in ADDITIONS for name in names):
        return space
    possible = additions_to(chosen)
    added = [name for name in names if name in possible]
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
    if dimension.scale is Scale.CHOICE:
        for value in dimension.values:
            check_value(dimension.name, float(value))
        return dimension
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
    return bool(dimension.greatest > ADDITIONS[dimension.name].greatest)
