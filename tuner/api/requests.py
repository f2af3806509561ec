"""Conversion of the API's arguments to the form that requests take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lodo.registry
import tasks.registry
from tasks import importing
from tuner.core.errors import InvalidRequest
from tuner.training.tensorflow import load_tensorflow

Task = str | type | Callable[..., Any]
"""A task's name, its class, or a training function."""

Optimizer = str | type | tuple[Any, Any]
"""An optimizer's name, or a class: a built-in one, one of `keras.optimizers`, or one of your own.

One of your own is a class of our protocol, a subclass of `keras.optimizers.Optimizer`, or, under a name of its own, a
pair of functions `(init, update)`.
"""

Optimizers = Optimizer | Iterable[Optimizer] | Mapping[str, Optimizer]
"""One or several optimizers; a mapping gives the user's own ones the names that tables show."""


def task_name(task: Task) -> str:
    """Return the name of a task that may be given as a class.

    A class of a module is named "module:NAME", and workers import it. A class of a script or a notebook is named
    "session:NAME", and workers receive it by value: it, and what it refers to, must be picklable by cloudpickle. Open
    files, locks, database connections and TensorFlow variables cannot be sent; create them in the constructor.

    Raises:
        InvalidRequest: It is neither a name nor a task's class.
    """
    if isinstance(task, str):
        return task
    try:
        name = tasks.registry.name_of(task)
        if name.startswith(tasks.registry.SESSION):
            importing.keep(name, task)  # `name_of` has checked it
    except ValueError as error:
        raise InvalidRequest("task", f": {error}") from None
    return name


def optimizer_name(optimizer: Optimizer, field: str = "optimizer", *, name: str | None = None) -> str:
    """Return the text that names an optimizer, which may be given as a class.

    A class of the user's own is sent to workers as a task's class is, see `task_name`.

    Args:
        optimizer: The optimizer.
        field: Name of the field in errors.
        name: The name of one of the user's own. Default: that of its class.

    Raises:
        InvalidRequest: It is not an optimizer.
    """
    if isinstance(optimizer, str):
        return optimizer if name is None else f"{name}={optimizer}"
    if name is None and (known := lodo.registry.name_of(optimizer)) is not None:
        return known
    load_tensorflow()
    from tuner.training import own_optimizers

    try:
        place = own_optimizers.place_of(optimizer, name)
    except ValueError as error:
        raise InvalidRequest(field, f": {error}") from None
    return place if name is None else f"{name}={place}"


def optimizer_names(optimizers: Optimizers | None) -> tuple[str, ...] | None:
    """Return the texts that name optimizers; one may stand alone. None stays None."""
    if optimizers is None:
        return None
    if isinstance(optimizers, Mapping):
        return tuple(optimizer_name(one, "optimizers", name=name) for name, one in optimizers.items())
    several = [optimizers] if isinstance(optimizers, str | type) else optimizers
    return tuple(optimizer_name(optimizer, "optimizers") for optimizer in several)


def sequence(values: Any | Sequence[Any] | None) -> tuple[Any, ...] | None:
    """Return one value or several as a tuple; None for None."""
    if values is None:
        return None
    return tuple(values) if isinstance(values, Sequence | range) and not isinstance(values, str) else (values,)


def paths(files: str | Path | Iterable[str | Path]) -> tuple[Path, ...]:
    """Return one path or several as a tuple."""
    return tuple(map(Path, [files] if isinstance(files, str | Path) else files))
