"""Training of a cohort: from trials to losses, observations and evaluations.

Workers import this module. Quantities other than losses are measured by callbacks (`tuner.training.measurements`),
which do not affect the run.
"""

from __future__ import annotations

import contextlib
import heapq
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from tuner.core.events import LaneObservations, TrainingProgress
from tuner.core.numbers import until_not_finite
from tuner.core.objective import PARAMETERS, SECONDS_PER_STEP, Objective
from tuner.core.trial import Evaluation, Key, Status, Trial, Workload, of_objectives
from tuner.training.cohort import Cohort
from tuner.training.cores import own_cores
from tuner.training.judgement import Judgement, Look, judge
from tuner.training.loop import Carry
from tuner.training.measurements import measurements_of
from tuner.training.measurements.measurement import MeasurementCallback, Training
from tuner.training.milestones import Milestones
from tuner.training.step_time import calibrate


def train(
    workload: Workload,
    lanes: Sequence[Trial],
    measurements: Sequence[MeasurementCallback] | None = None,
    *,
    start: Callable[[Cohort], Carry] | None = None,
) -> Iterator[TrainingProgress | LaneObservations | Evaluation]:
    """Train one cohort to the end of its budget, or until every lane has diverged, or its candidate is pruned.

    A timed run on CPUs has exclusive use of its cores. A workload whose first objective is the time of a step is
    calibrated and not trained.

    Args:
        workload: The workload of the trials.
        lanes: `workload.cohort_size` trials with one budget; a candidate may fill several lanes.
        measurements: Measurements to make, used once. Default: those of the workload's `measurement`.
        start: Returns the start of the cohort's lanes. Default: the start of the task and the optimizer.

    Yields:
        `TrainingProgress` with the losses of all lanes, chunk by chunk; `LaneObservations` as they are made; at the end
        one `Evaluation` per distinct key.

    Raises:
        OtherInputs: The data or the code is not the study's.
        ValueError: The lanes do not fit the workload, a quantity cannot be measured, or a cohort of several lanes has
            milestones.
    """
    if workload.objective.metric == SECONDS_PER_STEP:
        yield from calibrate(workload, lanes)
        return
    cohort = Cohort(workload, lanes)
    if len(lanes) > 1 and any(trial.milestones for trial in lanes):
        raise ValueError("milestones are for cohorts of one lane")
    milestones = Milestones(lanes[0].milestones, cohort.budget, workload.objective)
    measured = measurements_of(workload, cohort) if measurements is None else measurements
    training = Training(cohort, (start or Cohort.begin)(cohort))
    for each in measured:
        yield from each.begin(training)
    seconds = max((each.seconds for each in measured if each.seconds is not None), default=None)
    stops = heapq.merge([one.step for one in lanes[0].milestones], *(each.stops(cohort.budget) for each in measured))
    is_timed = seconds is not None or workload.objective.in_seconds
    is_timed_on_cpu = is_timed and "GPU" not in training.carry[0].device
    with own_cores(workload.threads) if is_timed_on_cpu else contextlib.nullcontext():
        for chunk in cohort.chunks(training.carry, stops, seconds):
            losses = training.advance(chunk)
            if len(losses):
                yield TrainingProgress(steps_done=min(training.evaluations, cohort.budget), losses=losses)
            for each in measured:
                yield from each.after_chunk(training)
            # Where a chunk ends depends on the clock: of a run that diverged within it, nothing is decided here.
            if milestones.is_due(training.evaluations) and np.isfinite(training.curve).all():
                yield from _reached(training, milestones, workload.objective)
                if milestones.pruned:
                    break
    for each in measured:
        yield from each.end(training)
    yield from _evaluations(training, workload.objective, milestones.pruned)


def _reached(training: Training, milestones: Milestones, objective: Objective) -> Iterator[LaneObservations]:
    """Yield the running fitness at the milestones that the only lane has reached."""
    curve, looks = training.curve[:, 0], _looks(training, objective, 0)
    for one in milestones.reached(training.evaluations, curve, looks):
        values = {name: (value,) for name, value in one.metrics.items()}
        yield LaneObservations(one.split, one.evaluations, one.seconds, one.elapsed, values)


def _evaluations(training: Training, objective: Objective, pruned: str) -> Iterator[LaneObservations | Evaluation]:
    """Yield one evaluation per distinct key of the lanes, after the values of further objectives.

    Args:
        training: The training, which is over.
        objective: Definition of the fitness.
        pruned: Why its only lane was ended early; empty if it was not.
    """
    cohort, curves = training.cohort, training.curve
    device_spec = tf.DeviceSpec.from_string(training.carry[0].device)
    device = f"{device_spec.device_type}:{device_spec.device_index}" if device_spec.device_type else "CPU:0"
    lanes: dict[Key, int] = {}
    for lane, trial in enumerate(cohort.lanes):
        lanes.setdefault(trial.key, lane)
    for key, lane in lanes.items():
        pruning = (Status.PRUNED, math.inf, pruned)
        judgements = [pruning if pruned else _judged(training, each, lane) for each in objective.each]
        # The first that did not finish decides; without one, the first objective does.
        status, fitness, reason = next((one for one in judgements if one[0] is not Status.FINISHED), judgements[0])
        if objective.further and status is Status.FINISHED:  # in cohorts of one lane
            one = of_objectives(cohort.budget, [further for _, further, _ in judgements[1:]])
            values = {name: (value,) for name, value in one.metrics.items()}
            yield LaneObservations(one.split, one.evaluations, one.seconds, one.elapsed, values)
        curve = until_not_finite(curves[:, lane])
        yield Evaluation(
            key=key,
            status=status,
            fitness=fitness,
            losses=curve,
            steps_done=len(curve),
            seconds=training.seconds / len(lanes),
            device=device,
            reason=reason,
        )


def _judged(training: Training, objective: Objective, lane: int) -> Judgement:
    """Return the judgement of a lane by one objective."""
    if objective.metric == PARAMETERS:
        return Status.FINISHED, float(training.carry[0].shape[0]), ""
    if objective.metric == SECONDS_PER_STEP:  # the driver knows it, from a calibration
        return Status.FINISHED, math.nan, ""
    looks = _looks(training, objective, lane)
    return judge(training.curve[:, lane], training.cohort.budget, objective, looks, training.seconds_at)


def _looks(training: Training, objective: Objective, lane: int) -> list[Look]:
    """Return a lane's measurements of the objective's validation metric within the budget, without that of the start.

    Raises:
        ValueError: The task does not measure it.
    """
    if not objective.validates:
        return []
    budget, per_step = training.cohort.budget, training.cohort.loop.optimizer.evaluations_per_step
    within = [each for each in training.validations if 0 < each.evaluations < budget + per_step]
    metric = objective.validation_metric
    if within and metric not in within[0].metrics:
        raise ValueError(f"{objective.metric} is not measured, but {', '.join(within[0].metrics)}")
    return [Look(min(each.evaluations, budget), each.seconds, each.metrics[metric][lane]) for each in within]
