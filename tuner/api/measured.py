"""Training in this process with measurements, cohort by cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tuner.api.train_result import TrainedRun, run_of
from tuner.core.events import LaneObservations, TrainingProgress
from tuner.core.trial import Evaluation, Trial, Workload

if TYPE_CHECKING:
    from tuner.training.cohort import Cohort
    from tuner.training.loop import Carry
    from tuner.training.measurements.measurement import MeasurementCallback

Advance = Callable[[int], None]
"""Takes the number of gradient evaluations done so far, summed over all runs."""


def validated(
    workload: Workload, trials: Sequence[Trial], every: int | None, advance: Advance
) -> Iterator[tuple[TrainedRun, Carry]]:
    """Train all trials, with validation during training; yield each run, and the final state of its cohort.

    Args:
        workload: Workload of the trials.
        trials: The trials, which have the same budget.
        every: Gradient evaluations between two validations. None: no validation.
        advance: Called during training.

    Raises:
        ValueError: The task has no validation set.
    """
    from tuner.training.measurements.end_state import EndState
    from tuner.training.measurements.validation import Validation

    for cohort_workload, lanes, done in _cohorts(workload, trials):
        end = EndState()
        measurements: list[MeasurementCallback] = [end] if every is None else [Validation(every), end]
        for run in _train(cohort_workload, lanes, measurements, _scaled(advance, done, len(lanes))):
            yield run_of(run), end.carry


def tracked(workload: Workload, trials: Sequence[Trial], advance: Advance) -> Iterator[TrainedRun]:
    """Train all trials, measure their preconditioners during training, and repeat each with its preconditioner frozen.

    Args:
        workload: Workload of the trials.
        trials: The trials, which have the same budget.
        advance: Called during training; a run and its repetition together count as one.

    Raises:
        InvalidRequest: The optimizer learns no preconditioner, or the task has no Hessian.
    """
    from tuner.training.frozen import frozen_as_in
    from tuner.training.measurements.end_state import EndState
    from tuner.training.measurements.hessian_error import HessianError

    for cohort_workload, lanes, done in _cohorts(workload, trials):
        end, budget = EndState(), lanes[0].steps
        first = _scaled(advance, done, len(lanes) / 2)
        second = _scaled(advance, done + budget * len(lanes) // 2, len(lanes) / 2)
        learning = _train(cohort_workload, lanes, [HessianError(), end], first)
        frozen = _train(cohort_workload, lanes, [], second, frozen_as_in(end.carry))
        for evaluation, repeated in zip(learning, frozen, strict=True):
            yield replace(run_of(evaluation), frozen=run_of(repeated))


def _cohorts(workload: Workload, trials: Sequence[Trial]) -> Iterator[tuple[Workload, Sequence[Trial], int]]:
    """Yield each cohort's workload, its lanes, and the gradient evaluations of the cohorts before it."""
    for first in range(0, len(trials), workload.cohort_size):
        lanes = trials[first : first + workload.cohort_size]
        yield replace(workload, cohort_size=len(lanes)), lanes, first * lanes[0].steps


def _scaled(advance: Advance, done: int, lanes: float) -> Advance:
    return lambda steps: advance(done + round(lanes * steps))


def _train(
    workload: Workload,
    lanes: Sequence[Trial],
    measurements: Sequence[MeasurementCallback],
    advance: Advance,
    start: Callable[[Cohort], Carry] | None = None,
) -> list[Evaluation]:
    """Train one cohort; return the evaluation of each lane, with its observations."""
    from tuner.training.train import train

    observed: list[LaneObservations] = []
    evaluations: list[Evaluation] = []
    for message in train(workload, lanes, measurements, start=start):
        if isinstance(message, TrainingProgress):
            advance(message.steps_done)
        elif isinstance(message, LaneObservations):
            observed.append(message)
        else:
            evaluations.append(message)
    return [
        replace(evaluation, observations=tuple(each.of_lane(lane) for each in observed))
        for lane, evaluation in enumerate(evaluations)
    ]
