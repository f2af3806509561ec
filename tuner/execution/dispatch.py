"""Which waiting cohort a free lane takes next.

A lane that has compiled a workload keeps to it; a lane that has nothing to do begins a workload that no lane has begun;
and only then does it take from others, if what waits there takes longer than compiling once more. Among equals the
batch goes first behind which most work waits, so that the batches end together and none is left alone at the end. The
order decides how long a study takes, and never what it finds.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence

from tuner.core.trial import Workload
from tuner.execution.attempts import Attempt
from tuner.execution.costs import Costs
from tuner.execution.executor import Batch


class Queue(Batch):
    """A batch as the executor sees it: what of it waits, how much runs, and how much has to come after it."""

    def __init__(self, workload: Workload, label: str, attempts: Iterable[Attempt], remaining: int) -> None:
        super().__init__()
        self.workload = workload
        self.label = label
        self.identity = workload.identity()
        # The longest first, so that none of them begins last; Python's sort leaves equals in their order.
        self._waiting = deque(sorted(attempts, key=lambda attempt: -budget(attempt)))
        self.running = 0
        self.work_waiting = sum(map(budget, self._waiting))  # gradient evaluations, a cohort's counted once
        self.work_behind = self.work_waiting + remaining

    def __len__(self) -> int:
        """Returns how many attempts wait."""
        return len(self._waiting)

    def pop(self) -> Attempt:
        """Takes out the attempt that is to run next."""
        attempt = self._waiting.popleft()
        self._count(-budget(attempt))
        return attempt

    def put_first(self, attempts: Sequence[Attempt]) -> None:
        """Puts attempts before all that wait."""
        self._waiting.extendleft(reversed(attempts))
        self._count(sum(map(budget, attempts)))

    def clear(self) -> None:
        """Drops all that waits."""
        self._waiting.clear()

    def _count(self, work: int) -> None:
        self.work_waiting += work
        self.work_behind += work


def budget(attempt: Attempt) -> int:
    """Returns the gradient evaluations that a cohort may take."""
    return max(trial.steps for trial in attempt.lanes)


class Dispatch:
    """Chooses among batches, knowing what lanes have compiled and what cohorts took so far."""

    def __init__(self, costs: Costs) -> None:
        self._costs = costs
        self.compiled: Counter[str] = Counter()  # lanes that have each workload compiled, or are about to

    def choose(self, queues: Collection[Queue], lane: Collection[str]) -> Queue | None:
        """Returns the batch that a free lane should take a cohort of, or None if it had better stay free.

        Args:
            queues: of the open batches.
            lane: identities of the workloads that the lane has compiled.
        """
        waiting = [queue for queue in queues if len(queue)]
        own = [queue for queue in waiting if queue.identity in lane]
        new = own or [queue for queue in waiting if not self.compiled[queue.identity]]
        worth = new or [queue for queue in waiting if self._is_worth_compiling(queue)]
        return max(worth, key=lambda queue: self._costs.guess(queue.identity, queue.work_behind), default=None)

    def has_room(self, queues: Collection[Queue], free: Iterable[Collection[str]]) -> bool:
        """Returns whether some free lane would neither keep to its own workload nor begin one of these batches.

        Args:
            queues: of the open batches.
            free: identities of the workloads that each free lane has compiled.
        """
        left = {queue.identity: len(queue) for queue in queues if len(queue)}
        new = sum(not self.compiled[identity] for identity in left)
        unused = 0
        for lane in free:
            own = next((identity for identity in lane if left.get(identity)), None)
            if own is None:
                unused += 1
            else:
                left[own] -= 1
        return unused > new

    def wanted(self, queues: Collection[Queue]) -> int:
        """Returns how many new lanes would find something to do, if there were no others that are free."""
        return sum(
            len(queue)
            for queue in queues
            if len(queue) and (not self.compiled[queue.identity] or self._is_worth_compiling(queue))
        )

    def _is_worth_compiling(self, queue: Queue) -> bool:
        """Whether what waits would keep the lanes that are at it busy for longer than one more compilation.

        A lane that has it compiled and is at something else is no help: nobody knows when it will be free.
        """
        backlog = self._costs.seconds(queue.identity, queue.work_waiting)
        if backlog is None or not queue.running:
            return True
        return backlog / queue.running > self._costs.compilation(queue.identity)
