"""Hyperparameters of the task: arguments of its constructor that a search tunes.

Their names begin with "task.", as in `task.batch_size`. A worker passes them to the task, and all others to the
optimizer. They may change the shape of what is compiled, so that candidates share a cohort only if these are equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tuner.core.trial import Workload

PREFIX = "task."


def is_of_task(name: str) -> bool:
    """Return whether a hyperparameter belongs to the task."""
    return name.startswith(PREFIX)


def of_task(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the task's arguments by their own names; those without an effect are left out."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in hyperparameters.items()
        if is_of_task(name) and value is not None
    }


def of_optimizer(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters that do not belong to the task."""
    return {name: value for name, value in hyperparameters.items() if not is_of_task(name)}


def names_of_optimizer(names: Iterable[str]) -> list[str]:
    """Return the names of hyperparameters that do not belong to the task."""
    return [name for name in names if not is_of_task(name)]


def shape_of(hyperparameters: Mapping[str, Any]) -> str:
    """Return the task's arguments as text; candidates with equal texts share what is compiled. "" without any."""
    arguments = of_task(hyperparameters)
    return json.dumps(arguments, sort_keys=True) if arguments else ""


def with_arguments(workload: Workload, hyperparameters: Mapping[str, Any]) -> Workload:
    """Return the workload of a candidate: with the task's arguments among the options."""
    arguments = of_task(hyperparameters)
    return replace(workload, options={**workload.options, **arguments}) if arguments else workload
