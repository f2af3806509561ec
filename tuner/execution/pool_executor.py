"""The executor on a pool of workers: assignment, messages and failures.

Attempts are repeated only by the rules of `tuner.execution.retries`. The time limit of a cohort starts with its first
message, so that a cohort that waits for a worker never times out. When the limit is exceeded, three measures follow one
another: the worker's own watchdog, which writes a traceback; the kill of the worker's process; and, if neither ends it,
its abandonment. Later messages of an abandoned worker are dropped, and its evaluations are counted in `stale`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic

from tuner.core.candidate_files import checkpoints_of, output_beside
from tuner.core.errors import InvalidRequest
from tuner.core.printed import left_behind
from tuner.core.trial import Evaluation, Trial, Workload
from tuner.execution.assignment import Assignment
from tuner.execution.costs import Costs
from tuner.execution.dispatch import Dispatch, Queue
from tuner.execution.executor import Batch, ClusterUnavailable, Executor, cohorts, task_name
from tuner.execution.pool import W, WorkerPool
from tuner.execution.resources import Resources
from tuner.execution.retries import Cause, Failure, first_attempt
from tuner.execution.roster import Roster
from tuner.execution.worker import Watchdog

POLL_SECONDS = 0.2
"""Maximum seconds that a call of `poll` waits."""

CHECK_SECONDS = 0.1
"""Seconds between two checks of deadlines; with many workers a check takes longer than reading a message."""

MAX_SHAPES = 16
"""Shapes by which a worker is chosen: about as many as its process keeps (`MAX_LOOPS` of `tuner.training.loop`)."""

WAIT_SECONDS = 30.0
"""Seconds of waiting for a cluster's workers before it is reported, or for the end of those that this machine kills."""


