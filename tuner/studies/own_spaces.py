"""Search spaces of users' own optimizers.

A space is the user's file, or else the `search_space` of the class, or else a YAML file beside its module, named as the
class in lower case, or else derived from the constructor.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lodo import own_class
from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest
from tuner.core.task_arguments import names_of_optimizer
from tuner.core.text import nearest
from tuner.core.user_code import explained
from tuner.studies import added
from tuner.studies.numeric_spaces import numeric
from tuner.studies.optimizers import Chosen
from tuner.training import own_optimizers

Shapes = Sequence[tuple[int, ...]]
Arguments = Mapping[str, float | None]


def own_space(chosen: Chosen, shapes: Shapes) -> tuple[SearchSpace, str]:
    """Return the search space of a user's own optimizer, and a remark if it is derived.

    Raises:
        InvalidRequest: No space is given, and none can be derived.
        ValueError: The space cannot be used, or the optimizer's class raises; one line.
    """
    from search_spaces import derived

    declared = _declared(chosen, shapes)
    if declared is not None:
        space, where = declared
        return _completed(space, chosen, shapes, where), ""
    _, known = _known(chosen, shapes)
    try:
        space = derived.derive(chosen.name, known)
    except ValueError:
        stem = (chosen.place or "").rpartition(":")[2].lower()
        raise InvalidRequest(
            "search_spaces",
            f": {chosen.name} has none: give the class `search_space = {{...}}`, a file {stem}.yaml beside it, or a"
            " file here; its constructor has no argument whose name and default tell the scale (learning_rate=0.01)",
        ) from None
    return _completed(space, chosen, shapes, chosen.name), derived.describe(space, known)


def space_of_file(space: SearchSpace, chosen: Chosen, shapes: Shapes, file: str) -> SearchSpace:
    """Return the search space of a user's own optimizer that a file holds, with what it leaves out at its defaults.

    Raises:
        ValueError: The optimizer has no such hyperparameter, or has one without a value; one line.
    """
    declared = _declared(chosen, shapes)
    return _completed(space, chosen, shapes, file, {} if declared is None else declared[0].defaults())


def _declared(chosen: Chosen, shapes: Shapes) -> tuple[SearchSpace, str] | None:
    """Return the search space that a class or the file beside its module declares, and where; None if neither does."""
    from search_spaces import declared, loader

    optimizer, known = _known(chosen, shapes)
    layout, file = own_class.declared_space(optimizer), _file_beside(chosen)
    if layout is not None:
        try:
            space = declared.read(chosen.name, layout, known)
        except ValueError as error:
            raise ValueError(f"{_shown(chosen)}: {error}") from None
        return space, f"`search_space` of {_shown(chosen)}"
    if file is None:
        return None
    space = loader.load(file)
    if space.optimizer not in (chosen.name, optimizer.__name__):
        space = loader.load(file, optimizer=optimizer.__name__)  # raises
    return replace(space, optimizer=chosen.name), str(file)


def _completed(
    space: SearchSpace,
    chosen: Chosen,
    shapes: Shapes,
    where: str,
    defaults: Mapping[str, float] = MappingProxyType({}),
) -> SearchSpace:
    """Return a search space with the place of the class, and the values of hyperparameters that it leaves out.

    Args:
        space: The space.
        chosen: Its optimizer.
        shapes: Shapes of the trained variables.
        where: Where the space is given, for errors.
        defaults: Those of hyperparameters for which the constructor has none.

    Raises:
        ValueError: The optimizer has no such hyperparameter, or has one without a value.
    """
    space = numeric(space, where)
    optimizer, known = _known(chosen, shapes)
    of_keras = own_class.is_of_keras(optimizer)
    names = tuple(names_of_optimizer((*space.names, *space.fixed)))
    accepted = (*known, *(() if known.keys() >= {*names} else added.additions_to(chosen)))
    for name in names:
        if known and name not in accepted:
            rule = " (arguments with a float as default that a step reads as self.NAME)" if of_keras else ""
            raise ValueError(
                f"{where}: {chosen.name} has no tunable hyperparameter of this name{nearest(name, accepted)}. "
                f"Accepted: {', '.join(accepted)}{rule}. Received: {name!r}"
            )
    fixed = dict(space.fixed)
    for name, default in known.items():
        if name not in (*space.names, *fixed) and not of_keras:  # Keras' class keeps its defaults itself
            value = defaults.get(name) if default is None else default
            if value is None:
                raise ValueError(f"{where}: {chosen.name} needs {name} there, or a default in its constructor")
            fixed[name] = value
    space = replace(space, fixed=fixed, place=chosen.place, registered=own_class.registered_name(optimizer))
    return added.checked(chosen, space, known, where)


def arguments(chosen: Chosen, shapes: Shapes) -> Arguments:
    """Return the hyperparameters of a user's own optimizer with the constructor's defaults."""
    return _known(chosen, shapes)[1]


def _known(chosen: Chosen, shapes: Shapes) -> tuple[type, Arguments]:
    """Return an optimizer's class, and its hyperparameters with the constructor's defaults."""
    kind = own_optimizers.found_at(chosen.place or "")
    try:
        return kind, own_class.arguments(kind, _shown(chosen), shapes or None)
    except own_class.OwnOptimizerError:
        raise
    except Exception as error:  # Keras' class takes a step
        raise ValueError(f"{_shown(chosen)} fails: {explained(error)}") from error


def _shown(chosen: Chosen) -> str:
    return own_optimizers.shown(chosen.place or chosen.name)


def _file_beside(chosen: Chosen) -> Path | None:
    """Return the file beside the module of an optimizer's class; None if there is none."""
    place, _, name = (chosen.place or "").rpartition(":")
    module: Any = place
    if not place.endswith(".py"):
        spec = importlib.util.find_spec(place) if place and place != "session" else None
        module = spec.origin if spec is not None else None
    if module is None:
        return None
    folder = Path(module).parent if Path(module).is_file() else Path.cwd()  # where the code of a job was sent
    file = folder / f"{name.lower()}.yaml"
    return file if file.is_file() else None
