"""Dispatch: the choice of the next cohort for an idle worker.

A worker prefers workloads that it has compiled. If none of these waits, it starts a workload that no worker has
compiled; otherwise it takes one that others train, if the waiting cohorts take longer than another compilation. Among
equals, the batch with the most work left goes first, so that all batches end at about the same time; and of a workload
whose candidates have several shapes, a cohort of one that the worker has compiled. The order affects how long a study
takes, never its results.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence

from tuner.core.trial import Workload
from tuner.execution.costs import Costs
from tuner.execution.executor import Batch
from tuner.execution.retries import Attempt

MAX_COMPARED = 256
"""Waiting attempts that are compared with what a worker has compiled."""

Shape = tuple[str, str]
"""Identity of a workload, and the arguments of the task: what a worker compiles once."""


class Queue(Batch):
    """A batch with its waiting attempts, the number in progress, and the work that depends on it."""

    def __init__(self, workload: Workload, label: str, attempts: Iterable[Attempt], remaining: int) -> None:
        super().__init__()
        self.workload = workload
        self.label = label
        self.identity = workload.identity()
        # The longest first, so that a long attempt does not start last; the sort is stable.
        self._waiting = deque(sorted(attempts, key=lambda attempt: -attempt.budget))
        self.in_progress = 0
        self.work_waiting = sum(attempt.budget for attempt in self._waiting)  # gradient evaluations, once per cohort
        self.work_left = self.work_waiting + remaining

    def __len__(self) -> int:
        """Return the number of waiting attempts."""
        return len(self._waiting)

    def pop(self, shapes: Collection[Shape] = ()) -> Attempt:
        """Remove and return the next attempt: among the longest, one of a shape that the worker has compiled, if any.

        Args:
            shapes: Shapes that the worker has compiled, of any workload. Default: none.
        """
        longest = self._waiting[0].budget
        alike = itertools.takewhile(lambda each: each.budget == longest, itertools.islice(self._waiting, MAX_COMPARED))
        known = (place for place, each in enumerate(alike) if (self.identity, each.shape) in shapes)
        place = next(known, 0)
        attempt = self._waiting[place]
        del self._waiting[place]
        self._count(-attempt.budget)
        return attempt

    def put_first(self, attempts: Sequence[Attempt]) -> None:
        """Insert attempts before all others."""
        self._waiting.extendleft(reversed(attempts))
        self._count(sum(attempt.budget for attempt in attempts))

    def clear(self) -> None:
        """Remove all waiting attempts."""
        self._waiting.clear()

    def _count(self, work: int) -> None:
        self.work_waiting += work
        self.work_left += work


class Dispatch:
    """Chooses among batches by compiled workloads and measured durations."""

    def __init__(self, costs: Costs) -> None:
        self._costs = costs
        self.compiled: Counter[str] = Counter()  # by workload, workers that have compiled it or will compile it

    def choose(self, queues: Collection[Queue], compiled: Collection[str]) -> Queue | None:
        """Return the batch from which an idle worker takes its next cohort, or None if it stays idle.

        Args:
            queues: The open batches.
            compiled: Identities of the workloads that the worker has compiled.
        """
        waiting = [queue for queue in queues if len(queue)]
        compiled_queues = [queue for queue in waiting if queue.identity in compiled]
        preferred = compiled_queues or [queue for queue in waiting if not self.compiled[queue.identity]]
        candidates = preferred or [queue for queue in waiting if self._is_worth_compiling(queue)]
        return max(candidates, key=lambda queue: self._costs.estimate(queue.identity, queue.work_left), default=None)

    def has_room(self, queues: Collection[Queue], idle: Iterable[Collection[str]]) -> bool:
        """Return whether some idle worker has no cohort to train in any of these batches.

        Args:
            queues: The open batches.
            idle: For each idle worker, identities of the workloads that it has compiled.
        """
        cohorts = {queue.identity: len(queue) for queue in queues if len(queue)}
        new = sum(not self.compiled[identity] for identity in cohorts)
        unused = 0
        for compiled in idle:
            match = next((identity for identity in compiled if cohorts.get(identity)), None)
            if match is None:
                unused += 1
            else:
                cohorts[match] -= 1
        return unused > new

    def useful_workers(self, queues: Collection[Queue]) -> int:
        """Return how many new workers would have a cohort to train if no worker were idle."""
        return sum(
            len(queue)
            for queue in queues
            if len(queue) and (not self.compiled[queue.identity] or self._is_worth_compiling(queue))
        )

    def _is_worth_compiling(self, queue: Queue) -> bool:
        """Return whether the waiting cohorts take the active workers longer than another compilation.

        Workers that have compiled it and are busy with another batch do not count: when they become idle is unknown.
        """
        backlog = self._costs.seconds(queue.identity, queue.work_waiting)
        if backlog is None or not queue.in_progress:
            return True
        return backlog / queue.in_progress > self._costs.compilation(queue.identity)