class PoolExecutor(Executor, Generic[W]):
    """Trains on the workers of a pool."""

    def __init__(
        self,
        pool: WorkerPool[W],
        resources: Resources | None = None,
        *,
        grace: float = 10.0,
        max_cohorts: int = 10_000,
        checkpoints: Path | None = None,
        say: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create an executor.

        Args:
            pool: The pool that starts the workers.
            resources: Resources of a candidate; the time limit, attempts, cores and GPUs are used here. A worker with a
                GPU is ended after a cohort that raised, because the GPU's memory may be fragmented.
            grace: Seconds that the end of a worker may take before it is abandoned.
            max_cohorts: Number of cohorts after which a worker is replaced, as a protection against memory leaks.
            checkpoints: Folder in which training functions leave what a lost attempt printed. Default: none.
            say: Shows a line to the user.
            clock: Returns seconds.

        Raises:
            InvalidRequest: A limit is out of range.
        """
        self._resources = resources or Resources()
        self._resources.check()
        self.stale = 0  # number of evaluations from abandoned workers
        self._grace = grace
        self._max_cohorts = max_cohorts
        self._checkpoints = checkpoints
        self._say = say
        self._clock = clock
        self._queues: list[Queue] = []
        self._costs = Costs()
        self._dispatch = Dispatch(self._costs)
        self._roster = Roster(pool, self._dispatch)
        self._dumps = 0
        self._checked_at = clock()
        self._waiting_since: float | None = None  # since then no worker trains or has started

    @property
    def busy(self) -> int:
        """Number of workers that are training."""
        return len(self._roster.assignments)

    @property
    def workers(self) -> int:
        """Number of workers that were started and not given back."""
        roster = self._roster
        return len(roster.assignments) + len(roster.idle) + len(roster.starting)

    def limit(self, workers: int | None) -> None:
        """Use at most this many workers from now on; see `Executor.limit`."""
        self._roster.limit = workers
        self._roster.give_back()

    @property
    def has_room(self) -> bool:
        """Whether another workload could start at once; see `Executor.has_room`."""
        roster = self._roster
        roster.look_up_capacity()
        unstarted = max(0, roster.capacity - len(roster.idle) - len(roster.assignments))
        return self._dispatch.has_room(
            self._queues, [*(worker.compiled for worker in roster.idle), *([()] * unstarted)]
        )

    def submit(self, workload: Workload, trials: Sequence[Trial], *, label: str, remaining: int = 0) -> Batch:
        """Accept trials; see `Executor.submit`."""
        if workload.threads != self._resources.cpus_per_candidate:
            accepted = f"is {self._resources.cpus_per_candidate} for this executor, and a workload has as many threads"
            raise InvalidRequest("cpus_per_candidate", accepted, workload.threads)
        size = workload.cohort_size
        attempts = [first_attempt(cohort, size) for cohort in cohorts(trials, size)]
        queue = Queue(workload, label, attempts, remaining)
        queue.is_open = bool(attempts)
        if attempts:
            self._queues.append(queue)
        return queue

    def poll(self) -> None:
        """Assign cohorts, wait briefly, and read the workers; see `Executor.poll`."""
        self._roster.refresh()
        self._assign_waiting()
        self._report_waiting()
        for worker in self._roster.wait(POLL_SECONDS):
            self._read(worker)
        self._roster.give_back()
        if self._clock() >= self._checked_at + CHECK_SECONDS:
            self._checked_at = self._clock()
            for assignment in list(self._roster.assignments.values()):
                self._check_deadline(assignment)
        self._queues = [queue for queue in self._queues if queue.is_open]

    def withdraw(self, batch: Batch) -> None:
        """End the running attempts of a batch; see `Executor.withdraw`."""
        if batch.is_open and isinstance(batch, Queue):
            self._end([batch])

    def cancel(self) -> None:
        """End all running attempts; see `Executor.cancel`."""
        self._end(self._queues)

    def close(self) -> None:
        """Cancel, and end all workers."""
        self.cancel()
        self._roster.close()

    def _end(self, queues: Sequence[Queue]) -> None:
        """Close batches, kill the workers that train for them, and wait at most `grace` for their end."""
        for queue in queues:
            queue.clear()
            queue.is_open = False
        ended = [one for one in self._roster.assignments.values() if not one.queue.is_open]
        now = self._clock()
        for assignment in ended:
            assignment.kill(now)
            del self._roster.assignments[assignment.worker]
            self._roster.forget(assignment.worker)
        running = [assignment.worker for assignment in ended]
        while running and self._clock() < now + self._grace:
            stopped = self._roster.pool.wait([], running, POLL_SECONDS)
            running = [worker for worker in running if worker not in stopped]
        for assignment in ended:
            assignment.remove_dump()
        self._queues = [queue for queue in self._queues if queue.is_open]

    def _assign_waiting(self) -> None:
        """Assign cohorts to idle workers, and start more workers if they would have a cohort to train."""
        waiting = {queue.identity for queue in self._queues if len(queue)}
        if not waiting:
            return
        # Workers that have compiled one of these workloads first, so that no other worker compiles it meanwhile.
        for worker in sorted(self._roster.idle, key=lambda worker: worker.compiled.isdisjoint(waiting)):
            queue = self._dispatch.choose(self._queues, worker.compiled)
            if queue is not None:
                self._roster.idle.remove(worker)
                self._assign(worker, queue)
        self._roster.start(self._dispatch.useful_workers(self._queues) - len(self._roster.starting))

    def _assign(self, worker: W, queue: Queue) -> None:
        attempt = queue.pop(worker.shapes)
        watchdog = None
        if self._resources.timeout is not None:
            self._dumps += 1
            dump = self._roster.pool.folder / f"traceback-{self._dumps}.txt"
            watchdog = Watchdog(self._resources.timeout, str(dump))
        queue.in_progress += 1
        self._roster.assignments[worker] = Assignment(queue, attempt, worker, watchdog, self._clock())
        shape = (queue.identity, attempt.shape)
        worker.shapes = [shape, *(one for one in worker.shapes if one != shape)][:MAX_SHAPES]
        if queue.identity not in worker.compiled:
            worker.compiled.add(queue.identity)
            self._dispatch.compiled[queue.identity] += 1
        worker.cohorts += 1
        worker.train(attempt, queue.workload, task_name(queue.label, attempt.members), watchdog)

    def _report_waiting(self) -> None:
        """Report once that a cluster provides no workers; end if those of this machine cannot be replaced."""
        roster = self._roster
        if roster.assignments or not roster.starting or (roster.pool.is_local and not roster.abandoned):
            self._waiting_since = None
            return
        if self._waiting_since is None:
            self._waiting_since = self._clock()
        if self._clock() >= self._waiting_since + WAIT_SECONDS:
            if roster.pool.is_local:
                raise ClusterUnavailable(
                    f"no worker can start, because killed ones did not end: {len(roster.abandoned)}; a process that"
                    " waits for a device or a network file system ends when that answers; resume then"
                )
            self._waiting_since = float("inf")
            self._say("waiting for free cores: other work holds the cluster's, or its workers are slow to start")

    def _read(self, worker: W) -> None:
        """Process the next update of a worker."""
        update, roster = worker.read(), self._roster
        if worker in roster.abandoned:
            self.stale += sum(isinstance(message, Evaluation) for message in update.messages)
            if update.is_over:
                roster.abandoned.remove(worker)
        elif worker in roster.starting:
            roster.starting.remove(worker)
            if update.error is None:
                roster.idle.append(worker)
            else:
                roster.tolerates_failed_start(worker, update.error)
        else:
            assignment = roster.assignments[worker]
            for message in update.messages:
                assignment.queue.add(assignment.tracker.receive(message, self._clock()))
            if update.error is not None:
                self._handle_error(assignment, update.error)
            elif update.is_over:
                self._finish(assignment, None)
                is_spent = self._resources.gpus_per_candidate and assignment.tracker.has_raised
                if is_spent or update.is_spent or worker.cohorts >= self._max_cohorts:
                    roster.discard(worker)
                else:
                    roster.idle.append(worker)

    def _handle_error(self, assignment: Assignment[W], error: BaseException) -> None:
        """End an assignment whose worker ended with an error of Ray."""
        worker = assignment.worker
        self._roster.discard(worker)
        failure, has_started = assignment.own_failure(), assignment.tracker.started_at is not None
        if failure is None and not has_started and self._roster.tolerates_failed_start(worker, error):
            # The worker had died before this cohort was assigned, so that the cohort was not lost.
            del self._roster.assignments[worker]
            assignment.queue.in_progress -= 1
            assignment.queue.put_first([assignment.tracker.attempt])
            return
        is_timeout = failure is not None and failure.cause is Cause.TIMEOUT
        if is_timeout and not self._roster.pool.responds(worker.node_id, self._grace):
            # Ray reports a worker as dead as soon as its kill is requested, even on a node that does not respond.
            failure = Failure(Cause.LOST, "node does not answer")
            self._roster.avoid(worker.node_id)
        failure = failure or self._roster.pool.failure_of(error)
        if failure.is_of_machine and assignment.tracker.attempt.number >= self._resources.max_attempts:
            raise ClusterUnavailable(f"{failure.reason}; resume once that memory is free")
        self._finish(assignment, failure)

    def _check_deadline(self, assignment: Assignment[W]) -> None:
        """Kill a worker whose time is over or whose node is dead; abandon it if it does not end."""
        now, roster = self._clock(), self._roster
        if assignment.node_is_dead:
            assignment.kill(now)
        elif assignment.is_overdue(now):
            # A worker that did not report its start has trained nothing: the attempt is lost, not timed out.
            assignment.kill(now, timed_out=assignment.tracker.started_at is not None)
        if assignment.killed_at is None or now < assignment.killed_at + self._grace:
            return
        failure = Failure(Cause.LOST, "node does not answer")
        if roster.pool.is_local:  # there is no other node
            failure = assignment.own_failure() or failure
        else:
            roster.avoid(assignment.worker.node_id)
        roster.abandoned.append(assignment.worker)
        roster.forget(assignment.worker)
        self._finish(assignment, failure)

    def _finish(self, assignment: Assignment[W], failure: Failure | None) -> None:
        """End an assignment; its next attempts go first, so that a generation does not end with them alone."""
        queue, tracker, now = assignment.queue, assignment.tracker, self._clock()
        del self._roster.assignments[assignment.worker]
        assignment.remove_dump()
        if tracker.started_at is not None:
            self._roster.failed_starts = 0
        if failure is not None and self._checkpoints is not None:
            of_candidate = checkpoints_of(self._checkpoints, queue.workload, tracker.attempt.lanes[0])
            tracker.find_output(left_behind(output_beside(of_candidate)))
        events, following = tracker.end(failure, now, self._resources.max_attempts)
        queue.in_progress -= 1
        queue.put_first(following)
        queue.add(events)
        queue.is_open = bool(len(queue) or queue.in_progress)
        if failure is None:
            done = tracker.steps_done or tracker.attempt.budget
            self._costs.record(queue.identity, done, now - assignment.assigned_at, compiled=assignment.was_compiled)
