"""The best value that is known of a search: what its task says.

The smallest gain that matters is a share of the distance from the defaults to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tasks.registry
from tuner.core.objective import Objective
from tuner.studies.optimizers import Chosen
from tuner.training import own_optimizers


def best_known(
    task: str, options: Mapping[str, Any], precision: str | None, objective: Objective, optimizer: Chosen
) -> float | None:
    """Return the lowest mean training loss that an optimizer reaches on a task; None if it is not known.

    Args:
        task: The task, as `tasks.registry.load` accepts it.
        options: The task's options.
        precision: The precision; None: the task's own.
        objective: The objective; of any other than a mean of the training loss nothing is known.
        optimizer: The optimizer.

    Raises:
        ValueError: What the task says is not a finite number.
    """
    if objective.validates or objective.is_to_target:
        return None
    per_step = own_optimizers.evaluations_per_step(optimizer.name, optimizer.place)
    return tasks.registry.best_known(task, options, per_step, precision)
