"""Runs that are trained in this process with measurements, cohort by cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tuner.core.trial import Evaluation, LaneObservations, TrainingProgress, Trial, Workload

if TYPE_CHECKING:
    from tuner.training.cohort import Cohort
    from tuner.training.loop import Carry
    from tuner.training.measurements.measurement import MeasurementCallback


def cohorts_of(
    workload: Workload, trials: Sequence[Trial], progress: Callable[[float], None]
) -> Iterator[tuple[Workload, Sequence[Trial], Callable[[float], None]]]:
    """Yield, of each cohort, its workload, its lanes, and a function that reports the share of its work that is done.

    Args:
        workload: What the trials share; its `cohort_size` is the most that are trained in lockstep.
        trials: With one budget.
        progress: Called with the share of all work that is done, from 0 to 1.
    """
    for first in range(0, len(trials), workload.cohort_size):
        lanes = trials[first : first + workload.cohort_size]

        def report(share: float, before: int = first, size: int = len(lanes)) -> None:
            progress((before + size * share) / len(trials))

        yield replace(workload, cohort_size=len(lanes)), lanes, report


def train_measured(
    workload: Workload,
    lanes: Sequence[Trial],
    measurements: Sequence[MeasurementCallback],
    report: Callable[[float], None],
    start: Callable[[Cohort], Carry] | None = None,
) -> list[Evaluation]:
    """Train one cohort, and return the evaluation of each lane with what was observed of it.

    Args:
        workload: What the trials share.
        lanes: One per run.
        measurements: What is measured.
        report: Called with the share of the cohort's work that is done, from 0 to 1.
        start: Where the lanes start, as `tuner.training.train.train` takes it. Default: the task's start.
    """
    from tuner.training.train import train

    observed: list[LaneObservations] = []
    evaluations: list[Evaluation] = []
    for message in train(workload, lanes, measurements, start=start):
        if isinstance(message, TrainingProgress):
            report(message.steps_done / lanes[0].steps)
        elif isinstance(message, LaneObservations):
            observed.append(message)
        else:
            evaluations.append(message)
    return [
        replace(evaluation, observations=tuple(each.of_lane(lane) for each in observed))
        for lane, evaluation in enumerate(evaluations)
    ]


def series(run: Evaluation, split: str) -> tuple[tuple[int, ...], dict[str, tuple[float, ...]]]:
    """Return the evaluations taken before each observation of a split, and each metric by name."""
    found = [each for each in run.observations if each.split == split]
    names = found[0].metrics if found else ()
    metrics = {name: tuple(each.metrics[name] for each in found) for name in names}
    return tuple(each.evaluations for each in found), metrics
