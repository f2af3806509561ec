"""The search space of each optimizer of a request: the user's file, the built-in one, or one that is derived."""

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
    """Return the search space of each optimizer, and a remark on each that was derived.

    Args:
        names: Of optimizers that there are.
        files: Search-space files of the user's, each for one of these.
        shapes: Of the variables that are trained; for Keras' optimizers, which may treat some otherwise.

    Raises:
        InvalidRequest: A file is for none of them, or two are for one, or Keras' optimizer has no such hyperparameters.
        ValueError: A file cannot be used, or there is nothing to derive a space from; one line.
    """
    from search_spaces import loader  # pydantic and YAML, only once they are needed

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
    """Return the search space of an optimizer for which there is no file of the user's, and a remark if it is derived.

    Raises:
        ValueError: There is nothing to derive a space from.
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
    """Return what can be set of an optimizer beside its search space: what a derived one leaves at Keras' default."""
    if not lodo.registry.is_of_keras(space.optimizer):
        return ()
    from lodo import keras_adapter

    return tuple(name for name in keras_adapter.tunable(space.optimizer, shapes) if name not in space.names)


def _check_keras(file: Path, space: SearchSpace, shapes: Shapes) -> None:
    """Refuse hyperparameters that Keras' optimizer does not have; it may have more, which stay as Keras has them."""
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
