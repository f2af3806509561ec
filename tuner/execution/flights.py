"""Attempts under way on a lane: their deadlines, and how they are brought down."""

from __future__ import annotations

from pathlib import Path
from typing import Generic

from tuner.execution.attempts import Attempt, Cause, Failure
from tuner.execution.dispatch import Queue
from tuner.execution.lane import L
from tuner.execution.plain import cut_error
from tuner.execution.running import Running
from tuner.execution.worker import Watchdog

WATCHDOG_LEAD = 0.5
"""Seconds that the worker's own watchdog gets before the driver kills the lane, for it alone leaves a traceback."""


class Flight(Generic[L]):
    """One attempt on its lane."""

    def __init__(self, queue: Queue, attempt: Attempt, lane: L, watchdog: Watchdog | None, begun_at: float) -> None:
        self.queue = queue
        self.lane = lane
        self.running = Running(attempt)
        self.begun_at = begun_at
        self.had_compiled = queue.identity in lane.compiled
        self.node_is_dead = False
        self.killed_at: float | None = None
        self._watchdog = watchdog
        self._timed_out = False

    def is_overdue(self, now: float) -> bool:
        """Whether the time limit is over. A lane that does not say that it begins is overdue as well."""
        if self._watchdog is None:
            return False
        begun_at = self.begun_at if self.running.started_at is None else self.running.started_at
        return now > begun_at + self._watchdog.limit + WATCHDOG_LEAD

    def kill(self, now: float, *, timed_out: bool = False) -> None:
        """Kills the lane, once."""
        if self.killed_at is None:
            self.killed_at = now
            self._timed_out = timed_out
            self.lane.kill()

    def own_failure(self) -> Failure | None:
        """Returns why the flight ended if that was our doing, or the watchdog's; Ray's error would not tell."""
        dump = self._dump()
        if self._watchdog is None or not (self._timed_out or dump):
            return Failure(Cause.LOST, "node died") if self.node_is_dead else None
        reason = f"timed out after {self._watchdog.limit:g} s"
        return Failure(Cause.TIMEOUT, reason, cut_error(dump) or "no traceback: the worker left none on this machine")

    def remove_dump(self) -> None:
        """Removes what the watchdog wrote."""
        if self._watchdog is not None:
            Path(self._watchdog.dump).unlink(missing_ok=True)

    def _dump(self) -> str:
        """Reads what the watchdog wrote; "" if it was silent, or wrote on another machine."""
        if self._watchdog is None:
            return ""
        try:
            return Path(self._watchdog.dump).read_text(errors="replace")
        except OSError:
            return ""
