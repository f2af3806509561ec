"""Arguments of a task in a search space: whether the task takes them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import tasks.registry
from search_spaces.space import Dimension, SearchSpace
from tuner.core.errors import InvalidRequest
from tuner.core.task_arguments import PREFIX, is_of_task, of_task
from tuner.core.text import nearest
from tuner.studies.task_options import accepted_options
from tuner.training.tensorflow import load_tensorflow

BATCH_SIZE = f"{PREFIX}batch_size"


def check_arguments(
    space: SearchSpace, task: str, options: Mapping[str, Any], requested: Collection[str], precision: str | None
) -> None:
    """Check the arguments of a task that a space tunes.

    The task is created with the defaults, with the least and with the greatest values, so that a range that it does not
    accept is found before a search.

    Args:
        space: The search space.
        task: The task, as `tasks.registry.load` accepts it.
        options: The task's other arguments.
        requested: Names of those that the request gives.
        precision: That of the request.

    Raises:
        InvalidRequest: The task has no such argument, it is given as an option as well, or a value is not accepted.
    """
    names = [name for name in (*space.names, *space.fixed) if is_of_task(name)]
    if names:
        _check("search_spaces", names, list(_corners(space)), task, options, requested, precision)


def check_point(
    field: str,
    values: Mapping[str, Any],
    task: str,
    options: Mapping[str, Any],
    requested: Collection[str],
    precision: str | None,
) -> None:
    """Check the arguments of a task among hyperparameters that are given, such as tuned ones.

    Args:
        field: Name of the field in errors.
        values: Hyperparameters by name.
        task: As for `check_arguments`, like the following ones.
        options: See there.
        requested: See there.
        precision: See there.

    Raises:
        InvalidRequest: As `check_arguments`.
    """
    names = [name for name in values if is_of_task(name)]
    if names:
        _check(field, names, [("tuned", dict(values))], task, options, requested, precision)


def _check(
    field: str,
    names: Sequence[str],
    points: Sequence[tuple[str, Mapping[str, Any]]],
    task: str,
    options: Mapping[str, Any],
    requested: Collection[str],
    precision: str | None,
) -> None:
    load_tensorflow()
    kind, label = tasks.registry.load(task), task.rpartition("/")[2]
    accepted = accepted_options(kind)
    for name in names:
        own = name.removeprefix(PREFIX)
        if own not in accepted:
            known = ", ".join(PREFIX + each for each in accepted) or "none"
            raise InvalidRequest(
                field, f": {label} has no argument of this name{nearest(own, accepted)}. Accepted: {known}", name
            )
        if own in requested:
            raise InvalidRequest("options", f": {own} is tuned as {name}; leave out one of them", own)
    for which, values in points:
        arguments = of_task(values)
        try:
            kind(dtype=precision, **{**options, **arguments})
        except Exception as error:
            given = ", ".join(f"{PREFIX}{name} {value}" for name, value in arguments.items())
            raise InvalidRequest(
                field, f": {label} does not accept the {which} values ({given}): {str(error)[:300]}"
            ) from error


def remarks_on_arguments(space: SearchSpace) -> Iterator[str]:
    """Yield what is worth knowing of a space that tunes arguments of a task."""
    if BATCH_SIZE in space.names:
        yield (
            f"{BATCH_SIZE} is tuned: budgets count gradient evaluations, so that a candidate with larger batches is"
            " trained on more examples"
        )


def _corners(space: SearchSpace) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the defaults, and the least and the greatest values where they are given."""
    defaults = space.defaults()
    tuned = [one for one in space.dimensions if is_of_task(one.name) and defaults[one.name] is not None]
    yield "default", defaults
    for which, end in (("least", 0), ("greatest", -1)):
        ends = {one.name: _end(one, end) for one in tuned}
        if ends:
            yield which, defaults | ends


def _end(one: Dimension, end: int) -> Any:
    """Return the least or the greatest value of a dimension; its default where that is not given."""
    if one.values:
        return one.values[end]
    value = one.high if end else one.low
    return one.default if value is None else value
