"""The code of a worker: the training of one cohort as a stream of messages.

The training function is named as "module:function" and imported in the worker, after GPUs were hidden from
candidates without GPUs. It is called as `train(workload, lanes)` with exactly `workload.cohort_size` trials, and
yields `TrainingProgress` with every loss of every lane (also of lanes that diverged), `LaneObservations` if more is
measured, and at the end one `Evaluation` per distinct key. The losses and observations of an evaluation are those
yielded before it; its own `losses` and `observations` are ignored.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.core.environment import environment
from tuner.core.errors import StudyRefused, WorkerSpent
from tuner.core.garbage_collection import without_collection
from tuner.core.matplotlib_import import import_matplotlib
from tuner.core.text import describe_error
from tuner.core.trial import Trial, Workload
from tuner.execution.executor import FUNCTION_TRAIN
from tuner.execution.messages import Message, Raised, Started, checked

REMOTE_WATCHDOG_DELAY = 5.0
"""Seconds by which the watchdog follows the driver's own deadline if the driver cannot read its traceback."""


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Ends a worker that exceeds its time limit, even if it blocks all signals and holds Python's lock."""

    limit: float  # seconds
    dump: str  # file for the traceback; its folder exists only on the driver's own machine


def import_training(train: str, gpus: float) -> None:
    """Import the module of the training function in advance, with all GPUs hidden if `gpus` is 0.

    An error is ignored, since `train_cohort` reports it for each candidate.
    """
    if train != FUNCTION_TRAIN:
        import_matplotlib()
    with contextlib.suppress(Exception), environment(_visible_gpus(gpus)), without_collection():
        importlib.import_module(train.partition(":")[0])


def train_cohort(
    train: str,
    workload: Workload,
    lanes: Sequence[Trial],
    *,
    node_id: str = "",
    gpus: float = 0.0,
    watchdog: Watchdog | None = None,
    prepare: Callable[[], None] = lambda: None,
    let_through: tuple[type[BaseException], ...] = (),
) -> Generator[Message, None, None]:
    """Train one cohort in this process.

    Args:
        train: The training function, "module:function".
        workload: The workload of the trials.
        lanes: Exactly `workload.cohort_size` trials; a candidate may fill several lanes.
        node_id: Ray's id of this node.
        gpus: GPUs of this process, or its share of one. If 0, they are hidden from TensorFlow, unless it was imported
            before.
        watchdog: Ends this process at the time limit. Default: no limit.
        prepare: Called before the training function; its exceptions count as exceptions of training.
        let_through: Exceptions that are raised to the caller and do not count as failures of the candidate.

    Yields:
        `Started` first, and at the end `Raised` if training raised any exception, including `SystemExit`. All messages
        are plain data of less than 100 kB.
    """
    with _armed(watchdog):
        yield Started(node=socket.gethostname(), pid=os.getpid(), node_id=node_id)
        messages = _messages(train, workload, lanes, prepare)
        while True:
            # Only training runs within the `try`, so that exceptions thrown into this generator pass.
            try:
                with environment(_visible_gpus(gpus)):
                    message = next(messages, None)
            except let_through:
                raise
            except BaseException as error:
                if hasattr(error, "ray_terminate_msg"):
                    raise  # Ray's own SystemExit: the worker is ended from outside, not by the candidate
                reason, trace = describe_error(error)
                reason = _memory_advice(gpus) if gpus and _is_out_of_memory(error) else reason
                is_of_all, is_spent = isinstance(error, StudyRefused), isinstance(error, WorkerSpent)
                if is_of_all or is_spent:  # our own words
                    reason = str(error)
                message = Raised(reason, "" if is_spent else trace, is_of_all=is_of_all, is_worker_spent=is_spent)
            if message is None:
                return
            yield message
            if isinstance(message, Raised):
                return


def _messages(train: str, workload: Workload, lanes: Sequence[Trial], prepare: Callable[[], None]) -> Iterator[Message]:
    """Run the training function, and yield its values as messages."""
    module, _, name = train.partition(":")
    function = getattr(importlib.import_module(module), name)
    prepare()
    for value in function(workload, tuple(lanes)):
        yield from checked(value, lanes)


_GPU_LIBRARY_ERRORS = ("CUDA_ERROR_OUT_OF_MEMORY", "_STATUS_ALLOC_FAILED", "Status: out of memory")


def _is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of TensorFlow, PyTorch or JAX means exhausted memory.

    It is compared by name, as none of them may be imported.
    """
    name, library = type(error).__name__, type(error).__module__.partition(".")[0]
    if name == "ResourceExhaustedError" or (name == "OutOfMemoryError" and library == "torch"):
        return True
    if name in ("JaxRuntimeError", "XlaRuntimeError"):
        return "RESOURCE_EXHAUSTED" in str(error)
    # CUDA's libraries may fail to allocate memory as well, which TensorFlow reports as other errors.
    return library == "tensorflow" and any(text in str(error) for text in _GPU_LIBRARY_ERRORS)


def _memory_advice(gpus: float) -> str:
    """Return one line, the same for all candidates, on exhausted GPU memory and possible remedies."""
    if gpus < 1:
        return f"out of GPU memory with {gpus:g} GPUs per candidate; advice: {min(1.0, 2 * gpus):g}, or smaller batches"
    return "out of GPU memory; advice: smaller batches, such as the option batch_size=64"


def _visible_gpus(gpus: float) -> dict[str, str]:
    """Return the environment variables that hide all GPUs if this worker has none."""
    return {"CUDA_VISIBLE_DEVICES": "-1"} if gpus == 0 else {}


@contextlib.contextmanager
def _armed(watchdog: Watchdog | None) -> Iterator[None]:
    """Arm the watchdog within the context."""
    if watchdog is None:
        yield
        return
    path = Path(watchdog.dump)
    is_shared = path.parent.is_dir()
    target: Any = path.open("w") if is_shared else contextlib.nullcontext(2)  # 2: stderr, which Ray logs
    with target as file:
        # If the driver can read the traceback, the watchdog acts first, so that the traceback of a hung candidate is
        # kept. On other machines its end resembles a crash: there it acts only if the driver's own kill failed.
        limit = watchdog.limit if is_shared else watchdog.limit + REMOTE_WATCHDOG_DELAY
        faulthandler.dump_traceback_later(limit, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
    if is_shared:
        path.unlink(missing_ok=True)
