"""What a worker may send: values made plain, bounded and true to their types, whatever training came up with."""

from __future__ import annotations

import math
import numbers
import traceback
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import Evaluation, Key, LaneObservations, Status

ERROR_BYTES = 4096
REASON_CHARACTERS = 300
MOST_METRICS = 64  # so that those of a cohort are a small message


def one_line(text: str, limit: int = REASON_CHARACTERS) -> str:
    """Returns the first line that is not empty, cut to `limit` characters, storable in any database."""
    # Cut before looking at it: a message may be as large as memory.
    line = next((line.strip() for line in text[: 10 * limit].splitlines() if line.strip()), "")
    return _storable(line if len(line) <= limit else line[: limit - 1] + "…")


def cut_error(text: str) -> str:
    """Returns a traceback cut to 4 kB: its beginning and its end, where the cause stands."""
    half = ERROR_BYTES // 2 - 8
    if len(text) > 2 * ERROR_BYTES:  # a message may be as large as memory: cut it before copying it
        text = text[:ERROR_BYTES] + text[-ERROR_BYTES:]
    encoded = _storable(text).encode()
    if len(encoded) <= ERROR_BYTES:
        return encoded.decode()
    return encoded[:half].decode(errors="ignore") + "\n[…]\n" + encoded[-half:].decode(errors="ignore")


def describe(error: BaseException) -> tuple[str, str]:
    """Says in one line, and with a traceback cut to 4 kB, what was raised; never raises itself.

    An exception is never sent as it is: its class may not unpickle, its message may have no end.
    """
    kind = type(error).__name__
    try:
        message = one_line(_telling_part(str(error)))
    except BaseException:
        message = "(its message cannot be shown)"
    try:
        # The 30 frames nearest to the error: a recursion's traceback is bounded before it becomes text.
        trace = "".join(traceback.format_exception(error, limit=-30))
    except BaseException:
        trace = "".join(traceback.format_tb(error.__traceback__, limit=-30))
    return one_line(f"{kind}: {message}" if message else kind), cut_error(trace)


def _telling_part(message: str) -> str:
    """Returns a message from the line on that says what happened: of TensorFlow's, the last one that is not indented.

    TensorFlow begins with a heading ("Graph execution error:"), goes on with where the operation was made, and comes to
    the point at the end.
    """
    if len(message) > 1_000_000 or not message.partition("\n")[0].endswith(" error:"):
        return message
    lines = [line for line in message.splitlines() if line.strip() and not line[0].isspace()]
    return lines[-1]


def checked_losses(losses: Any, lanes: int) -> NDArray[np.floating]:
    """Returns losses as a fresh floating-point array [evaluations, lanes].

    Raises:
        ValueError: the shape is another, or they are no numbers.
    """
    array = np.array(losses)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"losses are real numbers. Received: an array of {array.dtype}")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if array.ndim != 2 or array.shape[1] != lanes:
        raise ValueError(f"losses have the shape [evaluations, {lanes}]. Received: {list(array.shape)}")
    return array


def checked_observations(observed: LaneObservations, lanes: int) -> LaneObservations:
    """Returns observations of which every field has its type.

    Raises:
        ValueError: a metric is not one real number a lane, or there are too many.
    """
    if len(observed.metrics) > MOST_METRICS:
        raise ValueError(f"an observation has at most {MOST_METRICS} metrics. Received: {len(observed.metrics)}")
    metrics = {}
    for name, given in observed.metrics.items():
        numbers = tuple(float(number) for number in given)
        if len(numbers) != lanes:
            raise ValueError(f"a metric is {lanes} numbers, one a lane. Received: {len(numbers)} of {one_line(name)}")
        metrics[str(name)] = numbers
    return LaneObservations(
        split=str(observed.split),
        evaluations=int(observed.evaluations),
        seconds=float(observed.seconds),
        elapsed=float(observed.elapsed),
        metrics=metrics,
    )


def checked_evaluation(evaluation: Evaluation, keys: Collection[Key]) -> Evaluation:
    """Returns an evaluation of which every field has its type, without its curve and observations.

    A fitness that is no number makes the candidate FAILED, a FINISHED one that is not finite DIVERGED.

    Raises:
        ValueError: the key is none of the cohort's.
    """
    if evaluation.key not in keys:
        raise ValueError(f"training evaluates its own candidates. Received: {evaluation.key}")
    status: Any = evaluation.status
    fitness: Any = evaluation.fitness
    reason = one_line(str(evaluation.reason))
    if isinstance(fitness, bool) or not isinstance(fitness, numbers.Real):
        status, reason = Status.FAILED, one_line(f"a fitness is a real number. Received: {_shown(fitness)}")
    elif status not in tuple(Status) or not Status(status).is_final:
        status, reason = Status.FAILED, one_line(f"a result's status is final. Received: {_shown(status)}")
    elif status == Status.FINISHED and not math.isfinite(fitness):
        status, reason = Status.DIVERGED, reason or f"fitness was {float(fitness)}"
    return replace(
        evaluation,
        status=Status(status),
        fitness=float(fitness) if status == Status.FINISHED else math.inf,
        losses=(),
        steps_done=int(evaluation.steps_done),
        seconds=float(evaluation.seconds),
        device=one_line(str(evaluation.device)),
        reason=reason,
        error=cut_error(str(evaluation.error)),
        observations=(),
    )


def _shown(value: Any) -> str:
    """Returns a short repr; never raises."""
    try:
        return f"{type(value).__name__} {repr(value)[:REASON_CHARACTERS]}"
    except BaseException:
        return type(value).__name__


def _storable(text: str) -> str:
    """Replaces what databases refuse: NUL bytes and halves of surrogate pairs."""
    return text.replace("\x00", "�").encode(errors="replace").decode()
