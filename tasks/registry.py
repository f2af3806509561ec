"""Find tasks by name, and names of task classes.

Loads TensorFlow only with a task's own module.
"""

from __future__ import annotations

import importlib.metadata
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tasks import importing
from tasks.catalogue import FUNCTION_PRESETS, GENERAL_COMPARISON, GENERAL_LINE_UP, GENERAL_PRESETS, TASKS, TaskEntry
from tasks.errors import TaskError, did_you_mean
from tasks.importing import ACCEPTED_NAMES, SESSION, checked_class, imported, keep, place_of, task_class, tasks_of
from tasks.tensorflow_settings import refuse_settings
from tasks.training_function import is_declared, is_training_function, keywords_of

__all__ = [
    "GENERAL_PRESETS",
    "SESSION",
    "TASKS",
    "TaskEntry",
    "best_known",
    "declares_function",
    "entry",
    "is_own",
    "load",
    "name_of",
    "plugins",
    "register",
    "source_of",
]

PLUGINS = "lodo_tune.tasks"  # the group of entry points by which installed packages offer tasks


def plugins() -> dict[str, str]:
    """Return the tasks that installed packages offer, name -> 'package.module:NAME', without importing them.

    Entry points under the name of a built-in task are left out.
    """
    points = importlib.metadata.entry_points(group=PLUGINS)
    return {
        point.name: point.value for point in sorted(points, key=lambda point: point.name) if point.name not in TASKS
    }


def best_known(
    name: str, options: Mapping[str, Any], evaluations_per_step: int = 1, precision: str | None = None
) -> float | None:
    """Return the lowest mean training loss that any optimizer reaches, or is known to reach; None if it is not known.

    It is that of the catalogue, or else the attribute `best_known` of a class, or what its method `floor` returns. Of a
    training function it is the best value of the objective.

    Args:
        name: A name as `load` accepts it.
        options: Options of the task.
        evaluations_per_step: Gradient evaluations of a step of the optimizer.
        precision: "float32", "float64"; None is the task's own.

    Raises:
        TaskError: It is not a finite number.
    """
    found = entry(name)
    if found.best_known is not None:
        return found.best_known(options, evaluations_per_step)
    if name in TASKS:
        return None
    kind: Any = imported(found.where, "task")
    value, said = getattr(kind, "best_known", None), "best_known"
    if value is None and not found.is_function and callable(getattr(kind, "floor", None)):
        value, said = kind(dtype=precision, **options).floor(evaluations_per_step), "floor(evaluations_per_step)"
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TaskError(f"{name.rpartition('/')[2]}: {said} is a finite number. Received: {value!r:.80}")
    return float(value)


def is_own(name: str) -> bool:
    """Return whether a name is that of a user's own task or of an installed package's: of code that is not ours."""
    return name not in TASKS and (":" in name or name.endswith(".py") or name in plugins())


def entry(name: str) -> TaskEntry:
    """Return what is known of a task.

    Args:
        name: A name as `load` accepts it. The module of a task that is not built in is imported; its class may have
            attributes `cohort_size` (default 1), `line_up`, `presets`, `comparison`, `dataset` and `objective`.

    Raises:
        ValueError: There is no such task (the message suggests the nearest name), or it cannot be loaded.
    """
    if name in TASKS:
        return TASKS[name]
    where = _where(name)
    found = imported(where, "task")
    if is_training_function(found):
        return _function_entry(where, found)
    task = checked_class(found, where)
    objective = getattr(task, "objective", None)
    return TaskEntry(
        where=where,
        summary=(task.__doc__ or "").strip().partition("\n")[0],
        line_up=tuple(getattr(task, "line_up", GENERAL_LINE_UP)),
        presets=getattr(task, "presets", GENERAL_PRESETS),
        comparison=getattr(task, "comparison", GENERAL_COMPARISON),
        cohort_size=getattr(task, "cohort_size", 1),
        precisions=None,
        dataset=getattr(task, "dataset", None),
        objective=objective if isinstance(objective, str) else None,  # a class may have a method of this name
        is_random=getattr(task, "is_random", True) is not False,
    )


def _function_entry(where: str, function: Any) -> TaskEntry:
    """Return the entry of a training function, which may have attributes `presets` and `objective`."""
    keywords_of(function, where.rpartition("/")[2])
    return TaskEntry(
        where=where,
        summary=(function.__doc__ or "").strip().partition("\n")[0],
        line_up=("function",),
        presets=getattr(function, "presets", FUNCTION_PRESETS),
        comparison=GENERAL_COMPARISON,
        cohort_size=1,
        precisions=(),
        objective=getattr(function, "objective", None),
        is_function=True,
        is_random=getattr(function, "is_random", True) is not False,
    )


