"""`--option NAME=VALUE`: keyword arguments of a task's constructor, such as its batch size."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import tasks.registry
from tuner.core.errors import UsageError
from tuner.training.tensorflow import load_tensorflow

ELSEWHERE = {"dtype": "--precision", "data_dir": "--data-dir"}  # said by options of their own


def task_options(task: str, given: Sequence[str], presets: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's options: a preset's, with those that the command line gives in their place.

    The task is made once with them, so that what it does not take is told before anything begins.

    Args:
        task: As `tasks.registry.load` takes it.
        given: NAME=VALUE; a value is read as JSON (numbers, true, false), and else as the text that it is.
        presets: The preset's options.

    Raises:
        UsageError: There is no such option, or it is given twice.
        ValueError: The task does not take its value, or cannot be made.
    """
    if not given:
        return dict(presets)
    load_tensorflow()
    kind = tasks.registry.load(task)
    parameters = inspect.signature(kind).parameters
    accepted = [name for name in parameters if name not in ELSEWHERE]
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or name in found:
            raise UsageError(f"--option takes NAME=VALUE, each name once. Received: {' and '.join(map(repr, given))}")
        if name in ELSEWHERE:
            raise UsageError(f"--option: {name} is given by {ELSEWHERE[name]}. Received: {text!r}")
        if name not in accepted:
            raise UsageError(f"--option: this task takes {', '.join(accepted) or 'none'}. Received: {text!r}")
        found[name] = _value(value)
    options = {**presets, **found}
    kind(**options)
    return options


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, float) and not math.isfinite(value) else value  # JSON of ours holds no NaN
