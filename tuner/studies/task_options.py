"""Options of a task: keyword arguments of its constructor, such as batch_size."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import tasks.registry
from tuner.core.errors import InvalidRequest
from tuner.training.tensorflow import load_tensorflow

FIELDS = {"dtype": "precision", "data_dir": "data_dir"}
"""Arguments of constructors for which a request has fields."""


def task_options(task: str, requested: Mapping[str, Any], presets: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's options: the preset's, replaced by the requested ones.

    The task is created once with them, so that invalid options are detected before training begins.

    Args:
        task: The task, as `tasks.registry.load` accepts it.
        requested: The requested options, by name.
        presets: The preset's options.

    Raises:
        InvalidRequest: There is no such option.
        ValueError: The task does not accept a value, or cannot be created.
    """
    if not requested:
        return dict(presets)
    load_tensorflow()
    kind = tasks.registry.load(task)
    accepted = accepted_options(kind)
    for name, value in requested.items():
        if name in FIELDS:
            raise InvalidRequest("options", f": {name} is given by {{{FIELDS[name]}}}", f"{name}={value}")
        if name not in accepted:
            raise InvalidRequest("options", f": this task takes {', '.join(accepted) or 'none'}", f"{name}={value}")
    options = {**presets, **requested}
    kind(**options)
    return options


def accepted_options(kind: type) -> list[str]:
    """Return the names of the options of a task's class.

    A class whose constructor takes any keyword has their names in its attribute `arguments`.
    """
    parameters = inspect.signature(kind).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    named = [name for name, one in parameters.items() if one.kind is not one.VAR_KEYWORD and name not in FIELDS]
    return [*named, *(getattr(kind, "arguments", ()) if takes_any else ())]
