"""Conversion of the API's arguments to the form that requests take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import lodo.registry
import tasks.registry
from tuner.core.errors import InvalidRequest

Task = str | type
"""A task's name, or its class."""

Optimizer = str | type
"""An optimizer's name, or the class of a built-in one or of one of `keras.optimizers`."""


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
            tasks.registry.register(name, task)
    except ValueError as error:
        raise InvalidRequest("task", f": {error}") from None
    return name


def optimizer_name(optimizer: Optimizer, field: str = "optimizer") -> str:
    """Return the name of an optimizer that may be given as a class.

    Raises:
        InvalidRequest: It is neither a name nor the class of a built-in optimizer or one of `keras.optimizers`.
    """
    if isinstance(optimizer, str):
        return optimizer
    try:
        return lodo.registry.name_of(optimizer)
    except ValueError as error:
        raise InvalidRequest(field, f": {error}") from None


def optimizer_names(optimizers: Optimizer | Iterable[Optimizer] | None) -> tuple[str, ...] | None:
    """Return the names of one or several optimizers; None for None."""
    if optimizers is None:
        return None
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
