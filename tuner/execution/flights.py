"""Ray tasks under way: their streams of messages, their deadlines, and how they are brought down."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from tuner.candidate import Workload
from tuner.execution.attempts import Attempt, Cause, Failure
from tuner.execution.plain import cut_error
from tuner.execution.running import Running
from tuner.execution.worker import Message, Watchdog

WATCHDOG_LEAD = 0.5
"""Seconds that the worker's own watchdog gets before the driver cancels, for it alone leaves a traceback."""

READ_SECONDS = 30.0
"""How long a message that is said to be there may take; longer only if its node dies in that moment."""


class Flight:
    """One submitted attempt."""

    def __init__(self, attempt: Attempt, stream: Any, watchdog: Watchdog | None) -> None:
        self.running = Running(attempt)
        self.stream = stream
        self.node_is_dead = False
        self.cancelled_at: float | None = None
        self._watchdog = watchdog
        self._timed_out = False

    @property
    def has_not_begun(self) -> bool:
        """Whether it waits for a worker still, as far as is known."""
        return self.running.started_at is None and self.cancelled_at is None

    @property
    def signal(self) -> Any:
        """What `ray.wait` has to wait for before `read`: the next message, or the very end if it was cancelled.

        The stream of a cancelled task ends at once, but until its node agrees its reader would block; for ever if the
        node hangs.
        """
        return self.stream if self.cancelled_at is None else self.stream.completed()

    def read(self) -> tuple[Message | None, BaseException | None]:
        """Takes the next message once `signal` is ready: the message, an error, or neither at the end."""
        try:
            return ray.get(next(self.stream), timeout=READ_SECONDS), None
        except StopIteration:
            return None, None
        except RayError as error:
            return None, error

    def is_overdue(self, now: float) -> bool:
        """Whether the time limit is over; never before the worker's first message."""
        if self._watchdog is None or self.running.started_at is None:
            return False
        return now > self.running.started_at + self._watchdog.limit + WATCHDOG_LEAD

    def cancel(self, now: float, *, timed_out: bool = False) -> None:
        """Kills the worker, once. A soft cancellation first would block a forced one for good."""
        if self.cancelled_at is None:
            self.cancelled_at = now
            self._timed_out = timed_out
            with contextlib.suppress(RayError):
                ray.cancel(self.stream, force=True)

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


class Call:
    """What one call of `evaluate` has waiting and running."""

    def __init__(self, workload: Workload, label: str, attempts: Iterable[Attempt]) -> None:
        self.workload = workload
        self.label = label
        self.waiting = deque(attempts)
        self.flights: list[Flight] = []
        self.slots = 1
        self.alive: set[str] = set()
        self.nodes_seen_at: float | None = None
        self.is_cancelled = False


def end_all(flights: Sequence[Flight], grace: float) -> None:
    """Kills the workers of these flights, and waits until Ray says that they ended, `grace` seconds at most."""
    if not flights or not ray.is_initialized():
        return
    for flight in flights:
        flight.cancel(time.monotonic())
    with contextlib.suppress(RayError):
        ray.wait([flight.stream.completed() for flight in flights], num_returns=len(flights), timeout=grace)
