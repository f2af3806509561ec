"""Errors of Ray's tasks as failures of the retry policy."""

from __future__ import annotations

import re
from pathlib import Path

from ray import exceptions

from tuner.core.text import cut_traceback, first_line
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.retries import Cause, Failure

_WORKERS_MEMORY = re.compile(r"actual memory used=([\d.]+)GB")
_PROCESS = re.compile(r"^\d+\t([\d.]+)\t(?!ray::)(\S+)", re.MULTILINE)  # in Ray's list of those with most memory

MUCH_MORE = 2.0
"""How many times the memory of a worker another process uses if it, and not the worker, has filled the machine."""

_LOST: tuple[tuple[type[BaseException], str], ...] = (
    (exceptions.WorkerCrashedError, "worker crashed"),
    (exceptions.ActorUnavailableError, "worker or its node died"),
    (exceptions.RayActorError, "worker crashed"),
    (exceptions.OwnerDiedError, "result lost"),
    (exceptions.ObjectLostError, "result lost"),
    (exceptions.GetTimeoutError, "result lost"),
    (exceptions.TaskCancelledError, "cancelled from outside"),
    (exceptions.TaskUnschedulableError, "no node can run it"),
    (exceptions.RuntimeEnvSetupError, "worker could not be set up"),
)


def failure_of(error: BaseException, *, is_local: bool) -> Failure:
    """Return the failure of an attempt whose stream ended with this error.

    Args:
        error: The exception of `ray.get`.
        is_local: Whether Ray was started on this machine for this run, so that its only node is indispensable.

    Returns:
        The failure; never a timeout, which the driver enforces and not Ray.

    Raises:
        ClusterUnavailable: Ray as a whole has died, so that a retry would fail too.
    """
    if isinstance(error, exceptions.RayTaskError | exceptions.UserCodeException | exceptions.UnserializableException):
        return Failure(Cause.RAISED, first_line(str(error).rstrip().rpartition("\n")[2]), cut_traceback(str(error)))
    if isinstance(error, exceptions.OutOfMemoryError):
        return _out_of_memory(str(error))
    node_died = isinstance(error, exceptions.NodeDiedError) or (
        isinstance(error, exceptions.ActorDiedError) and "its node has died" in str(error)
    )
    if isinstance(error, exceptions.LocalRayletDiedError) or (is_local and node_died):
        raise ClusterUnavailable("Ray's process on this machine died; resume the study once it runs again") from error
    # These failures have no error text: it would be Ray's, and an error text marks a failure as the candidate's own.
    if node_died:
        return Failure(Cause.LOST, "node died")
    for kind, reason in _LOST:
        if isinstance(error, kind):
            return Failure(Cause.LOST, reason)
    return Failure(Cause.LOST, first_line(f"lost: {type(error).__name__}: {error}"))


def _out_of_memory(message: str) -> Failure:
    """Return the failure of an attempt whose worker Ray has ended because the machine's memory was nearly full.

    Ray ends the worker that started last, whoever has taken the memory. It is tried again like any lost worker.
    """
    worker = max(map(float, _WORKERS_MEMORY.findall(message)), default=0.0)
    others = [(float(gigabytes), command) for gigabytes, command in _PROCESS.findall(message)]
    most, command = max(others, default=(0.0, ""))
    if worker and most > MUCH_MORE * worker:
        program = Path(command).name
        reason = f"out of memory: Ray ended the worker, which used {worker:g} GB, while {program} used {most:g} GB"
        return Failure(Cause.LOST, first_line(reason), is_of_machine=True)
    used = f", which used {worker:g} GB," if worker else ""
    return Failure(
        Cause.LOST, f"out of memory: Ray ended the worker{used} before the machine ran out; advice: fewer workers"
    )
