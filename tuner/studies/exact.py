"""Which searches are exact: nothing in their trainings depends on a seed.

That is known before the search: the task and the optimizer say it (`is_random`), and the checks of users' tasks and
optimizers refuse a class that says so in error. Two equal runs would not show it, since a metric such as an accuracy
may be equal for two runs that differ.
"""

from __future__ import annotations

from collections.abc import Iterable

from tasks.registry import TaskEntry
from tuner.core.objective import Objective
from tuner.studies.optimizers import Chosen
from tuner.training import own_optimizers


def is_exact(tasks: Iterable[tuple[TaskEntry, Objective]], optimizer: Chosen | None = None) -> bool:
    """Return whether every training with the same hyperparameters has the same result.

    Args:
        tasks: The tasks of a search, each with its objective; one in seconds is measured by a clock.
        optimizer: The optimizer. Default: none, of a training function.
    """
    if any(entry.is_random or each.in_seconds for entry, objective in tasks for each in objective.each):
        return False
    return optimizer is None or not own_optimizers.is_random(optimizer.name, optimizer.place)
