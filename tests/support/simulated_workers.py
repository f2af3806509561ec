"""A fleet without machines: its lanes train by a clock that jumps from one thing that happens to the next.

It stands in for Ray where the driver itself is looked at: what it decides, and what it costs with a thousand lanes.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from tuner.core.trial import Evaluation, Status, Trial, Workload
from tuner.execution.attempts import Attempt, Cause, Failure
from tuner.execution.worker import Chunk, Finished, Message, Said, Started, Watchdog

Seconds = Callable[[Workload, Attempt, bool], float]
"""Says how long a cohort trains; the last argument is whether its lane has to compile first."""


class SimulatedLane:
    """A lane that says what it has to say at set times."""

    def __init__(self, fleet: SimulatedFleet, number: int) -> None:
        self.is_ready = False
        self.node_id = "node"
        self.compiled: set[str] = set()
        self.cohorts = 0
        self.number = number
        self.busy = 0.0  # seconds
        self._fleet = fleet
        self._trained: set[str] = set()
        self._said: deque[tuple[Message | None, BaseException | None]] = deque()
        self.is_killed = False
        self.say([(None, None)])

    def begin(self, attempt: Attempt, workload: Workload, name: str, watchdog: Watchdog | None) -> None:
        """Begin a cohort, which ends after as long as the fleet says."""
        del name, watchdog
        if self.is_killed:
            self._said.append((None, RuntimeError("it had died before")))
            self._fleet.talking.add(self)
            return
        seconds = self._fleet.seconds(workload, attempt, workload.optimizer not in self._trained)
        self._trained.add(workload.optimizer)
        self.busy += seconds
        steps = attempt.lanes[0].steps
        end: list[tuple[Message | None, BaseException | None]] = [
            (Chunk(steps, np.ones((1, len(attempt.lanes)))), None),
            *(
                (Finished(Evaluation(one.key, Status.FINISHED, self._fleet.fitness(one), (), steps, seconds)), None)
                for one in attempt.members
            ),
            (None, None),
        ]
        self._fleet.later(0.0, self, [(Started("node", self.number), None)])
        self._fleet.later(seconds, self, end)

    def read(self) -> Said:
        """Take the next thing that is due."""
        self.is_ready = True
        message, error = self._said.popleft()
        if not self._said:
            self._fleet.talking.discard(self)
        return Said((message,)) if message is not None else Said(is_over=True, error=error)

    def kill(self) -> None:
        """End what it does."""
        self.say([(None, RuntimeError("killed"))])
        self.is_killed = True

    def say(self, what: Sequence[tuple[Message | None, BaseException | None]]) -> None:
        """Have this to say from now on."""
        if not self.is_killed:
            self._said.extend(what)
            self._fleet.talking.add(self)


class SimulatedFleet:
    """Makes up to `lanes` lanes, in no time."""

    is_local = True
    folder = Path("/nowhere")

    def __init__(
        self,
        lanes: int,
        seconds: Seconds,
        *,
        fitness: Callable[[Trial], float] = lambda trial: 1.0,
        drivers_time: bool = False,
    ) -> None:
        """Make a fleet.

        Args:
            lanes: Of which there may be so many.
            seconds: Says how long a cohort trains.
            fitness: Says what comes of a candidate.
            drivers_time: Whether the time that the driver computes passes on the lanes, too.
        """
        self.now = 0.0
        self.seconds = seconds
        self.fitness = fitness
        self.talking: set[SimulatedLane] = set()
        self._computed: float | None = time.process_time() if drivers_time else None
        self.made: list[SimulatedLane] = []
        self._lanes = lanes
        self._due: list[tuple[float, int, SimulatedLane, list[tuple[Message | None, BaseException | None]]]] = []
        self._order = count()

    def later(
        self, seconds: float, lane: SimulatedLane, what: list[tuple[Message | None, BaseException | None]]
    ) -> None:
        """Let a lane have something to say after so many seconds."""
        heapq.heappush(self._due, (self.now + seconds, next(self._order), lane, what))

    def open(self, avoided: Collection[str]) -> SimulatedLane:
        """Make a lane."""
        self.made.append(SimulatedLane(self, len(self.made)))
        return self.made[-1]

    def capacity(self) -> tuple[int, frozenset[str]]:
        """Return how many lanes there may be."""
        return self._lanes, frozenset({"node"})

    def wait(
        self, lanes: Sequence[SimulatedLane], ended: Sequence[SimulatedLane], timeout: float
    ) -> list[SimulatedLane]:
        """Let the time jump to the next thing that happens, `timeout` at most."""
        if self._computed is not None:
            self.now += time.process_time() - self._computed
        heard = (*lanes, *ended)
        self.talking -= {lane for lane in self.talking if lane.is_killed and lane not in heard}
        until = self.now + (0.0 if self.talking else timeout)
        if not self.talking and self._due:
            until = min(until, max(self.now, self._due[0][0]))
        self.now = until
        while self._due and self._due[0][0] <= self.now:
            *_, lane, what = heapq.heappop(self._due)
            lane.say(what)
        if self._computed is not None:
            self._computed = time.process_time()
        return list(self.talking)

    def answers(self, node_id: str, timeout: float) -> bool:
        """Nothing hangs here."""
        return True

    def failure_of(self, error: BaseException) -> Failure:
        """Lanes are only ever lost."""
        return Failure(Cause.LOST, str(error))

    def busy_share(self) -> float:
        """Return the share of all lanes' time that was spent in training."""
        return sum(lane.busy for lane in self.made) / (self._lanes * self.now)
