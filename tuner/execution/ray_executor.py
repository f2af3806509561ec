"""The executor that trains on Ray: one task a cohort, its messages streamed, every failure the driver's own affair.

A task is a streaming generator that Ray never repeats. Its first message starts the clock of the time limit, so a task
that waits for a worker never times out. When the limit is over, three lines stand behind one another: the worker's own
watchdog, which leaves a traceback; a forced cancellation (never a soft one first, which would block it); and giving
the task up for lost when neither ends it. What a task that was given up says later is dropped, and counted in `stale`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayError

from tuner.candidate import Event, Trial, Workload
from tuner.execution.attempts import Attempt, Cause, Failure, first_attempt
from tuner.execution.executor import DEFAULT_TRAIN, ClusterUnavailable, ResourceError, cohorts, task_name
from tuner.execution.flights import Call, Flight, end_all
from tuner.execution.plain import one_line
from tuner.execution.ray_errors import failure_of
from tuner.execution.ray_session import RaySession
from tuner.execution.worker import Finished, Message, Watchdog, work

POLL_SECONDS = 0.2  # how late a time limit may be seen
NODES_SECONDS = 5.0  # how often a cluster is asked which of its nodes live


class RayExecutor:
    """Trains in the workers of a Ray session. The session stays its owner's to close."""

    def __init__(
        self,
        session: RaySession,
        *,
        cpus_per_candidate: int = 1,
        gpus_per_candidate: float = 0.0,
        timeout: float | None = None,
        max_attempts: int = 3,
        grace: float = 10.0,
        train: str = DEFAULT_TRAIN,
    ) -> None:
        """Makes an executor.

        Args:
            session: an open one.
            cpus_per_candidate: cores a task takes; equal to the workload's threads.
            gpus_per_candidate: graphics cards a task takes, or a share of one. With any, each task gets a process of
                its own: TensorFlow cannot change its card once it is imported.
            timeout: seconds that an attempt may take from its worker's first message; None is no limit.
            max_attempts: how often a candidate may be lost with its worker before it fails.
            grace: seconds that a forced cancellation may take before the task is given up for lost.
            train: the training function, "module:function", importable in the workers.

        Raises:
            ResourceError: no node of the session has that much.
            ValueError: a limit is not positive.
        """
        if timeout is not None and not timeout > 0:
            raise ValueError(f"a timeout is a positive number of seconds. Received: {timeout}")
        if max_attempts < 1:
            raise ValueError(f"max_attempts is at least 1. Received: {max_attempts}")
        session.require(cpus=cpus_per_candidate, gpus=gpus_per_candidate)
        self.stale = 0
        self._session = session
        self._cpus = cpus_per_candidate
        self._gpus = gpus_per_candidate
        self._timeout = timeout
        self._max_attempts = max_attempts
        self._grace = grace
        self._train = train
        self._calls: list[Call] = []
        self._given_up: list[Flight] = []
        self._avoided: set[str] = set()  # nodes that hung or vanished; they get nothing more while another lives
        self._submitted = 0
        self._task: Any = ray.remote(
            num_cpus=cpus_per_candidate,
            num_gpus=gpus_per_candidate or None,
            max_calls=1 if gpus_per_candidate else 0,
            max_retries=0,
            retry_exceptions=False,
            num_returns="streaming",
        )(_work_on_ray)

    def evaluate(self, workload: Workload, trials: Sequence[Trial], *, label: str) -> Iterator[Event]:
        """Trains the trials; see `Executor.evaluate`."""
        if workload.threads != self._cpus:
            raise ResourceError(
                f"this executor gives a candidate {self._cpus} CPUs. Received: {workload.threads} threads"
            )
        size = workload.cohort_size
        attempts = [first_attempt(cohort, size) for cohort in cohorts(trials, size)]
        return self._evaluate(Call(workload, label, attempts))

    def cancel(self) -> None:
        """Ends at once all that runs, in every iterator; returns when nothing runs any more."""
        calls = list(self._calls)
        for call in calls:
            call.is_cancelled = True
        end_all([flight for call in calls for flight in call.flights], self._grace)

    def close(self) -> None:
        """Cancels what runs."""
        self.cancel()

    def __enter__(self) -> Self:
        """Returns the executor itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the executor."""
        self.close()

    def _evaluate(self, call: Call) -> Iterator[Event]:
        self._calls.append(call)
        try:
            while (call.waiting or call.flights) and not call.is_cancelled:
                self._look_at_nodes(call)
                # A few more than can run: the next task starts without waiting for the driver.
                while call.waiting and len(call.flights) < 2 * call.slots + 2:
                    self._submit(call, call.waiting.popleft())
                for flight in self._ready(call):
                    yield from self._step(call, flight)
                for flight in list(call.flights):
                    yield from self._check_time(call, flight)
                self._count_stale()
        finally:
            # Also when the iterator is closed early, or Ctrl-C came while it waited.
            end_all(list(call.flights), self._grace)
            self._calls.remove(call)

    def _submit(self, call: Call, attempt: Attempt) -> None:
        self._submitted += 1
        watchdog = None
        if self._timeout is not None:
            watchdog = Watchdog(self._timeout, str(self._session.folder / f"traceback-{self._submitted}.txt"))
        options: dict[str, Any] = {"name": task_name(call.label, attempt.members)}
        if self._avoided and call.alive - self._avoided:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(self._avoided))})"}
        try:
            stream = self._task.options(**options).remote(
                self._train, call.workload, attempt.lanes, hide_gpus=self._gpus == 0, watchdog=watchdog
            )
        except RayError as error:
            raise ClusterUnavailable(f"Ray takes no more tasks: {one_line(str(error))}") from error
        call.flights.append(Flight(attempt, stream, watchdog))

    def _ready(self, call: Call) -> Iterable[Flight]:
        """Waits a moment, and returns the flights that have something to say."""
        flights = {flight.signal: flight for flight in call.flights}
        try:
            ready, _ = ray.wait(list(flights), num_returns=1, timeout=POLL_SECONDS)
            if ready and len(flights) > 1:
                ready, _ = ray.wait(list(flights), num_returns=len(flights), timeout=0)
        except RayError as error:
            raise ClusterUnavailable(f"Ray does not answer: {one_line(str(error))}") from error
        return [flights[signal] for signal in ready]

    def _step(self, call: Call, flight: Flight) -> Iterator[Event]:
        """Takes the next message of a flight that has one, or its end."""
        message, error = flight.read()
        now = time.monotonic()
        if message is not None:
            yield from flight.running.take(message, now)
            return
        failure = None
        if error is not None:
            failure = flight.own_failure() or failure_of(error, is_local=self._session.is_local)
        yield from self._land(call, flight, failure)

    def _check_time(self, call: Call, flight: Flight) -> Iterator[Event]:
        """Cancels a flight whose time is over or whose node is gone; gives it up for lost if it does not end then."""
        now = time.monotonic()
        if flight.node_is_dead:
            flight.cancel(now)
        elif flight.is_overdue(now):
            flight.cancel(now, timed_out=True)
        if flight.cancelled_at is None or now < flight.cancelled_at + self._grace:
            return
        failure = Failure(Cause.LOST, "node does not answer")
        if self._session.is_local:  # there is no other node to try
            failure = flight.own_failure() or failure
        else:
            self._avoid({flight.running.node_id})
        self._given_up.append(flight)
        yield from self._land(call, flight, failure)

    def _land(self, call: Call, flight: Flight, failure: Failure | None) -> Iterator[Event]:
        """Ends a flight, and queues what comes next before all else, so that a generation's end waits for less."""
        call.flights.remove(flight)
        flight.remove_dump()
        events, following = flight.running.end(failure, time.monotonic(), self._max_attempts)
        call.waiting.extendleft(reversed(following))
        yield from events

    def _look_at_nodes(self, call: Call) -> None:
        """Counts the slots from time to time (nodes may join), and marks flights whose node died without a word."""
        now = time.monotonic()
        if call.nodes_seen_at is not None and (self._session.is_local or now < call.nodes_seen_at + NODES_SECONDS):
            return
        call.nodes_seen_at = now
        nodes = self._session.nodes()
        call.slots = max(1, sum(node.slots(self._cpus, self._gpus) for node in nodes))
        alive = {node.id for node in nodes}
        gone, call.alive = call.alive - alive, alive
        for flight in call.flights:
            flight.node_is_dead = bool(flight.running.node_id) and flight.running.node_id not in alive
        if gone:
            self._avoid(gone)

    def _avoid(self, nodes: set[str]) -> None:
        """Submits anew, past these nodes, what has not begun: Ray would leave what it sent there waiting for ever."""
        self._avoided |= nodes
        for call in self._calls:
            for flight in [flight for flight in call.flights if flight.has_not_begun]:
                flight.cancel(time.monotonic())
                call.flights.remove(flight)
                self._given_up.append(flight)
                call.waiting.append(flight.running.attempt)

    def _count_stale(self) -> None:
        """Reads what tasks that were given up say after all."""
        if not self._given_up:
            return
        flights = {flight.signal: flight for flight in self._given_up}
        ready, _ = ray.wait(list(flights), num_returns=len(flights), timeout=0)
        for signal in ready:
            message, _ = flights[signal].read()
            if isinstance(message, Finished):
                self.stale += 1
            elif message is None:
                self._given_up.remove(flights[signal])


def _work_on_ray(
    train: str, workload: Workload, lanes: Sequence[Trial], *, hide_gpus: bool, watchdog: Watchdog | None
) -> Iterator[Message]:
    """The body of a task: `work`, with the id of the node it runs on."""
    node_id = ray.get_runtime_context().get_node_id()
    yield from work(train, workload, lanes, node_id=node_id, hide_gpus=hide_gpus, watchdog=watchdog)
