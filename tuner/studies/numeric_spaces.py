"""Search spaces of optimizers, which take their hyperparameters as tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from search_spaces.space import SearchSpace
from tuner.core.errors import InvalidRequest
from tuner.core.task_arguments import is_of_task, of_optimizer


def numeric(space: SearchSpace, where: str) -> SearchSpace:
    """Return the space of an optimizer, all of whose hyperparameters are numbers, with its constants as floats.

    Arguments of the task may be of any kind.

    Args:
        space: The space.
        where: Where it is given, for errors.

    Raises:
        InvalidRequest: One may be a text or a boolean, or have no value where its condition does not hold.
    """
    given: dict[str, tuple[Any, ...]] = {one.name: tuple(one.values) or (one.default,) for one in space.dimensions}
    given |= {name: (value,) for name, value in space.fixed.items()}
    for name, values in of_optimizer(given).items():
        other = next((value for value in values if isinstance(value, str | bool)), None)
        if other is not None:
            raise InvalidRequest(
                "search_spaces",
                f"{where}: {space.optimizer} takes {name} as a number; other values are for arguments of a task"
                " and for a training function",
                other,
            )
    for one in space.dimensions:
        if one.only_when and not is_of_task(one.name):
            raise InvalidRequest(
                "search_spaces",
                f"{where}: {space.optimizer} needs a value of {one.name} in every training; conditions are for"
                " arguments of a task and for a training function",
            )
    fixed = {name: value if is_of_task(name) else float(value) for name, value in space.fixed.items()}
    return replace(space, fixed=fixed)
