"""Messages of a worker to the driver: plain, checked values of bounded size.

A training function may yield any value. It is checked in the worker, so that every message can be stored.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.events import LaneObservations, Reported, TrainingProgress
from tuner.core.text import MAX_REASON_CHARACTERS, cut_traceback, first_line
from tuner.core.trial import Evaluation, Status, Trial

MAX_LOSS_BYTES = 64_000
"""Maximum bytes of a message's losses. Ray stores values below 100 kB with their owner: they outlive the worker."""

MAX_METRICS = 64
"""Maximum number of metrics of an observation, so that a cohort's observations are a small message."""

MAX_BUNDLED = 8
"""Maximum number of messages sent together: the last losses and a few evaluations stay below 100 kB."""


@dataclass(frozen=True, slots=True)
class Started:
    """Training has started."""

    node: str  # host name
    pid: int
    node_id: str = ""  # Ray's id of the node


@dataclass(frozen=True, slots=True)
class Raised:
    """Training has raised an exception; the last message."""

    reason: str
    error: str
    is_of_all: bool = False  # whether no candidate of the study can be trained in this process
    is_worker_spent: bool = False  # whether this process can train no other candidate


Message = Started | TrainingProgress | LaneObservations | Reported | Evaluation | Raised
"""A message of a worker. An `Evaluation` lacks its losses and observations, which are sent before it."""


@dataclass(frozen=True, slots=True)
class Update:
    """Messages that a worker sends together; the last update of a cohort is marked."""

    messages: tuple[Message, ...] = ()
    is_over: bool = False
    error: BaseException | None = None  # the reason why no further update will arrive
    is_spent: bool = False  # whether the worker asks to be replaced


def bundled(messages: Iterator[Message], lanes: Sequence[Trial]) -> Iterator[Update]:
    """Bundle evaluations with the last losses and the end, since each update takes Ray half a millisecond.

    The cohort ends with its last evaluation. Later messages are dropped, as is that a training function has nothing new
    to report: a thousand workers share one driver.

    Args:
        messages: Messages of `tuner.execution.worker.train_cohort`.
        lanes: The trials, by lane.

    Yields:
        Updates to be sent at once.
    """
    budget, unfinished = max(trial.steps for trial in lanes), {trial.key for trial in lanes}
    bundle: list[Message] = []
    is_spent = False
    for message in messages:
        if not unfinished or message == Reported():
            continue
        bundle.append(message)
        is_spent = is_spent or (isinstance(message, Raised) and message.is_worker_spent)
        if isinstance(message, Evaluation):
            unfinished.discard(message.key)
            is_due = not unfinished
        else:
            is_due = not (
                (isinstance(message, TrainingProgress) and message.steps_done >= budget)
                or (isinstance(message, Reported) and message.is_last)
            )
        if is_due or len(bundle) == MAX_BUNDLED:
            yield Update(tuple(bundle), is_over=not unfinished)
            bundle = []
    if unfinished:
        yield Update(tuple(bundle), is_over=True, is_spent=is_spent)


def checked(value: Any, lanes: Sequence[Trial]) -> Iterator[Message]:
    """Yield the messages for a value that training has yielded.

    Args:
        value: The yielded value.
        lanes: The trials, by lane.

    Raises:
        TypeError, ValueError: The value is not accepted.
    """
    if isinstance(value, TrainingProgress):
        yield from _parts(value, len(lanes))
    elif isinstance(value, LaneObservations):
        yield _checked_observations(value, len(lanes))
    elif isinstance(value, Reported):
        observations = tuple(_checked_observations(one, len(lanes)) for one in value.observations)
        yield Reported(observations, None if value.output is None else str(value.output), bool(value.is_last))
    elif isinstance(value, Evaluation):
        yield _checked_evaluation(value, lanes)
    else:
        accepted = "TrainingProgress, LaneObservations, Reported and Evaluation"
        raise TypeError(f"training yields {accepted}. Received: {type(value).__name__}")


def _parts(progress: TrainingProgress, lanes: int) -> Iterator[TrainingProgress]:
    """Split progress into messages of bounded size."""
    losses = _checked_losses(progress.losses, lanes)
    before = int(progress.steps_done) - len(losses)
    rows = max(1, MAX_LOSS_BYTES // (lanes * losses.itemsize))
    for start in range(0, len(losses), rows):
        part = losses[start : start + rows]
        yield TrainingProgress(before + start + len(part), part)


def _checked_losses(losses: Any, lanes: int) -> NDArray[np.floating]:
    """Return losses as a new floating-point array [evaluations, lanes]."""
    array = np.array(losses)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"losses are real numbers. Received: an array of {array.dtype}")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if array.ndim != 2 or array.shape[1] != lanes:
        raise ValueError(f"losses have the shape [evaluations, {lanes}]. Received: {list(array.shape)}")
    return array


def _checked_observations(observed: LaneObservations, lanes: int) -> LaneObservations:
    """Return observations in which every field has its type."""
    if len(observed.metrics) > MAX_METRICS:
        raise ValueError(f"an observation has at most {MAX_METRICS} metrics. Received: {len(observed.metrics)}")
    metrics = {str(name): tuple(map(float, numbers)) for name, numbers in observed.metrics.items()}
    for name, values in metrics.items():
        if len(values) != lanes:
            raise ValueError(f"a metric has {lanes} numbers, one per lane. Received: {len(values)} of {name!r:.80}")
    return LaneObservations(
        split=str(observed.split),
        evaluations=int(observed.evaluations),
        seconds=float(observed.seconds),
        elapsed=float(observed.elapsed),
        metrics=metrics,
    )


def _checked_evaluation(evaluation: Evaluation, lanes: Sequence[Trial]) -> Evaluation:
    """Return an evaluation in which every field has its type, without losses and observations.

    If the fitness is not a number, the status is FAILED; if it is not finite with FINISHED, the status is DIVERGED.
    """
    if all(evaluation.key != trial.key for trial in lanes):
        raise ValueError(f"training evaluates only its own candidates. Received: {evaluation.key}")
    status: Any = evaluation.status
    fitness: Any = evaluation.fitness
    reason = first_line(str(evaluation.reason))
    if isinstance(fitness, bool) or not isinstance(fitness, numbers.Real):
        status, reason = Status.FAILED, first_line(f"a fitness is a real number. Received: {_shown(fitness)}")
    elif status not in tuple(Status) or not Status(status).is_final:
        status, reason = Status.FAILED, first_line(f"a result's status is final. Received: {_shown(status)}")
    elif status == Status.FINISHED and not math.isfinite(fitness):
        status, reason = Status.DIVERGED, reason or f"fitness was {float(fitness)}"
    return replace(
        evaluation,
        status=Status(status),
        fitness=float(fitness) if status == Status.FINISHED else math.inf,
        losses=(),
        steps_done=int(evaluation.steps_done),
        seconds=float(evaluation.seconds),
        device=first_line(str(evaluation.device)),
        reason=reason,
        error=cut_traceback(str(evaluation.error)),
        observations=(),
        output="",
    )


def _shown(value: Any) -> str:
    """Return a short representation; never raise."""
    try:
        return f"{type(value).__name__} {repr(value)[:MAX_REASON_CHARACTERS]}"
    except BaseException:
        return type(value).__name__
