"""Protocols of a worker and of a pool that starts workers and waits for them.

A worker is a process that trains one cohort at a time and outlives its cohorts, so that imports and compiled code are
reused for the next one. GPUs require this, because TensorFlow cannot change the GPU of a process.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from tuner.core.trial import Workload
from tuner.execution.messages import Update
from tuner.execution.retries import Attempt, Failure
from tuner.execution.worker import Watchdog


class Worker(Protocol):
    """A worker. Its first update reports its start; after that it trains one cohort at a time."""

    node_id: str  # id of its node; "" until it has started
    compiled: set[str]  # identities of the workloads that it has trained; maintained by the executor
    shapes: list[tuple[str, str]]  # those that it trained last, see `Shape`; maintained by the executor
    cohorts: int  # number of cohorts assigned to it; maintained by the executor

    def train(self, attempt: Attempt, workload: Workload, name: str, watchdog: Watchdog | None) -> None:
        """Start training a cohort, in a task of this name.

        Raises:
            ClusterUnavailable: Ray accepts no more tasks.
        """
        ...

    def read(self) -> Update:
        """Return the next update of a worker that `WorkerPool.wait` has returned."""
        ...

    def kill(self) -> None:
        """End the worker's process. Updates sent before can still be read."""
        ...


W = TypeVar("W", bound=Worker)
"""The type of a pool's workers."""


class WorkerPool(Protocol[W]):
    """Starts workers and waits for them."""

    is_local: bool  # whether all workers are on this machine, for this driver alone
    folder: Path  # for the tracebacks of watchdogs; workers can write there only if they are on this machine

    def start_worker(self, avoided: Collection[str]) -> W:
        """Begin to start a worker, on a node that is not in `avoided`.

        Raises:
            ClusterUnavailable: Ray starts no more workers.
        """
        ...

    def capacity(self) -> tuple[int, frozenset[str]]:
        """Return how many workers fit on all living nodes together, at least 1, and the ids of these nodes.

        Raises:
            ClusterUnavailable: Ray does not respond.
        """
        ...

    def wait(self, workers: Sequence[W], killed: Sequence[W], timeout: float) -> Sequence[W]:
        """Wait until a worker has an update.

        Args:
            workers: Workers whose updates are awaited.
            killed: Killed workers, of which only the end is awaited.
            timeout: Maximum seconds to wait.

        Returns:
            The workers of both kinds with an update.

        Raises:
            ClusterUnavailable: Ray does not respond.
        """
        ...

    def responds(self, node_id: str, timeout: float) -> bool:
        """Return whether a node executes a task within the timeout; True for a local node."""
        ...

    def failure_of(self, error: BaseException) -> Failure:
        """Return the failure for an error in `Update.error`.

        Raises:
            ClusterUnavailable: Ray as a whole has died.
        """
        ...
