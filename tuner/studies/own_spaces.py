"""Search spaces of users' own optimizers.

A space is the user's file, or else the `search_space` of the class, or else a YAML file beside its module, named as the
class in lower case, or else derived from the constructor.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lodo import own_class
from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest
from tuner.core.text import nearest
from tuner.core.user_code import explained
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
    from search_spaces import declared, derived, loader

    found, known = _known(chosen, shapes)
    layout, file = own_class.declared_space(found), _file_beside(chosen)
    if layout is not None:
        try:
            space = declared.read(chosen.name, layout, known)
        except ValueError as error:
            raise ValueError(f"{_shown(chosen)}: {error}") from None
        return completed(space, chosen, shapes, f"`search_space` of {_shown(chosen)}"), ""
    if file is not None:
        space = loader.load(file)
        if space.optimizer not in (chosen.name, found.__name__):
            space = loader.load(file, optimizer=found.__name__)  # raises
        return completed(replace(space, optimizer=chosen.name), chosen, shapes, str(file)), ""
    try:
        space = derived.derive(chosen.name, known)
    except ValueError:
        stem = (chosen.place or "").rpartition(":")[2].lower()
        raise InvalidRequest(
            "search_spaces",
            f": {chosen.name} has none: give the class `search_space = {{...}}`, a file {stem}.yaml beside it, or a"
            " file here; its constructor has no argument whose name and default tell the scale (learning_rate=0.01)",
        ) from None
    return completed(space, chosen, shapes, chosen.name), derived.describe(space, known)


def completed(space: SearchSpace, chosen: Chosen, shapes: Shapes, where: str) -> SearchSpace:
    """Return a search space with what is not tuned, and where the class is.

    Hyperparameters that the space leaves out are fixed at the constructor's defaults.

    Args:
        space: The space.
        chosen: Its optimizer.
        shapes: Shapes of the trained variables.
        where: Where the space is given, for errors.

    Raises:
        ValueError: The optimizer has no such hyperparameter, or has one without a value.
    """
    found, known = _known(chosen, shapes)
    of_keras = own_class.is_of_keras(found)
    for name in space.names:
        if known and name not in known:
            rule = " (arguments with a float as default that a step reads as self.NAME)" if of_keras else ""
            raise ValueError(
                f"{where}: {chosen.name} has nothing of this name to tune{nearest(name, known)}. Accepted: "
                f"{', '.join(known)}{rule}. Received: {name!r}"
            )
    fixed = {} if of_keras else {name: known[name] for name in known if name not in space.names}
    values = {name: value for name, value in fixed.items() if value is not None}
    if values.keys() != fixed.keys():
        missing = ", ".join(name for name in fixed if name not in values)
        raise ValueError(f"{where}: {chosen.name} needs {missing} there, or a default in its constructor")
    return replace(space, fixed=values, place=chosen.place, registered=own_class.registered_name(found))


def beside(chosen: Chosen, space: SearchSpace, shapes: Shapes) -> tuple[str, ...]:
    """Return the hyperparameters that can be set and are outside the search space."""
    return tuple(name for name in _known(chosen, shapes)[1] if name not in space.names)


def _known(chosen: Chosen, shapes: Shapes) -> tuple[type, Arguments]:
    """Return an optimizer's class, and its hyperparameters with the constructor's defaults."""
    found = own_optimizers.found_at(chosen.place or "")
    try:
        return found, own_class.arguments(found, _shown(chosen), shapes or None)
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
    file = None if module is None else Path(module).parent / f"{name.lower()}.yaml"
    return file if file is not None and file.is_file() else None
