"""A pool of simulated workers, with a clock that advances from one event to the next.

It replaces Ray in tests of the driver: its decisions, and its cost with a thousand workers.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from tuner.core.events import TrainingProgress
from tuner.core.trial import Evaluation, Status, Trial, Workload
from tuner.execution.messages import Started, Update
from tuner.execution.retries import Attempt, Cause, Failure
from tuner.execution.worker import Watchdog

Seconds = Callable[[Workload, Attempt, bool], float]
"""Function that returns the duration of a cohort in seconds; its last argument is whether the worker must compile."""


class SimulatedWorker:
    """A worker that sends its updates at set times."""

    def __init__(self, pool: SimulatedPool, number: int) -> None:
        self.node_id = "node"
        self.compiled: set[str] = set()
        self.shapes: list[tuple[str, str]] = []
        self.cohorts = 0
        self.number = number
        self.busy = 0.0  # seconds
        self.is_killed = False
        self._pool = pool
        self._trained: set[str] = set()
        self._updates: deque[Update] = deque()
        self.send([Update(is_over=True)])

    def train(self, attempt: Attempt, workload: Workload, name: str, watchdog: Watchdog | None) -> None:
        """Start a cohort; the pool determines its duration."""
        del name, watchdog
        if self.is_killed:
            self._updates.append(Update(is_over=True, error=RuntimeError("the worker had died before")))
            self._pool.ready.add(self)
            return
        seconds = self._pool.seconds(workload, attempt, workload.optimizer not in self._trained)
        self._trained.add(workload.optimizer)
        self.busy += seconds
        self._pool.later(0.0, self, [Update((Started("node", self.number),))])
        self._pool.later(seconds, self, [*self._pool.updates(attempt, seconds), Update(is_over=True)])

    def read(self) -> Update:
        """Return the next update that is due."""
        update = self._updates.popleft()
        if not self._updates:
            self._pool.ready.discard(self)
        return update

    def kill(self) -> None:
        """End the cohort, and the worker."""
        self.send([Update(is_over=True, error=RuntimeError("killed"))])
        self.is_killed = True

    def send(self, updates: Sequence[Update]) -> None:
        """Make updates due now."""
        if not self.is_killed:
            self._updates.extend(updates)
            self._pool.ready.add(self)


class SimulatedPool:
    """A pool that starts up to `workers` workers without delay."""

    is_local = True
    folder = Path("/nowhere")

    def __init__(
        self,
        workers: int,
        seconds: Seconds,
        *,
        fitness: Callable[[Trial], float] = lambda trial: 1.0,
        drivers_time: bool = False,
    ) -> None:
        """Make a pool.

        Args:
            workers: Largest number of workers.
            seconds: Returns how long a cohort trains.
            fitness: Returns the fitness of a candidate.
            drivers_time: Whether the clock also advances by the time that the driver computes.
        """
        self.now = 0.0
        self.seconds = seconds
        self.fitness = fitness
        self.ready: set[SimulatedWorker] = set()
        self.started: list[SimulatedWorker] = []
        self._computed: float | None = time.process_time() if drivers_time else None
        self._workers = workers
        self._due: list[tuple[float, int, SimulatedWorker, Sequence[Update]]] = []
        self._order = count()

    def later(self, seconds: float, worker: SimulatedWorker, updates: Sequence[Update]) -> None:
        """Make updates due after so many seconds."""
        heapq.heappush(self._due, (self.now + seconds, next(self._order), worker, updates))

    def updates(self, attempt: Attempt, seconds: float) -> list[Update]:
        """Return what a worker sends at the end of a cohort."""
        steps = attempt.lanes[0].steps
        losses = TrainingProgress(steps, np.ones((1, len(attempt.lanes))))
        members = [
            Evaluation(one.key, Status.FINISHED, self.fitness(one), (), steps, seconds) for one in attempt.members
        ]
        return [Update((message,)) for message in (losses, *members)]

    def start_worker(self, avoided: Collection[str]) -> SimulatedWorker:
        """Start a worker."""
        self.started.append(SimulatedWorker(self, len(self.started)))
        return self.started[-1]

    def capacity(self) -> tuple[int, frozenset[str]]:
        """Return the largest number of workers."""
        return self._workers, frozenset({"node"})

    def wait(
        self, workers: Sequence[SimulatedWorker], killed: Sequence[SimulatedWorker], timeout: float
    ) -> list[SimulatedWorker]:
        """Advance the clock to the next event, by `timeout` at most."""
        if self._computed is not None:
            self.now += time.process_time() - self._computed
        awaited = (*workers, *killed)
        self.ready -= {worker for worker in self.ready if worker.is_killed and worker not in awaited}
        until = self.now + (0.0 if self.ready else timeout)
        if not self.ready and self._due:
            until = min(until, max(self.now, self._due[0][0]))
        self.now = until
        while self._due and self._due[0][0] <= self.now:
            *_, worker, updates = heapq.heappop(self._due)
            worker.send(updates)
        if self._computed is not None:
            self._computed = time.process_time()
        return list(self.ready)

    def responds(self, node_id: str, timeout: float) -> bool:
        """Return True: no node hangs."""
        return True

    def failure_of(self, error: BaseException) -> Failure:
        """Return that the worker was lost, the only failure here."""
        return Failure(Cause.LOST, str(error))

    def busy_share(self) -> float:
        """Return the share of the workers' time that was spent in training."""
        return sum(worker.busy for worker in self.started) / (self._workers * self.now)
