"""The roster: workers of a pool by state, and the nodes to avoid."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Generic

from tuner.execution.assignment import Assignment
from tuner.execution.dispatch import Dispatch
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.pool import W, WorkerPool

MAX_FAILED_STARTS = 5
"""Workers that may die in a row without a message; more deaths are not due to a single worker."""

JOINED_ADVICE = "see Ray's logs; a cluster that requires no token is joined with RAY_AUTH_MODE=disabled"


class Roster(Generic[W]):
    """The workers that a pool has started for an executor."""

    def __init__(self, pool: WorkerPool[W], dispatch: Dispatch) -> None:
        self.pool = pool
        self.dispatch = dispatch
        self.starting: list[W] = []
        self.idle: list[W] = []
        self.assignments: dict[W, Assignment[W]] = {}
        self.abandoned: list[W] = []  # killed, but not known to have ended
        self.capacity = 1  # workers that fit on the living nodes together, and are permitted
        self.limit: int | None = None  # workers that are permitted; None: as many as fit
        self.failed_starts = 0  # in a row
        self._alive: frozenset[str] = frozenset()
        self._avoided: set[str] = set()  # nodes that hung or disappeared; not used while there are others

    def refresh(self) -> None:
        """Look up the living nodes, since nodes may join, and mark the assignments on dead nodes."""
        alive = self.look_up_capacity()
        dead, self._alive = self._alive - alive, alive
        if not dead:
            return
        for assignment in self.assignments.values():
            assignment.node_is_dead = assignment.worker.node_id in dead
        for worker in [worker for worker in self.idle if worker.node_id in dead]:
            self.idle.remove(worker)
            self.forget(worker)
        self.avoid(*dead)

    def look_up_capacity(self) -> frozenset[str]:
        """Look up how many workers fit and are permitted; return the ids of the living nodes."""
        fit, alive = self.pool.capacity()
        self.capacity = fit if self.limit is None else min(fit, self.limit)
        return alive

    def give_back(self) -> None:
        """End workers without a cohort while there are more than permitted: those first that are starting."""
        if self.limit is None:
            return
        while len(self.starting) + len(self.idle) + len(self.assignments) > self.limit and (self.starting or self.idle):
            if self.starting:
                self.starting.pop().kill()
            else:
                self.discard(self.idle.pop())

    def start(self, count: int) -> None:
        """Begin to start up to this number of workers, as capacity allows."""
        room = self.capacity - len(self.starting) - len(self.idle) - len(self.assignments)
        for _ in range(min(room, count)):
            self.starting.append(self.pool.start_worker(self._avoided if self._alive - self._avoided else ()))

    def wait(self, seconds: float) -> Sequence[W]:
        """Return the workers with an update, after at most this many seconds."""
        training = [assignment.worker for assignment in self.assignments.values() if assignment.killed_at is None]
        killed = [assignment.worker for assignment in self.assignments.values() if assignment.killed_at is not None]
        awaited, ending = [*self.starting, *training], [*self.abandoned, *killed]
        if not awaited and not ending:
            time.sleep(seconds)  # there is no node at the moment; one may return
        return self.pool.wait(awaited, ending, seconds)

    def avoid(self, *nodes: str) -> None:
        """Start no more workers on these nodes, and restart those that may be waiting for one of these."""
        self._avoided.update(nodes)
        for worker in self.starting:
            worker.kill()
        self.starting = []
        for worker in [worker for worker in self.idle if worker.node_id in nodes]:
            self.idle.remove(worker)
            self.discard(worker)

    def discard(self, worker: W) -> None:
        """Kill a worker."""
        self.forget(worker)
        worker.kill()

    def forget(self, worker: W) -> None:
        """Remove the compiled workloads of a worker that ends."""
        self.dispatch.compiled.subtract(worker.compiled)
        worker.compiled.clear()

    def tolerates_failed_start(self, worker: W, error: BaseException) -> bool:
        """Count a worker that died before its first message.

        Returns:
            Whether the start may be repeated; False after several such workers in a row.

        Raises:
            ClusterUnavailable: Too many workers in a row have died before a cohort was assigned to them.
        """
        failure = self.pool.failure_of(error)
        self.failed_starts += 1
        if worker.cohorts == 0 and self.failed_starts >= MAX_FAILED_STARTS:
            advice = "see its logs" if self.pool.is_local else JOINED_ADVICE
            raise ClusterUnavailable(f"Ray's workers die as they start: {failure.reason}; {advice}")
        return self.failed_starts < MAX_FAILED_STARTS

    def close(self) -> None:
        """Kill all idle workers."""
        for worker in (*self.starting, *self.idle):
            worker.kill()
        self.starting, self.idle = [], []
