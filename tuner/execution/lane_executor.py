"""The executor that trains on lanes: it fills them, hears them, and owns whatever goes wrong on them.

Nothing is ever repeated but by the rules of `tuner.execution.attempts`. A cohort's first message starts the clock of
its time limit, so one that waits for a lane never times out. When the limit is over, three lines stand behind one
another: the worker's own watchdog, which leaves a traceback; the end of the lane's process; and giving the cohort up
for lost when neither ends it. What a lane that was given up says later is dropped, and counted in `stale`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Generic, Self

from tuner.core.trial import Event, Trial, Workload
from tuner.execution.attempts import Cause, Failure, first_attempt
from tuner.execution.costs import Costs
from tuner.execution.dispatch import Dispatch, Queue, budget
from tuner.execution.executor import Batch, ClusterUnavailable, ResourceError, cohorts, iterate, task_name
from tuner.execution.flights import Flight
from tuner.execution.lane import Fleet, L
from tuner.execution.worker import Finished, Watchdog

POLL_SECONDS = 0.2
"""How long to wait for something to happen."""

CHECK_SECONDS = 0.1
"""How often time limits are looked at; with many lanes that takes longer than hearing one of them."""

WAIT_SECONDS = 30.0
"""How long lanes of a cluster may be waited for before it is said that they are."""

OPEN_CLUSTER = "Ray's logs say more; a cluster that asks for no token is joined with RAY_AUTH_MODE=disabled"

MOST_STILLBORN = 5
"""Lanes that may die one after the other before any of them has said a word; then something is wrong with all."""


class LaneExecutor(Generic[L]):
    """Trains on the lanes of a fleet; keeps the `Executor` protocol."""

    def __init__(
        self,
        fleet: Fleet[L],
        *,
        cpus_per_candidate: int = 1,
        timeout: float | None = None,
        max_attempts: int = 3,
        grace: float = 10.0,
        most_cohorts: int = 10_000,
        spares_lanes: bool = True,
        say: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Makes an executor.

        Args:
            fleet: makes the lanes.
            cpus_per_candidate: cores of a lane; equal to every workload's threads.
            timeout: seconds that an attempt may take from its worker's first message; None is no limit.
            max_attempts: how often a candidate may be lost with its lane before it fails.
            grace: seconds that the end of a lane may take before its cohort is given up for lost.
            most_cohorts: after so many a lane is ended and made anew, against what leaks.
            spares_lanes: whether a lane goes on after a cohort that raised; a graphics card's memory may be in pieces.
            say: shows a line to people.
            clock: returns seconds.

        Raises:
            ValueError: a limit is not positive.
        """
        if timeout is not None and not timeout > 0:
            raise ValueError(f"a timeout is a positive number of seconds. Received: {timeout}")
        if max_attempts < 1:
            raise ValueError(f"max_attempts is at least 1. Received: {max_attempts}")
        self.stale = 0
        self._fleet = fleet
        self._cpus = cpus_per_candidate
        self._timeout = timeout
        self._max_attempts = max_attempts
        self._grace = grace
        self._most_cohorts = most_cohorts
        self._spares_lanes = spares_lanes
        self._say = say
        self._clock = clock
        self._queues: list[Queue] = []
        self._costs = Costs()
        self._dispatch = Dispatch(self._costs)
        self._coming: list[L] = []  # lanes that are not ready yet
        self._free: list[L] = []
        self._flights: dict[L, Flight[L]] = {}
        self._given_up: list[L] = []
        self._avoided: set[str] = set()  # nodes that hung or vanished; they get nothing more while another lives
        self._alive: frozenset[str] = frozenset()
        self._slots = 1
        self._dumps = 0
        self._checked_at = clock()
        self._stillborn = 0
        self._waits_since: float | None = None  # nothing trains, and lanes are waited for

    @property
    def busy(self) -> int:
        """Lanes that train at the moment."""
        return len(self._flights)

    @property
    def has_room(self) -> bool:
        """Whether one more workload could be begun at once; see `Executor.has_room`."""
        self._slots, _ = self._fleet.capacity()
        unmade = max(0, self._slots - len(self._free) - len(self._flights))
        return self._dispatch.has_room(self._queues, [*(lane.compiled for lane in self._free), *([()] * unmade)])

    def submit(self, workload: Workload, trials: Sequence[Trial], *, label: str, remaining: int = 0) -> Batch:
        """Takes trials in; see `Executor.submit`."""
        if workload.threads != self._cpus:
            raise ResourceError(
                f"this executor gives a candidate {self._cpus} CPUs. Received: {workload.threads} threads"
            )
        size = workload.cohort_size
        attempts = [first_attempt(cohort, size) for cohort in cohorts(trials, size)]
        queue = Queue(workload, label, attempts, remaining)
        queue.is_open = bool(attempts)
        if attempts:
            self._queues.append(queue)
        return queue

    def poll(self) -> None:
        """Fills the lanes, waits a moment, and hears them; see `Executor.poll`."""
        self._look_at_nodes()
        self._fill()
        self._tell_of_waiting()
        listening = [*self._coming, *(flight.lane for flight in self._flights.values() if flight.killed_at is None)]
        ended = [*self._given_up, *(flight.lane for flight in self._flights.values() if flight.killed_at is not None)]
        if not listening and not ended:
            time.sleep(POLL_SECONDS)  # all nodes are away: one may come back
        for lane in self._fleet.wait(listening, ended, POLL_SECONDS):
            self._hear(lane)
        if self._clock() >= self._checked_at + CHECK_SECONDS:
            self._checked_at = self._clock()
            for flight in list(self._flights.values()):
                self._check_time(flight)
        self._queues = [queue for queue in self._queues if queue.is_open]

    def withdraw(self, batch: Batch) -> None:
        """Ends what the batch still has running; see `Executor.withdraw`."""
        if batch.is_open and isinstance(batch, Queue):
            self._end([batch])

    def evaluate(self, workload: Workload, trials: Sequence[Trial], *, label: str) -> Iterator[Event]:
        """Submits a batch and yields its events; see `Executor.evaluate`."""
        return iterate(self, self.submit(workload, trials, label=label))

    def cancel(self) -> None:
        """Ends at once all that runs; returns when nothing runs any more."""
        self._end(self._queues)

    def close(self) -> None:
        """Cancels what runs, and ends all lanes."""
        self.cancel()
        for lane in (*self._coming, *self._free):
            lane.kill()
        self._coming, self._free = [], []

    def __enter__(self) -> Self:
        """Returns the executor itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the executor."""
        self.close()

    def _end(self, queues: Sequence[Queue]) -> None:
        """Closes batches, ends the lanes that train for them, and waits until they are gone, `grace` at most."""
        for queue in queues:
            queue.clear()
            queue.is_open = False
        flights = [flight for flight in self._flights.values() if not flight.queue.is_open]
        now = self._clock()
        for flight in flights:
            flight.kill(now)
            del self._flights[flight.lane]
            self._forget(flight.lane)
        running = [flight.lane for flight in flights]
        while running and self._clock() < now + self._grace:
            gone = self._fleet.wait([], running, POLL_SECONDS)
            running = [lane for lane in running if lane not in gone]
        for flight in flights:
            flight.remove_dump()
        self._queues = [queue for queue in self._queues if queue.is_open]

    def _fill(self) -> None:
        """Gives each free lane a cohort if one is worth it, and makes lanes where more could train."""
        waiting = {queue.identity for queue in self._queues if len(queue)}
        if not waiting:
            return
        # Those first that have something of it compiled, lest another lane compiles it beside them.
        for lane in sorted(self._free, key=lambda lane: lane.compiled.isdisjoint(waiting)):
            queue = self._dispatch.choose(self._queues, lane.compiled)
            if queue is not None:
                self._free.remove(lane)
                self._begin(lane, queue)
        made = len(self._coming) + len(self._free) + len(self._flights)
        # A lane is made for work that would go to a new one: what is running keeps its own.
        wanted = self._dispatch.wanted(self._queues) - len(self._coming)
        for _ in range(min(self._slots - made, wanted)):
            avoided = self._avoided if self._alive - self._avoided else ()
            self._coming.append(self._fleet.open(avoided))

    def _tell_of_waiting(self) -> None:
        """Says once that a cluster gives us nothing."""
        if self._fleet.is_local or self._flights or not self._coming:
            self._waits_since = None
            return
        if self._waits_since is None:
            self._waits_since = self._clock()
        if self._clock() >= self._waits_since + WAIT_SECONDS:
            self._waits_since = float("inf")
            self._say("waiting for free cores: other work holds the cluster's, or its workers are slow to start")

    def _begin(self, lane: L, queue: Queue) -> None:
        attempt = queue.pop()
        watchdog = None
        if self._timeout is not None:
            self._dumps += 1
            watchdog = Watchdog(self._timeout, str(self._fleet.folder / f"traceback-{self._dumps}.txt"))
        queue.running += 1
        self._flights[lane] = Flight(queue, attempt, lane, watchdog, self._clock())
        if queue.identity not in lane.compiled:
            lane.compiled.add(queue.identity)
            self._dispatch.compiled[queue.identity] += 1
        lane.cohorts += 1
        lane.begin(attempt, queue.workload, task_name(queue.label, attempt.members), watchdog)

    def _hear(self, lane: L) -> None:
        """Takes the next thing that a lane has to say."""
        said = lane.read()
        if lane in self._given_up:
            self.stale += sum(isinstance(message, Finished) for message in said.messages)
            if said.is_over:
                self._given_up.remove(lane)
        elif lane in self._coming:
            self._coming.remove(lane)
            if said.error is None:
                self._free.append(lane)
            else:
                self._bury(lane, said.error)
        else:
            flight = self._flights[lane]
            for message in said.messages:
                flight.queue.tell(flight.running.take(message, self._clock()))
            if said.is_over:
                self._hear_end(flight, said.error)

    def _hear_end(self, flight: Flight[L], error: BaseException | None) -> None:
        lane = flight.lane
        if error is None:
            self._land(flight, None)
            raised = flight.running.has_raised
            if lane.cohorts >= self._most_cohorts or (raised and not self._spares_lanes):
                self._forget(lane)
                lane.kill()
            else:
                self._free.append(lane)
            return
        self._forget(lane)
        lane.kill()
        failure = flight.own_failure()
        if failure is None and flight.running.started_at is None and self._bury(lane, error):
            # It had died before it was given this cohort, which therefore has lost nothing.
            del self._flights[lane]
            flight.queue.running -= 1
            flight.queue.put_first([flight.running.attempt])
            return
        if (
            failure is not None
            and failure.cause is Cause.TIMEOUT
            and not self._fleet.answers(lane.node_id, self._grace)
        ):
            # Ray calls a lane dead as soon as it was told to end it, also on a node that hears nothing.
            failure = Failure(Cause.LOST, "node does not answer")
            self._avoid({lane.node_id})
        self._land(flight, failure or self._fleet.failure_of(error))

    def _bury(self, lane: L, error: BaseException) -> bool:
        """Counts a lane that died without a word.

        Returns:
            Whether that is to be borne; it is not for a cohort that several lanes die of.

        Raises:
            ClusterUnavailable: no lane comes to life any more.
        """
        failure = self._fleet.failure_of(error)
        self._stillborn += 1
        if lane.cohorts == 0 and self._stillborn >= MOST_STILLBORN:
            advice = "its logs say more" if self._fleet.is_local else OPEN_CLUSTER
            raise ClusterUnavailable(f"Ray's workers die as they start: {failure.reason}; {advice}")
        return self._stillborn < MOST_STILLBORN

    def _check_time(self, flight: Flight[L]) -> None:
        """Ends a flight whose time is over or whose node is gone; gives it up for lost if it does not end then."""
        now = self._clock()
        if flight.node_is_dead:
            flight.kill(now)
        elif flight.is_overdue(now):
            # One whose lane never said that it began has done nothing: it is tried on another.
            flight.kill(now, timed_out=flight.running.started_at is not None)
        if flight.killed_at is None or now < flight.killed_at + self._grace:
            return
        failure = Failure(Cause.LOST, "node does not answer")
        if self._fleet.is_local:  # there is no other node to try
            failure = flight.own_failure() or failure
        else:
            self._avoid({flight.lane.node_id})
        self._given_up.append(flight.lane)
        self._forget(flight.lane)
        self._land(flight, failure)

    def _land(self, flight: Flight[L], failure: Failure | None) -> None:
        """Ends a flight, and queues what comes next before all else, so that a generation's end waits for less."""
        queue, now = flight.queue, self._clock()
        del self._flights[flight.lane]
        flight.remove_dump()
        if flight.running.started_at is not None:
            self._stillborn = 0
        events, following = flight.running.end(failure, now, self._max_attempts)
        queue.running -= 1
        queue.put_first(following)
        queue.tell(events)
        queue.is_open = bool(len(queue) or queue.running)
        if failure is None:
            done = flight.running.steps_done or budget(flight.running.attempt)
            self._costs.saw(queue.identity, done, now - flight.begun_at, compiled=flight.had_compiled)

    def _look_at_nodes(self) -> None:
        """Counts the slots (nodes may join), and marks flights whose node died without a word."""
        self._slots, alive = self._fleet.capacity()
        gone, self._alive = self._alive - alive, alive
        if not gone:
            return
        for flight in self._flights.values():
            flight.node_is_dead = flight.lane.node_id in gone
        for lane in [lane for lane in self._free if lane.node_id in gone]:
            self._free.remove(lane)
            self._forget(lane)
        self._avoid(set(gone))

    def _avoid(self, nodes: set[str]) -> None:
        """Makes the lanes that are still to come anew, past these nodes: Ray would wait there for ever."""
        self._avoided |= nodes
        for lane in self._coming:
            lane.kill()
        self._coming = []
        for lane in [lane for lane in self._free if lane.node_id in nodes]:
            self._free.remove(lane)
            self._forget(lane)
            lane.kill()

    def _forget(self, lane: L) -> None:
        """Counts out a lane that ends."""
        self._dispatch.compiled.subtract(lane.compiled)
        lane.compiled.clear()
