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
        (exceptions.OutOfMemoryError("Task was killed: memory"), Cause.LOST, "out of memory"),
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


# As Ray 2.60 writes it, shortened.
MEMORY = """Ray killed 1 worker(s) based on the killing policy
Selected to kill: (Actor(e1): job ID=01, task name=Trainer.__init__, pid=27591, actual memory used=0.46GB, worker ID=f5)
Top 10 memory users: PID	MEM(GB)	COMMAND
27312	{other}	/usr/bin/blender --background
27591	0.46	ray::Trainer.work
Refer to the documentation"""


def test_memory_that_another_program_has_taken_is_the_machines_fault_and_not_the_candidates():
    failure = failure_of(exceptions.OutOfMemoryError(MEMORY.format(other="17.20")), is_local=True)
    assert (failure.cause, failure.is_of_machine) == (Cause.LOST, True)
    assert failure.reason == "out of memory: Ray ended the worker, which used 0.46 GB, while blender used 17.2 GB"
    failure = failure_of(exceptions.OutOfMemoryError(MEMORY.format(other="0.40")), is_local=True)
    assert (failure.cause, failure.is_of_machine) == (Cause.LOST, False)
    assert "which used 0.46 GB" in failure.reason
