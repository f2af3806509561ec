"""Lookup of a request's tasks, optimizers and data by name, and names for runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tasks.registry
from tasks.registry import TaskEntry
from tuner.core.errors import InvalidRequest
from tuner.training.tensorflow import load_tensorflow


def absolute(task: str) -> str:
    """Return a task's name as workers on other machines need it: a user's file by its full path."""
    path, colon, name = task.rpartition(":")
    return f"{Path(path).expanduser().resolve()}:{name}" if colon and path.endswith(".py") else task


def task_names(text: str) -> tuple[str, ...]:
    """Return the tasks that a text names, with commas between several, as `absolute` returns them.

    A file whose own path has a comma is one task.

    Raises:
        InvalidRequest: A name is empty, or a task is named twice.
    """
    path, _, label = text.rpartition(":")
    one = "," not in text or ("," not in label and Path(path).expanduser().is_file())
    names = [absolute(text if one else name.strip()) for name in ([text] if one else text.split(","))]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise InvalidRequest("task", f": {name} is named twice", text)
        if not name and len(names) > 1:
            raise InvalidRequest("task", "takes names with a comma between each two", text)
    return tuple(names)


def task_entry(task: str) -> TaskEntry:
    """Return the registry's entry of a task.

    Raises:
        ValueError: There is no task of this name, or a user's own task cannot be used.
    """
    if tasks.registry.is_own(task) and not tasks.registry.declares_function(task):
        load_tensorflow()  # without its messages, which importing the user's module would print
    return tasks.registry.entry(task)


def check_precision(precision: str | None, entry: TaskEntry) -> None:
    """Check that a task can be trained in a precision; None is accepted.

    Raises:
        InvalidRequest: The task does not support it.
    """
    if precision is not None and entry.precisions is not None and precision not in entry.precisions:
        raise InvalidRequest("precision", f"is one of {', '.join(entry.precisions)} for this task", precision)


def variable_shapes(task: str, options: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the variables that a task trains, which Keras' optimizers may treat differently.

    Raises:
        ValueError: The task cannot be created.
    """
    from lodo.keras_adapter import VECTOR_SHAPES

    shapes: tuple[tuple[int, ...], ...] | None = getattr(tasks.registry.load(task)(**options), "variable_shapes", None)
    return shapes or VECTOR_SHAPES


def data_fingerprint(entry: TaskEntry) -> tuple[dict[str, Any] | None, str]:
    """Return the fingerprint of a task's data, None if it has none, and a remark on it for users.

    Raises:
        ValueError: The data is missing or broken.
    """
    if entry.dataset is None:
        return None, ""
    import tasks.datasets

    return tasks.datasets.facts(entry.dataset)


def run_name(task: str, taken: Sequence[str]) -> str:
    """Return a name for a run of a task: the task's, with a number if that is already taken."""
    path, _, name = task.rpartition(":")
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", name if path else task).strip("-._")[:56] or "run"
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in numbered if candidate not in taken)
