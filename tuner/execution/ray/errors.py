"""Errors of Ray's tasks as failures of the retry policy."""

from __future__ import annotations

from ray import exceptions

from tuner.core.text import cut_traceback, first_line
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.retries import Cause, Failure

_OUT_OF_MEMORY = "out of memory: Ray ended the worker before the machine ran out; advice: fewer workers"

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
        # The candidate uses too much memory, and Ray ended its worker alone: a retry would only repeat it.
        return Failure(Cause.RAISED, _OUT_OF_MEMORY, cut_traceback(str(error)))
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
