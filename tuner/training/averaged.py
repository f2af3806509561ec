"""The weights that are evaluated: their average, if the optimizer keeps one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lodo.with_additions import evaluated
from tuner.training.loop import Carry


def averaged(carry: Carry, project: Callable[[Any], Any] | None) -> Carry:
    """Return a state of training with the average of the weights as x; without an average, as it is.

    Args:
        carry: The state of training.
        project: The task's constraints, which an average of constrained weights may violate. None: it has none.
    """
    x, task_state, state = carry
    average = evaluated(x, state)
    if average is x:
        return carry
    return (average if project is None else project(average)), task_state, state
