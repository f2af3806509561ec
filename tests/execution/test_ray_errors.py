"""Mapping of Ray's errors to a cause, which decides about a retry, and a reason."""

import pytest
from ray import exceptions

from tuner.execution.executor import ClusterUnavailable
from tuner.execution.ray.errors import failure_of
from tuner.execution.retries import Cause


@pytest.mark.parametrize(
    ("error", "cause", "reason"),
    [
        (exceptions.WorkerCrashedError(), Cause.LOST, "worker crashed"),
        (exceptions.NodeDiedError("it died"), Cause.LOST, "node died"),
        (exceptions.ActorDiedError(), Cause.LOST, "worker crashed"),
        (exceptions.ActorUnavailableError("Socket closed", None), Cause.LOST, "worker or its node died"),
        (exceptions.OwnerDiedError("00" * 28, None, ""), Cause.LOST, "result lost"),
        (exceptions.ObjectLostError("00" * 28, None, ""), Cause.LOST, "result lost"),
        (exceptions.GetTimeoutError("late"), Cause.LOST, "result lost"),
        (exceptions.TaskCancelledError(), Cause.LOST, "cancelled from outside"),
        (exceptions.OutOfDiskError("full"), Cause.LOST, "lost: OutOfDiskError: "),
        (exceptions.OutOfMemoryError("Task was killed: memory"), Cause.RAISED, "out of memory"),
        (exceptions.UnserializableException("trace\nValueError: x"), Cause.RAISED, "ValueError: x"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_an_error_of_ray_is_mapped_to_a_cause_and_a_reason(error, cause, reason):
    failure = failure_of(error, is_local=False)
    assert failure.cause is cause
    assert failure.reason.startswith(reason)
    assert "\n" not in failure.reason
    # A study all of whose candidates have one and the same error is stopped; lost workers do not count.
    assert bool(failure.error) == (cause is Cause.RAISED)


@pytest.mark.parametrize(
    "error", [exceptions.LocalRayletDiedError(), exceptions.NodeDiedError("it died")], ids=lambda e: type(e).__name__
)
def test_losing_the_only_node_of_a_local_ray_raises_cluster_unavailable(error):
    with pytest.raises(ClusterUnavailable):
        failure_of(error, is_local=True)
