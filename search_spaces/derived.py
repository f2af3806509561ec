"""A search space for an optimizer that has no file, from what its constructor takes.

The names of arguments decide, as Keras uses them: `learning_rate` and `weight_decay` (also as the end of a longer
name) are searched on `log`, `rho`, `momentum` and `beta_1`, `beta_2` (likewise) on `decay`. What has another name, or a
default that its scale does not know (a zero or nothing on `log`), stays at its default. The space is shown before it is
searched: it is a guess, which a file can replace.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence

from search_spaces.dimension import Dimension, DimensionError, Scale
from search_spaces.space import SearchSpace

_SCALES = (
    (re.compile(r"(.*_)?(learning_rate|weight_decay)"), Scale.LOG),
    (re.compile(r"(.*_)?(rho|momentum|beta_\d)"), Scale.DECAY),
)


def derive(optimizer: str, arguments: Mapping[str, float | None]) -> SearchSpace:
    """Return the search space of an optimizer.

    Args:
        optimizer: Its name.
        arguments: Name -> default of what its constructor takes as a number; None is 'switched off'.

    Raises:
        ValueError: There is nothing to search among the arguments.
    """
    dimensions = []
    for name, default in arguments.items():
        scale = next((scale for names, scale in _SCALES if names.fullmatch(name)), None)
        if scale is not None and default is not None:
            with contextlib.suppress(DimensionError):  # the scale does not know the default
                dimensions.append(Dimension(name, scale, default))
    if not dimensions:
        raise ValueError(
            f"the scale of none of {optimizer}'s arguments is known: give a search-space file. "
            f"Received: {', '.join(arguments)}"
        )
    return SearchSpace(optimizer, tuple(dimensions))


def describe(space: SearchSpace, arguments: Mapping[str, float | None], idle: Sequence[str] = ()) -> str:
    """Return one line on a derived space, for people: what is searched, how, and what stays as it is.

    Args:
        space: As `derive` returned it.
        arguments: What it was derived from.
        idle: What the optimizer has, too, and does not use on this task. Default: nothing.
    """
    searched = ", ".join(f"{one.name} {one.scale} from {one.default:g}" for one in space.dimensions)
    kept = ", ".join(
        f"{name} {'off' if default is None else format(default, 'g')}"
        for name, default in arguments.items()
        if name not in space.names
    )
    stays = f"; stays as it is: {kept}" if kept else ""
    without = f"; without effect on this task: {', '.join(idle)}" if idle else ""
    return f"{space.optimizer} has no search space of its own; derived from its constructor: {searched}{stays}{without}"
