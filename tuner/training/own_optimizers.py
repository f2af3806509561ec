"""Optimizers of users' own and of installed packages, by place.

A place is 'package.module:NAME', 'path/to/file.py:NAME', or 'session:NAME' of a class that another process cannot
import.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import lodo.registry
from lodo import own_class
from lodo.additions import ADDITIONS, available
from tasks import importing

PLUGINS = "lodo_tune.optimizers"  # the group of entry points by which installed packages offer optimizers


def plugins() -> dict[str, str]:
    """Return the optimizers that installed packages offer, name -> 'package.module:NAME', without importing them.

    Entry points under the name of a built-in optimizer are left out.
    """
    points = importlib.metadata.entry_points(group=PLUGINS)
    return {
        point.name: point.value
        for point in sorted(points, key=lambda point: point.name)
        if point.name not in lodo.registry.OPTIMIZERS
    }


def found_at(place: str) -> type:
    """Return the class of an optimizer; imports its module, and TensorFlow with it.

    A pair of functions is returned as a class.

    Raises:
        ValueError: There is none, its module raises on import, or it cannot be used; one line.
    """
    return own_class.checked(importing.imported(place, "optimizer"), shown(place))


def load(name: str, place: str | None, hyperparameters: Sequence[str] | None) -> type:
    """Return an optimizer's class in our protocol, with the additions that its hyperparameters name.

    Args:
        name: The optimizer's name.
        place: Where its class is. None: it is built in or of Keras.
        hyperparameters: Those that the trials have. None: all that it has itself; see `lodo.registry.load`.

    Raises:
        ValueError: There is no such optimizer, or it lacks one of the hyperparameters.
    """
    added: tuple[str, ...] = ()
    if hyperparameters is not None and any(each in ADDITIONS for each in hyperparameters):
        known = available(own_names(name, place))
        added = tuple(each for each in hyperparameters if each in known)
        hyperparameters = [each for each in hyperparameters if each not in known]
    optimizer = _load(name, place, hyperparameters)
    if not added:
        return optimizer
    from lodo.with_additions import with_additions

    return with_additions(optimizer, added)


def is_random(name: str, place: str | None) -> bool:
    """Return whether the steps of an optimizer may depend on its seeds.

    Args:
        name: The optimizer's name.
        place: Where its class is. None: it is built in or of Keras.
    """
    return name in lodo.registry.RANDOM if place is None else own_class.is_random(found_at(place))


def evaluations_per_step(name: str, place: str | None) -> int:
    """Return the gradient evaluations of a step of an optimizer, without loading one that is not the user's.

    Args:
        name: The optimizer's name.
        place: Where its class is. None: it is built in or of Keras.
    """
    if place is None:
        return lodo.registry.EVALUATIONS_PER_STEP.get(name, 1)
    return getattr(found_at(place), "evaluations_per_step", 1)


def own_names(name: str, place: str | None) -> tuple[str, ...]:
    """Return the hyperparameters of an optimizer itself, without additions; none of a pair of functions may be known.

    Args:
        name: The optimizer's name.
        place: Where its class is. None: it is built in or of Keras.

    Raises:
        ValueError: There is no such optimizer.
    """
    if place is not None:
        return tuple(own_class.arguments(found_at(place), name))
    kind: Any = lodo.registry.load(name)
    return tuple(kind.hyperparameters)


def _load(name: str, place: str | None, hyperparameters: Sequence[str] | None) -> type:
    if place is None:
        return lodo.registry.load(name, hyperparameters)
    kind = found_at(place)
    chosen = own_class.arguments(kind, name) if hyperparameters is None else hyperparameters
    return own_class.adapted(kind, name, tuple(chosen))


def place_of(optimizer: Any, name: str | None = None) -> str:
    """Return the place of an optimizer that is given as a class; a class of the session is kept for this process.

    Args:
        optimizer: A class, or a pair of functions.
        name: Its name, which a pair of functions needs. Default: that of the class.

    Raises:
        OwnOptimizerError: It is not an optimizer, or a pair of functions without a name.
    """
    own_name = getattr(optimizer, "__name__", None)
    kind = own_class.checked(optimizer, name or own_name or f"an instance of {type(optimizer).__name__}")
    if name is None and own_name is None:
        raise own_class.OwnOptimizerError("a pair of functions is given with a name: {'MyOptimizer': (init, update)}")
    place = importing.place_of(kind)
    if place.startswith(importing.SESSION):
        importing.keep(place, kind)
    return place


def shown(place: str) -> str:
    """Return a place for people: a file without its folder."""
    return place.rpartition("/")[2]
