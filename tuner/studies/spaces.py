"""Search spaces of a request's optimizers.

They come from files, are built-in or declared, or are derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import lodo.registry
from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest
from tuner.core.text import nearest
from tuner.studies import own_spaces
from tuner.studies.optimizers import Chosen, names_of
from tuner.studies.own_spaces import Shapes


def search_spaces_of(
    chosen: Sequence[Chosen], files: Sequence[Path], shapes: Shapes
) -> tuple[dict[str, SearchSpace], list[str]]:
    """Return the search space of each optimizer by its name, and a remark on each derived one.

    Args:
        chosen: The optimizers.
        files: The user's search-space files, each for one of these optimizers. Hyperparameters of a built-in one that a
            file leaves out are fixed at their defaults.
        shapes: Shapes of the trained variables; for Keras' optimizers, which may treat some differently.

    Raises:
        InvalidRequest: A file is for none of them, or two are for one, or the optimizer has no such hyperparameters.
        ValueError: A file cannot be used, or no space can be derived; one line.
    """
    from search_spaces import loader  # imports pydantic and YAML, only when needed

    by_name = {one.name: one for one in chosen}
    spaces: dict[str, SearchSpace] = {}
    for file in files:
        space = loader.load(file)
        name = space.optimizer
        if name not in by_name:
            raise InvalidRequest(
                "search_spaces", f"{file}: it is for {name}, which is not tuned here ({names_of(chosen)})"
            )
        if name in spaces:
            raise InvalidRequest("search_spaces", f"{file}: there is another file for {name}")
        if by_name[name].place is not None:
            space = own_spaces.space_of_file(space, by_name[name], shapes, file)
        elif lodo.registry.is_of_keras(name):
            _check_keras(file, space, shapes)
        else:
            built_in = loader.builtin(name)
            space = loader.load(file, optimizer=name, hyperparameters=built_in.names, some=True)
            left = {key: value for key, value in built_in.defaults().items() if key not in space.names}
            space = replace(space, fixed=left)
        spaces[name] = space
    remarks = []
    for one in chosen:
        if one.name not in spaces:
            spaces[one.name], remark = default_space(one, shapes)
            remarks += [remark] if remark else []
    return spaces, remarks


def default_space(chosen: Chosen, shapes: Shapes) -> tuple[SearchSpace, str]:
    """Return the search space of an optimizer without a user's file, and a remark if it is derived.

    Raises:
        ValueError: No space can be derived.
    """
    if chosen.place is not None:
        return own_spaces.own_space(chosen, shapes)
    if not lodo.registry.is_of_keras(chosen.name):
        from search_spaces import loader

        return loader.builtin(chosen.name), ""
    from lodo import keras_adapter
    from search_spaces import derived

    tunable = keras_adapter.tunable(chosen.name, shapes)
    space = derived.derive(chosen.name, tunable)
    idle = [other for other in keras_adapter.tunable(chosen.name) if other not in tunable]
    return space, derived.describe(space, tunable, idle)


def numbers_beside(chosen: Chosen, space: SearchSpace, shapes: Shapes) -> tuple[str, ...]:
    """Return the settable hyperparameters outside the search space, which keep the defaults of the constructor."""
    if chosen.place is not None:
        return own_spaces.beside(chosen, space, shapes)
    if not lodo.registry.is_of_keras(chosen.name):
        return ()
    from lodo import keras_adapter

    return tuple(name for name in keras_adapter.tunable(chosen.name, shapes) if name not in space.names)


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
