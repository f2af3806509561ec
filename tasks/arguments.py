"""Arguments of a user's function that become options of its task.

They are the parameters with a default, such as `units` of `build(units=64)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tasks.errors import TaskError, did_you_mean


def arguments_of(function: Callable[..., Any], *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the parameters of a function that have a default, by name.

    Args:
        function: The function.
        without: Names of parameters that are left out. Default: none.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # functions of C extensions may have no signature
        return {}
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        one.name: one.default
        for one in parameters
        if one.kind in by_name and one.default is not one.empty and one.name not in without
    }


def checked(name: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return given arguments.

    Args:
        name: The task's name, for the message.
        given: The arguments.
        known: Those that the function has, with their defaults.

    Raises:
        TaskError: The function has no such argument.
    """
    for argument in given:
        if argument not in known:
            accepted = ", ".join(known) or "none"
            raise TaskError(
                f"{name} has no argument of this name.{did_you_mean(argument, list(known))} Accepted: {accepted}."
                f" Received: {argument}=…"
            )
    return dict(given)
