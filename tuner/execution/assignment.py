"""The assignment of an attempt to a worker: its deadline and forced end."""

from __future__ import annotations

from pathlib import Path
from typing import Generic

from tuner.core.text import cut_traceback
from tuner.execution.dispatch import Queue
from tuner.execution.pool import W
from tuner.execution.retries import Attempt, Cause, Failure
from tuner.execution.tracker import AttemptTracker
from tuner.execution.worker import Watchdog

WATCHDOG_LEAD = 0.5
"""Seconds by which the worker's watchdog precedes the driver's kill, because only the watchdog writes a traceback."""


class Assignment(Generic[W]):
    """One attempt on one worker."""

    def __init__(self, queue: Queue, attempt: Attempt, worker: W, watchdog: Watchdog | None, now: float) -> None:
        self.queue = queue
        self.worker = worker
        self.tracker = AttemptTracker(attempt)
        self.assigned_at = now
        self.was_compiled = (queue.identity, attempt.shape) in worker.shapes
        self.node_is_dead = False
        self.killed_at: float | None = None
        self._watchdog = watchdog
        self._timed_out = False

    def is_overdue(self, now: float) -> bool:
        """Return whether the time limit is exceeded, also for a worker that does not report its start."""
        if self._watchdog is None:
            return False
        started_at = self.assigned_at if self.tracker.started_at is None else self.tracker.started_at
        return now > started_at + self._watchdog.limit + WATCHDOG_LEAD

    def kill(self, now: float, *, timed_out: bool = False) -> None:
        """Kill the worker, unless it was already killed."""
        if self.killed_at is None:
            self.killed_at = now
            self._timed_out = timed_out
            self.worker.kill()

    def own_failure(self) -> Failure | None:
        """Return the failure if the driver or the watchdog ended the attempt, which Ray's error does not contain."""
        dump = self._dump()
        if self._watchdog is None or not (self._timed_out or dump):
            return Failure(Cause.LOST, "node died") if self.node_is_dead else None
        reason = f"timed out after {self._watchdog.limit:g} s"
        error = cut_traceback(dump) or "no traceback: the worker left none on this machine"
        return Failure(Cause.TIMEOUT, reason, error)

    def remove_dump(self) -> None:
        """Remove the traceback that the watchdog wrote."""
        if self._watchdog is not None:
            Path(self._watchdog.dump).unlink(missing_ok=True)

    def _dump(self) -> str:
        """Return the traceback that the watchdog wrote; "" if there is none on this machine."""
        if self._watchdog is None:
            return ""
        try:
            return Path(self._watchdog.dump).read_text(errors="replace")
        except OSError:
            return ""
