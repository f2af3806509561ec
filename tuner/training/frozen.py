"""A second run with what the first has learned: its preconditioner is frozen and x begins anew.

The paper's own check of LODO (arXiv 2210.06171): such a run is at its best from the start.
"""

from __future__ import annotations

from collections.abc import Callable

from tuner.training.cohort import Cohort
from tuner.training.loop import Carry


def frozen_as_in(learned: Carry) -> Callable[[Cohort], Carry]:
    """Return a `start` for `train`: the cohort's own x and task, with the preconditioners of a run frozen.

    The second run sees the same minibatches and noise as the first.

    Args:
        learned: Where the same cohort has ended, with an optimizer that learns a preconditioner.
    """

    def start(cohort: Cohort) -> Carry:
        x, task_state, _ = cohort.begin()
        return x, task_state, cohort.loop.optimizer.frozen(learned[2])  # type: ignore[attr-defined]

    return start
