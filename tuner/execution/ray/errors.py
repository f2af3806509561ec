"""What the errors of Ray's tasks mean to the retry policy."""

from __future__ import annotations

from ray import exceptions

from tuner.execution.attempts import Cause, Failure
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.plain import cut_error, one_line

_OUT_OF_MEMORY = "out of memory: Ray ended the worker before the machine ran out; advice: fewer --workers"

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
    """Says what ended an attempt whose stream ended in this error.

    Args:
        error: what `ray.get` raised.
        is_local: whether Ray runs on this machine alone, for this study alone; then its only node is everything.

    Returns:
        The failure. A time limit is not seen here: the driver knows of it, Ray does not.

    Raises:
        ClusterUnavailable: Ray as a whole is gone, so that trying again is of no use.
    """
    if isinstance(error, exceptions.RayTaskError | exceptions.UserCodeException | exceptions.UnserializableException):
        return Failure(Cause.RAISED, one_line(str(error).rstrip().rpartition("\n")[2]), cut_error(str(error)))
    if isinstance(error, exceptions.OutOfMemoryError):
        # Memory is the candidate's own affair, and its neighbours were spared: trying again would only repeat it.
        return Failure(Cause.RAISED, _OUT_OF_MEMORY, cut_error(str(error)))
    node_died = isinstance(error, exceptions.NodeDiedError) or (
        isinstance(error, exceptions.ActorDiedError) and "its node has died" in str(error)
    )
    if isinstance(error, exceptions.LocalRayletDiedError) or (is_local and node_died):
        raise ClusterUnavailable("Ray's process on this machine died; resume the study to go on") from error
    # None of these has an error text: it would be Ray's, and what has one counts as the candidate's own failure.
    if node_died:
        return Failure(Cause.LOST, "node died")
    for kind, reason in _LOST:
        if isinstance(error, kind):
            return Failure(Cause.LOST, reason)
    return Failure(Cause.LOST, one_line(f"lost: {type(error).__name__}: {error}"))
