"""A second run with the learned preconditioner of a first run, frozen.

This is the paper's own check of LODO (arXiv 2210.06171): such a run optimises at full quality from the start.
"""

from __future__ import annotations

from collections.abc import Callable

from tuner.training.cohort import Cohort
from tuner.training.loop import Carry


def frozen_as_in(learned: Carry) -> Callable[[Cohort], Carry]:
    """Return a `start` for `train`: the cohort's own x and task, with the frozen preconditioners of a run.

    The second run has the same minibatches and noise as the first.

    Args:
        learned: End state of the same cohort, with an optimizer that learns a preconditioner.
    """

    def start(cohort: Cohort) -> Carry:
        x, task_state, _ = cohort.begin()
        return x, task_state, cohort.loop.optimizer.frozen(learned[2])  # type: ignore[attr-defined]

    return start
