"""Training for a comparison: the losses as ever, and beside them the clock, validation on the way, the test at the end.

Where the loss has one Hessian everywhere, the error of a learned preconditioner is measured as well (the paper's check
of LODO), and in two dimensions the trajectory is kept.

Workers import this module, the driver names it. A run that has its cohort for itself may go on beyond its steps until
it has trained for so many seconds; on a CPU it has its cores for itself meanwhile.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodo.learned_preconditioner import LearnedPreconditioner
from tasks.task import Evaluated
from tuner.core.trial import Evaluation, LaneObservations, Measurement, TrainingProgress, Trial, Workload
from tuner.training.clock import Clock, LastTenth, Marks
from tuner.training.cohort import Cohort, evaluations
from tuner.training.cores import cores_of_our_own
from tuner.training.evaluator import Evaluator, Split
from tuner.training.loop import Carry
from tuner.training.tracking import hessian_error, stops_of
from tuner.training.trajectory import trajectory

_SEED = 0  # decides which examples of the test set a part of it is, the same for all that are compared


def train(workload: Workload, lanes: Sequence[Trial]) -> Iterator[TrainingProgress | LaneObservations | Evaluation]:
    """Train one cohort as `tuner.training.cohort.train` does, to the same losses, and measure it on the way.

    Args:
        workload: What the trials share; its `measurement` says what is measured.
        lanes: `workload.cohort_size` trials with one budget; a candidate may fill several lanes.

    Yields:
        `TrainingProgress` with the losses of the budget, `LaneObservations` as they are made, one `Evaluation` a
        distinct key at the end. Of the test set nothing is read before training is over.

    Raises:
        ValueError: The lanes do not fit the workload, the data is not what the study was made on, or a cohort of
            several is given a budget of seconds.
    """
    wanted = workload.measurement or Measurement()
    if wanted.seconds is not None and len(lanes) > 1:
        raise ValueError(f"only a run alone has a budget of seconds. Received: a cohort of {len(lanes)}")
    cohort = Cohort(workload, lanes)
    task, every, budget = cohort.loop.task, wanted.validate_every, cohort.budget
    validator = None if every is None else _evaluator(task, "validation")
    error = _error(cohort)
    stops = [] if error is None else stops_of(budget)  # of which measurements are yet to come
    clock, marks = Clock(alone=len(lanes) == 1), Marks(budget, wanted.seconds)
    tenth = None if wanted.seconds is None else LastTenth(wanted.seconds)
    end = cohort.begin()
    if hasattr(task, "floor"):
        floor = float(task.floor(cohort.loop.optimizer.evaluations_per_step))
        yield clock.observed("floor", {"loss": [floor] * len(lanes)})
    if validator is not None:  # compiled by this, before the clock starts
        yield clock.observed("validation", _means(validator, end))
    if error is not None:
        yield clock.observed("hessian-error", {"error": error(end).tolist()})

    curve: list[NDArray[np.floating]] = []
    validated = 0
    timed = wanted.seconds is not None and "GPU" not in end[0].device
    with cores_of_our_own(workload.threads) if timed else contextlib.nullcontext():
        ahead = heapq.merge(itertools.count(every, every) if every else (), stops)
        for chunk in cohort.chunks(end, ahead, wanted.seconds):
            end, begun = chunk.carry, clock.trained
            losses = chunk.losses[: max(0, budget - clock.evaluations)]
            clock.advance(len(chunk.losses), chunk.seconds)
            if len(losses):
                curve.append(losses)
                yield TrainingProgress(steps_done=min(clock.evaluations, budget), losses=losses)
            if tenth is not None:
                tenth.take(chunk.losses, begun, clock.trained)
            marks.take(chunk.losses)
            if marks.are_due(clock) and (mark := marks.mark(clock)):
                yield mark
            if validator is not None and every and clock.evaluations // every > validated // every:
                validated = clock.evaluations
                yield _validation(validator, clock, end)
            if error is not None and stops and clock.evaluations >= stops[0]:  # on no clock: it is no part of a run
                stops = [stop for stop in stops if stop > clock.evaluations]
                yield clock.observed("hessian-error", {"error": error(end).tolist()})
    if mark := marks.mark(clock):
        yield mark
    if validator is not None and clock.evaluations > validated:
        yield _validation(validator, clock, end)
    if tenth is not None:
        yield tenth.observed(clock)

    whole = np.concatenate(curve)
    if (np.isfinite(whole).all(axis=0) & np.isfinite(end[0].numpy()).all(axis=0)).any():
        tester = _evaluator(task, "test")
        if tester is not None:
            chosen = np.sort(tester.order(_SEED)[: wanted.test_examples])
            yield clock.observed("test", _means(tester, end, chosen))
    yield from trajectory(cohort)
    yield from evaluations(lanes, whole, budget, clock.trained, end[0].device)


def _error(cohort: Cohort) -> Callable[[Carry], NDArray[np.floating]] | None:
    """Return what measures ‖I - G(θ)H‖_F / √n; None where nothing is learned or H depends on x."""
    optimizer, hessian = cohort.loop.optimizer, getattr(cohort.loop.task, "hessian", None)
    if not isinstance(optimizer, LearnedPreconditioner) or hessian is None or callable(hessian):
        return None
    return hessian_error(cohort, optimizer)


def _evaluator(task: Any, split: Split) -> Evaluator | None:
    """Return what evaluates a task on one of its sets; None if it has none."""
    return Evaluator(task, split) if isinstance(task, Evaluated) and task.examples(split) else None


def _means(evaluator: Evaluator, end: Carry, chosen: NDArray[np.int32] | None = None) -> dict[str, list[float]]:
    return dict(zip(evaluator.metrics, evaluator.means(*end[:2], chosen).tolist(), strict=True))


def _validation(evaluator: Evaluator, clock: Clock, end: Carry) -> LaneObservations:
    with clock.evaluating():
        found = _means(evaluator, end)
    return clock.observed("validation", found)
