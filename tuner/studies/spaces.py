"""Search spaces of a request's optimizers.

They come from files, are built-in or declared, or are derived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import lodo.registry
from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest
from tuner.core.task_arguments import names_of_optimizer
from tuner.core.text import nearest
from tuner.studies import added, own_spaces
from tuner.studies.numeric_spaces import numeric
from tuner.studies.optimizers import Chosen, names_of
from tuner.studies.own_spaces import Shapes


def search_spaces_of(
    chosen: Sequence[Chosen], files: Sequence[Path], shapes: Shapes, given: SearchSpace | None = None
) -> tuple[dict[str, SearchSpace], list[str]]:
    """Return the search space of each optimizer by its name, and a remark on each derived one.

    Args:
        chosen: The optimizers.
        files: The user's search-space files, each for one of these optimizers. Hyperparameters of a built-in one that a
            file leaves out are fixed at their defaults.
        shapes: Shapes of the trained variables; for Keras' optimizers, which may treat some differently.
        given: A space in place of a file, for the only optimizer. Default: none.

    Raises:
        InvalidRequest: A file is for none of them, or two are for one, or the optimizer has no such hyperparameters.
        ValueError: A file cannot be used, or no space can be derived; one line.
    """
    from search_spaces import loader  # imports pydantic and YAML, only when needed

    by_name = {one.name: one for one in chosen}
    spaces: dict[str, SearchSpace] = {}
    read: list[tuple[SearchSpace, Path | None]] = [(loader.load(file), file) for file in files]
    if given is not None:
        if len(chosen) != 1:
            raise InvalidRequest("space", f"is for one optimizer; give files for several ({names_of(chosen)})")
        read.append((replace(given, optimizer=chosen[0].name), None))
    for space, path in read:
        file = "`space`" if path is None else str(path)
        space = numeric(space, file)
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
            space = _of_keras(by_name[name], file, space, shapes)
        else:
            known = (*loader.builtin(name).names, *added.additions_to(by_name[name]))
            if path is None:
                _check_names(space, known)
            else:
                loader.load(path, optimizer=name, hyperparameters=known, some=True)  # names the line
            space = _completed(by_name[name], space, file)
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


def own_arguments(chosen: Chosen, shapes: Shapes) -> Mapping[str, float | None]:
    """Return the hyperparameters of an optimizer itself with their defaults, without additions."""
    if chosen.place is not None:
        return own_spaces.arguments(chosen, shapes)
    if not lodo.registry.is_of_keras(chosen.name):
        from search_spaces import loader

        return loader.builtin(chosen.name).defaults()
    from lodo import keras_adapter

    return keras_adapter.tunable(chosen.name, shapes)


def _check_names(space: SearchSpace, known: Sequence[str]) -> None:
    """Refuse a space that was not read from a file if the optimizer lacks one of its hyperparameters."""
    for name in names_of_optimizer((*space.names, *space.fixed)):
        if name not in known:
            raise InvalidRequest(
                "space",
                f": {space.optimizer} has no such hyperparameter{nearest(name, known)}. Accepted: {', '.join(known)},"
                " and task.NAME for an argument of the task",
                name,
            )


def _completed(chosen: Chosen, space: SearchSpace, file: str) -> SearchSpace:
    """Return the search space of a built-in optimizer, with what the file leaves out fixed at its default."""
    from search_spaces import loader

    built_in = loader.builtin(space.optimizer)
    for dimension in built_in.dimensions:
        if dimension.name in space.fixed:
            try:
                dimension.encode(space.fixed[dimension.name])
            except ValueError as error:
                raise ValueError(f"{file}: {error}") from None
    left = {name: value for name, value in built_in.defaults().items() if name not in space.names}
    return added.checked(chosen, replace(space, fixed={**left, **space.fixed}), built_in.defaults(), file)


def _of_keras(chosen: Chosen, file: str, space: SearchSpace, shapes: Shapes) -> SearchSpace:
    """Return a search space of Keras' optimizer, checked; hyperparameters that it leaves out keep Keras' defaults."""
    from lodo import keras_adapter

    known = keras_adapter.tunable(space.optimizer, shapes)
    names = tuple(names_of_optimizer((*space.names, *space.fixed)))
    accepted = (*known, *(() if known.keys() >= {*names} else added.additions_to(chosen)))
    for name in names:
        if name not in accepted:
            raise InvalidRequest(
                "search_spaces",
                f"{file}: {space.optimizer} has no tunable hyperparameter of this name on this task"
                f"{nearest(name, accepted)}. Accepted: {', '.join(accepted)}",
                name,
            )
        if space.fixed.get(name, 0.0) < 0:
            raise InvalidRequest("search_spaces", f"{file}: {name} is at least 0", space.fixed[name])
    return added.checked(chosen, space, known, file)
