"""Search spaces of a request's optimizers: from files, built-in or derived."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import lodo.registry
from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest
from tuner.core.text import nearest

Shapes = Sequence[tuple[int, ...]]


def search_spaces_of(
    names: Sequence[str], files: Sequence[Path], shapes: Shapes
) -> tuple[dict[str, SearchSpace], list[str]]:
    """Return the search space of each optimizer, and a remark on each derived one.

    Args:
        names: Names of existing optimizers.
        files: The user's search-space files, each for one of these optimizers.
        shapes: Shapes of the trained variables; for Keras' optimizers, which may treat some differently.

    Raises:
        InvalidRequest: A file is for none of them, or two are for one, or Keras' optimizer has no such hyperparameters.
        ValueError: A file cannot be used, or no space can be derived; one line.
    """
    from search_spaces import loader  # imports pydantic and YAML, only when needed

    spaces: dict[str, SearchSpace] = {}
    for file in files:
        space = loader.load(file)
        if space.optimizer not in names:
            raise InvalidRequest(
                "search_spaces", f"{file}: it is for {space.optimizer}, which is not tuned here ({', '.join(names)})"
            )
        if space.optimizer in spaces:
            raise InvalidRequest("search_spaces", f"{file}: there is another file for {space.optimizer}")
        if lodo.registry.is_of_keras(space.optimizer):
            _check_keras(file, space, shapes)
        else:
            expected = loader.builtin(space.optimizer).names
            space = loader.load(file, optimizer=space.optimizer, hyperparameters=expected)
        spaces[space.optimizer] = space
    remarks = []
    for name in names:
        if name not in spaces:
            spaces[name], remark = default_space(name, shapes)
            remarks += [remark] if remark else []
    return spaces, remarks


def default_space(name: str, shapes: Shapes) -> tuple[SearchSpace, str]:
    """Return the search space of an optimizer without a user's file, and a remark if it is derived.

    Raises:
        ValueError: No space can be derived.
    """
    if not lodo.registry.is_of_keras(name):
        from search_spaces import loader

        return loader.builtin(name), ""
    from lodo import keras_adapter
    from search_spaces import derived

    tunable = keras_adapter.tunable(name, shapes)
    space = derived.derive(name, tunable)
    idle = [other for other in keras_adapter.tunable(name) if other not in tunable]
    return space, derived.describe(space, tunable, idle)


def numbers_beside(space: SearchSpace, shapes: Shapes) -> tuple[str, ...]:
    """Return the settable hyperparameters outside the search space, which a derived space leaves at Keras' defaults."""
    if not lodo.registry.is_of_keras(space.optimizer):
        return ()
    from lodo import keras_adapter

    return tuple(name for name in keras_adapter.tunable(space.optimizer, shapes) if name not in space.names)


def _check_keras(file: Path, space: SearchSpace, shapes: Shapes) -> None:
    """Refuse hyperparameters that Keras' optimizer does not have; others keep Keras' defaults."""
    from lodo import keras_adapter

    known = keras_adapter.tunable(space.optimizer, shapes)
    for name in space.names:
        if name not in known:
            raise InvalidRequest(
                "search_spaces",
                f"{file}: {space.optimizer} has nothing of this name to tune on this task"
                f"{nearest(name, tuple(known))}. Accepted: {', '.join(known)}",
                name,
            )
