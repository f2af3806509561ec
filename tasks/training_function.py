"""Training functions of users: how they are recognised.

    def train(hyperparameters, *, seed, budget, report, resources): ...

A training function takes hyperparameters, and by keyword any of the others, `report` among them.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from tasks.errors import TaskError

KEYWORDS = ("seed", "budget", "report", "resources")
FORM = f"def train(hyperparameters, *, {', '.join(KEYWORDS)})"


def is_training_function(value: Any) -> bool:
    """Return whether an object is a function with an argument `report`."""
    return inspect.isfunction(value) and "report" in inspect.signature(value).parameters


def keywords_of(function: Callable[..., Any], name: str) -> tuple[str, ...]:
    """Return which of `KEYWORDS` a training function takes.

    Raises:
        TaskError: It cannot be called with hyperparameters and these; one line.
    """
    parameters = inspect.signature(function).parameters.values()
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    first, named = positional[:1], {one.name: one for one in parameters if one not in positional[:1]}
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters)
    needed = [
        one.name
        for one in named.values()
        if one.default is one.empty and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    ]
    unknown = [each for each in needed if each not in KEYWORDS]
    by_place = [one.name for one in named.values() if one.kind is one.POSITIONAL_ONLY]
    if not first or first[0].name in KEYWORDS or unknown or by_place:
        raise TaskError(
            f"{name}: a training function is {FORM}, of which the last may be left out, except report. "
            f"Received: {getattr(function, '__name__', 'function')}{inspect.signature(function)}"
        )
    return tuple(each for each in KEYWORDS if takes_all or each in named)


def is_declared(where: str) -> bool:
    """Return whether the source of a module declares a training function of this name; nothing is imported or run.

    Args:
        where: 'package.module:NAME' or 'path/to/file.py:NAME'.
    """
    source, _, name = where.rpartition(":")
    path = Path(source).expanduser() if source.endswith(".py") else _file_of(source)
    if path is None or not path.is_file():
        return False
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return False
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return any(
        "report" in [each.arg for each in (*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs)]
        for one in functions
    )


def _file_of(module: str) -> Path | None:
    """Return the file of a module, without importing the packages around it."""
    places: Any = [*sys.path, str(Path.cwd())]  # the working directory is searched last
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        try:
            spec = PathFinder.find_spec(".".join(parts[:depth]), places)
        except (ImportError, ValueError, KeyError):
            return None
        if spec is None or (depth < len(parts) and spec.submodule_search_locations is None):
            return None
        places = spec.submodule_search_locations
    return Path(spec.origin) if spec is not None and spec.origin else None
