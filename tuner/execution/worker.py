"""What runs in a worker: one cohort trained, and all that happens to it told in small plain messages.

The training function is named as "module:function" and imported here, inside the worker, after graphics cards were
hidden from candidates that have none. It is called as `train(workload, lanes)` with exactly `workload.cohort_size`
trials, yields `TrainingProgress` with every loss of every lane (also those of lanes that diverged), `LaneObservations`
where more is measured, and in the end one `Evaluation` for each distinct key; an evaluation's curve and observations
are taken from what came before it, its `losses` and `observations` are not looked at.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import socket
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import Evaluation, LaneObservations, TrainingProgress, Trial, Workload
from tuner.execution.plain import checked_evaluation, checked_losses, checked_observations, describe

MESSAGE_BYTES = 64_000
"""Losses a message at most: below 100 kB Ray keeps a value with its owner, and it outlives the worker."""

MOST_BUNDLED = 8
"""Messages that are sent together; the last losses and a few evaluations stay below 100 kB."""

REMOTE_WATCHDOG_DELAY = 5.0
"""Seconds by which the watchdog comes after the driver's own deadline where the driver cannot read its dump."""


@dataclass(frozen=True, slots=True)
class Started:
    """Message: a worker has begun."""

    node: str  # host name
    pid: int
    node_id: str = ""  # Ray's id of the node


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Message: the next losses."""

    steps_done: int
    losses: NDArray[np.floating]  # [evaluations since the last, lanes]


@dataclass(frozen=True, slots=True)
class Observed:
    """Message: something was measured of every lane."""

    observations: LaneObservations


@dataclass(frozen=True, slots=True)
class Finished:
    """Message: one candidate's evaluation, without its curve and observations."""

    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Raised:
    """Message: training raised; nothing follows."""

    reason: str
    error: str


Message = Started | Chunk | Observed | Finished | Raised


@dataclass(frozen=True, slots=True)
class Said:
    """What a worker says at a time; the last of it says that it is over."""

    messages: tuple[Message, ...] = ()
    is_over: bool = False
    error: BaseException | None = None  # why nothing more is heard


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Ends a worker that outlives its time limit, even one that is deaf to all signals and holds Python's lock."""

    limit: float  # seconds
    dump: str  # where the traceback goes; its folder exists only on the driver's own machine


def load(train: str, gpus: float) -> None:
    """Imports the training function before anybody waits for it, with no more graphics cards in view than `gpus`.

    What goes wrong is left to `work`, which says it of a candidate.
    """
    with contextlib.suppress(Exception), _hidden_gpus(gpus == 0):
        importlib.import_module(train.partition(":")[0])


def work(
    train: str,
    workload: Workload,
    lanes: Sequence[Trial],
    *,
    node_id: str = "",
    gpus: float = 0.0,
    watchdog: Watchdog | None = None,
    let_through: tuple[type[BaseException], ...] = (),
) -> Generator[Message, None, None]:
    """Trains one cohort in this process.

    Args:
        train: the training function, "module:function".
        workload: what the trials share.
        lanes: exactly `workload.cohort_size` trials; a candidate may fill several lanes.
        node_id: Ray's id of this node.
        gpus: graphics cards that this process has, or its share of one. With none TensorFlow must not see any, which
            takes effect if it was not imported before.
        watchdog: ends this process when the limit is over; None sets no limit.
        let_through: exceptions that are the caller's and not the candidate's.

    Yields:
        `Started` first, then `Chunk`, `Observed` and `Finished` as they come, and `Raised` at the end if training
        raised anything whatever, `SystemExit` included. Nothing but plain data, less than 100 kB each.
    """
    with _armed(watchdog):
        yield Started(node=socket.gethostname(), pid=os.getpid(), node_id=node_id)
        steps = _steps(train, workload, lanes)
        while True:
            # Only the training stands inside the `try`: what the reader of this generator throws in passes by.
            try:
                with _hidden_gpus(gpus == 0):
                    message = next(steps, None)
            except let_through:
                raise
            except BaseException as error:
                if hasattr(error, "ray_terminate_msg"):
                    raise  # Ray's own SystemExit: somebody ends this worker, which is not the candidate's doing
                reason, trace = describe(error)
                message = Raised(_advice(gpus) if gpus and _is_out_of_memory(error) else reason, trace)
            if message is None:
                return
            yield message
            if isinstance(message, Raised):
                return