def declares_function(name: str) -> bool:
    """Return whether a name is that of a training function, as far as its source or this process tells.

    Nothing is imported, so that a function that does not need TensorFlow is found without it.
    """
    if name.startswith(SESSION):
        return is_training_function(imported(name, "task"))
    name = plugins().get(name, name)
    source, _, attribute = name.rpartition(":")
    if source in sys.modules:
        return is_training_function(getattr(sys.modules[source], attribute, None))
    return bool(source) and is_declared(name)


def load(name: str) -> type:
    """Return a task's class; imports its module, and TensorFlow with it.

    Args:
        name: A name of `TASKS`, 'package.module:NAME', 'path/to/file.py:NAME', the name of a task that an installed
            package offers (entry points of the group `lodo_tune.tasks`), or 'session:NAME' of a registered class.

    Raises:
        ValueError: There is no such task, or its module or class cannot be used: missing, raises on import, not a
            Task; or TensorFlow has settings with which nothing trains. One line that names the file and the fault; the
            original exception is its cause.
    """
    kind = task_class(TASKS[name].where if name in TASKS else _where(name))
    refuse_settings(name)
    return kind


def source_of(name: str) -> tuple[ModuleType, str | None] | None:
    """Return the module of a task that is not built in, and its full name if it was not given as a file.

    Args:
        name: A name as `load` accepts it.

    Returns:
        None for a class of this process alone, which no other process can import.

    Raises:
        ValueError: There is no such task, or it cannot be loaded.
    """
    where = _where(name)
    return None if where.startswith(SESSION) else importing.source_of(where)


def register(name: str, kind: type) -> str:
    """Make a class loadable under a name in this process, for tasks that are defined in a script or notebook.

    Registering a name again replaces its class.

    Args:
        name: "session:NAME", as `name_of` returns it, or NAME alone.
        kind: The task's class.

    Returns:
        "session:NAME".

    Raises:
        TaskError: It is not a class with the methods of a Task.
    """
    full_name = SESSION + name.removeprefix(SESSION)
    keep(full_name, checked_class(kind, full_name))
    return full_name


def name_of(task: object) -> str:
    """Return the name of a task that is given as an object.

    Args:
        task: A name, which is returned as it is; a task's class: one with the methods of a Task, or what
            `function_task` or `keras_task` returned; or a training function.

    Returns:
        The name of a built-in task; "module:NAME" of a class that `module` holds under this name;
        "/path/to/file.py:NAME" if the module's file was imported by its path; or "session:NAME" of a class that other
        processes cannot import: one of a notebook, of the script being run, or local to a function. The last kind
        has to be sent to other processes by value, and to be registered in each (`register`).

    Raises:
        TaskError: It is something else, such as an instance or a function; the message says what is accepted.
    """
    if isinstance(task, str):
        return task
    if is_training_function(task):
        place = place_of(task)
        if place.startswith(SESSION):
            keep(place, task)
        return place
    kind = checked_class(task, getattr(task, "__name__", None) or f"an instance of {type(task).__name__}")
    builtin = {entry.where: name for name, entry in TASKS.items()}
    place = place_of(kind)
    return builtin.get(place, place)


def _where(name: str) -> str:
    """Return where a task is that is not built in: its name, or the entry point of an installed package."""
    if ":" in name:
        return name
    if name.endswith(".py"):
        offered = ", ".join(f"{name}:{task}" for task in tasks_of(Path(name)))
        raise TaskError(f"{name} is a file: a task in it is given as {name}:NAME. It offers {offered or 'no task'}")
    offers = {point.value: point for point in importlib.metadata.entry_points(group=PLUGINS, name=name)}
    if len(offers) > 1:
        packages = ", ".join(sorted(point.dist.name if point.dist else "?" for point in offers.values()))
        raise TaskError(f"Two installed packages offer a task {name!r}: {packages}. Give one of {', '.join(offers)}")
    if offers:
        return next(iter(offers))
    known = [*TASKS, *plugins()]
    raise ValueError(
        f"Unknown task.{did_you_mean(name.lower(), known)} Tasks: {', '.join(known)};"
        f" or your own as {ACCEPTED_NAMES}. Received: {name!r}"
    )
