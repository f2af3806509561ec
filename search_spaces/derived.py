"""Derive a search space from the arguments of an optimizer's constructor.

The names of arguments decide, as Keras uses them: `learning_rate` and `weight_decay`, also at the end of a longer name,
are tuned on the scale `log`; `rho`, `momentum`, `beta_1` and `beta_2`, likewise, on `decay`. All other arguments keep
their defaults, and so do those whose default is outside the scale (zero or None on `log`). The space is a guess: it is
shown before the search, and a file can replace it.
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
        optimizer: The optimizer's name.
        arguments: Numeric arguments of its constructor, name -> default; None means switched off.

    Raises:
        ValueError: None of the arguments can be tuned.
    """
    dimensions = []
    for name, default in arguments.items():
        scale = next((scale for names, scale in _SCALES if names.fullmatch(name)), None)
        if scale is not None and default is not None:
            with contextlib.suppress(DimensionError):  # the default is outside the scale
                dimensions.append(Dimension(name, scale, default))
    if not dimensions:
        raise ValueError(
            f"none of {optimizer}'s arguments has a known scale: give a search-space file. "
            f"Received: {', '.join(arguments)}"
        )
    return SearchSpace(optimizer, tuple(dimensions))


def describe(space: SearchSpace, arguments: Mapping[str, float | None], unused: Sequence[str] = ()) -> str:
    """Return one line that describes a derived space: what is tuned on which scale, and what keeps its default.

    Args:
        space: As `derive` returned it.
        arguments: The arguments that it was derived from.
        unused: Names of hyperparameters that have no effect on this task. Default: none.
    """
    tuned = ", ".join(f"{one.name} {one.scale} from {one.default:g}" for one in space.dimensions)
    kept = ", ".join(
        f"{name} {'off' if default is None else format(default, 'g')}"
        for name, default in arguments.items()
        if name not in space.names
    )
    rest = f"; kept at the default: {kept}" if kept else ""
    without = f"; without effect on this task: {', '.join(unused)}" if unused else ""
    return f"{space.optimizer} has no search space of its own; derived from its constructor: {tuned}{rest}{without}"