def bundled(messages: Iterator[Message], lanes: Sequence[Trial]) -> Iterator[Said]:
    """Bundles evaluations with the last losses and with the end, since everything that is sent costs Ray half a ms.

    It is over with the last evaluation. What the training does after that is its own affair: nobody listens any more.

    Args:
        messages: of `work`.
        lanes: the trials.

    Yields:
        What is to be sent at once.
    """
    budget, left = max(trial.steps for trial in lanes), {trial.key for trial in lanes}
    held: list[Message] = []
    for message in messages:
        if not left:
            continue
        held.append(message)
        if isinstance(message, Finished):
            left.discard(message.evaluation.key)
            is_due = not left
        else:
            is_due = not isinstance(message, Chunk) or message.steps_done < budget
        if is_due or len(held) == MOST_BUNDLED:
            yield Said(tuple(held), is_over=not left)
            held = []
    if left:
        yield Said(tuple(held), is_over=True)


def _steps(train: str, workload: Workload, lanes: Sequence[Trial]) -> Iterator[Message]:
    """Runs the training and turns what it yields into messages."""
    module, _, name = train.partition(":")
    function = getattr(importlib.import_module(module), name)
    keys = frozenset(trial.key for trial in lanes)
    for value in function(workload, tuple(lanes)):
        if isinstance(value, TrainingProgress):
            yield from _chunks(value, len(lanes))
        elif isinstance(value, LaneObservations):
            yield Observed(checked_observations(value, len(lanes)))
        elif isinstance(value, Evaluation):
            yield Finished(checked_evaluation(value, keys))
        else:
            accepted = "TrainingProgress, LaneObservations and Evaluation"
            raise TypeError(f"training yields {accepted}. Received: {type(value).__name__}")


def _chunks(progress: TrainingProgress, lanes: int) -> Iterator[Chunk]:
    """Cuts progress into messages of bounded size."""
    losses = checked_losses(progress.losses, lanes)
    done = int(progress.steps_done)
    rows = max(1, MESSAGE_BYTES // (lanes * losses.itemsize))
    for start in range(0, len(losses), rows):
        part = losses[start : start + rows]
        yield Chunk(steps_done=done - len(losses) + start + len(part), losses=part)


_FULL_CARD = ("CUDA_ERROR_OUT_OF_MEMORY", "_STATUS_ALLOC_FAILED", "Status: out of memory")


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether TensorFlow says that it is; looked at by name, since it may not have been imported."""
    if type(error).__name__ == "ResourceExhaustedError":
        return True
    # CUDA's libraries find no room for themselves either, and say it in TensorFlow's other errors.
    return type(error).__module__.startswith("tensorflow.") and any(words in str(error) for words in _FULL_CARD)


def _advice(gpus: float) -> str:
    """Says in one line, the same for all candidates, that a graphics card's memory is out, and what may help."""
    if gpus < 1:
        return (
            f"out of GPU memory with --gpus-per-candidate {gpus:g}; advice: {min(1.0, 2 * gpus):g}, or smaller batches"
        )
    return "out of GPU memory; advice: smaller batches, such as --option batch_size=64"


@contextlib.contextmanager
def _hidden_gpus(hide: bool) -> Iterator[None]:
    """Hides all graphics cards from what is imported within a `with` block; the process may be the user's own."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hide:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        yield
    finally:
        if hide:
            del os.environ["CUDA_VISIBLE_DEVICES"]
            if before is not None:
                os.environ["CUDA_VISIBLE_DEVICES"] = before


@contextlib.contextmanager
def _armed(watchdog: Watchdog | None) -> Iterator[None]:
    """Sets the watchdog for the time of a `with` block."""
    if watchdog is None:
        yield
        return
    path = Path(watchdog.dump)
    shared = path.parent.is_dir()
    target: Any = path.open("w") if shared else contextlib.nullcontext(2)  # 2: stderr, into Ray's log of this worker
    with target as file:
        # Where the driver can read the dump the watchdog comes first, so that a hung candidate's traceback is kept.
        # Elsewhere it would look like a crash: there it comes only if the driver's own deadline did not get through.
        limit = watchdog.limit if shared else watchdog.limit + REMOTE_WATCHDOG_DELAY
        faulthandler.dump_traceback_later(limit, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
    if shared:
        path.unlink(missing_ok=True)
