"""Measurements of a cohort during its training, one per file."""

from __future__ import annotations

from lodo.learned_preconditioner import LearnedPreconditioner
from tasks.task import Evaluated
from tuner.core.errors import InvalidRequest
from tuner.core.trial import Workload
from tuner.training.cohort import Cohort
from tuner.training.measurements.clock import LastTenth, Marks
from tuner.training.measurements.floor import Floor
from tuner.training.measurements.hessian_error import HessianError
from tuner.training.measurements.measurement import MeasurementCallback
from tuner.training.measurements.test_set import FinalTest
from tuner.training.measurements.trajectory import Trajectory
from tuner.training.measurements.validation import Validation


def measurements_of(workload: Workload, cohort: Cohort) -> list[MeasurementCallback]:
    """Return the requested measurements of a workload that its task and optimizer support.

    The Hessian error is measured if the optimizer learns a preconditioner and the task's Hessian is constant.

    Args:
        workload: The workload; with a `measurement` of None nothing is measured but what its objective needs.
        cohort: A cohort of the workload.

    Raises:
        InvalidRequest: A cohort of several lanes is given a budget of seconds, or an objective in seconds.
    """
    requested, task, objective = workload.measurement, cohort.loop.task, workload.objective
    if objective.in_seconds and len(cohort.lanes) > 1:
        raise InvalidRequest("objective", "in seconds is for cohorts of one lane", len(cohort.lanes))
    if requested is None:
        intervals = [each.interval(cohort.budget) for each in objective.each if each.validates]
        return [Validation(min(intervals), at_start=False)] if intervals else []
    if requested.seconds is not None and len(cohort.lanes) > 1:
        raise InvalidRequest("seconds", "is for cohorts of one lane", len(cohort.lanes))

    def has_examples(split: str) -> bool:
        return isinstance(task, Evaluated) and bool(task.examples(split))

    measurements: list[MeasurementCallback] = []
    if hasattr(task, "floor"):
        measurements.append(Floor())
    measurements.append(Marks(requested.seconds))
    if requested.validate_every is not None and has_examples("validation"):
        measurements.append(Validation(requested.validate_every, after_divergence=True, at_budget=objective.validates))
    hessian = getattr(task, "hessian", None)
    if isinstance(cohort.loop.optimizer, LearnedPreconditioner) and hessian is not None and not callable(hessian):
        measurements.append(HessianError())
    if requested.seconds is not None:
        measurements.append(LastTenth(requested.seconds))
    if has_examples("test"):
        measurements.append(FinalTest(requested.test_examples))
    measurements.append(Trajectory())
    return measurements
