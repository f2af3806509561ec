"""Search spaces of optimizers, which take every hyperparameter as a tensor."""

from __future__ import annotations

from dataclasses import replace

from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest


def numeric(space: SearchSpace, where: str) -> SearchSpace:
    """Return the space of an optimizer, all of whose hyperparameters are numbers, with its constants as floats.

    Args:
        space: The space.
        where: Where it is given, for errors.

    Raises:
        InvalidRequest: One may be a text or a boolean, or have no value where its condition does not hold.
    """
    given = {one.name: one.values or (one.default,) for one in space.dimensions}
    for name, values in {**given, **{name: (value,) for name, value in space.fixed.items()}}.items():
        other = next((value for value in values if isinstance(value, str | bool)), None)
        if other is not None:
            raise InvalidRequest(
                "search_spaces",
                f"{where}: {space.optimizer} takes {name} as a number; other values are for a training function",
                other,
            )
    for one in space.dimensions:
        if one.only_when:
            raise InvalidRequest(
                "search_spaces",
                f"{where}: {space.optimizer} needs a value of {one.name} in every training; conditions are for a"
                " training function",
            )
    return replace(space, fixed={name: float(value) for name, value in space.fixed.items()})
