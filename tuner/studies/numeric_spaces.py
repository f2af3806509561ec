"""Search spaces of optimizers, which take every hyperparameter as a tensor."""

from __future__ import annotations

from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest


def check_numbers(space: SearchSpace) -> None:
    """Check that all hyperparameters of an optimizer are numbers, which its compiled loop takes as tensors.

    Raises:
        InvalidRequest: One may be a text or a boolean, or have no value where its condition does not hold.
    """
    given = {one.name: one.values or (one.default,) for one in space.dimensions}
    for name, values in {**given, **{name: (value,) for name, value in space.fixed.items()}}.items():
        other = next((value for value in values if isinstance(value, str | bool)), None)
        if other is not None:
            raise InvalidRequest(
                "search_spaces",
                f": {space.optimizer} takes {name} as a number; other values are for a training function",
                other,
            )
    for one in space.dimensions:
        if one.only_when:
            raise InvalidRequest(
                "search_spaces",
                f": {space.optimizer} needs a value of {one.name} in every training; conditions are for a training"
                " function",
            )
