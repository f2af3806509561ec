"""Runs of one process, cohort by cohort, where more is wanted of a run than its evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from tuner.core.trial import TrainingProgress, Trial, Workload


def cohort_by_cohort(
    run: Callable[[Workload, Sequence[Trial]], Iterable[Any]],
    workload: Workload,
    trials: Sequence[Trial],
    progress: Callable[[float], None],
) -> list[Any]:
    """Train all trials, and return what came of each, in order.

    Args:
        run: Takes a workload and its lanes; yields `TrainingProgress` on its way, and a result a lane.
        workload: What the trials share; its `cohort_size` is the most that are trained in lockstep.
        trials: With one budget.
        progress: Is told the share of the work that is done, from 0 to 1.
    """
    found = []
    for first in range(0, len(trials), workload.cohort_size):
        lanes = trials[first : first + workload.cohort_size]
        for message in run(replace(workload, cohort_size=len(lanes)), lanes):
            if isinstance(message, TrainingProgress):
                progress((first + len(lanes) * message.steps_done / lanes[0].steps) / len(trials))
            else:
                found.append(message)
    return found
