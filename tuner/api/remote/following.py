"""A run of a service while it is trained: what has changed, and how it has ended."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

from tuner.api.remote.connection import Connection
from tuner.api.remote.errors import RunNotCompleted, ServiceUnavailable
from tuner.api.remote.events import PATIENCE, events
from tuner.api.watching import Printed, WatchedStudy, changes
from tuner.core.errors import LodoTuneError
from tuner.core.requests import State

QUIET = 15.0
"""Seconds without an event after which a running run is read again: losing a driver causes no event."""


@dataclass(frozen=True, slots=True)
class SubmittedRun:
    """A run that was submitted: what is wanted of it, and what was reached.

    Attributes:
        run: Name of the run.
        submitted_by: Name of the user.
        requested: "run", "pause", "stop" or "cancel".
        state: "queued", "starting", "running", "paused", "complete", "stopped", "cancelled" or "failed".
        reason: Why it waits, or how it has ended.
        expected_in: Seconds until it is expected to start; None: not known, or it does not wait.
        workers: Workers that its driver uses.
        granted: Workers that its driver may use.
        last_error: Error message of the last driver that failed.
    """

    run: str
    submitted_by: str
    requested: str
    state: str
    reason: str
    expected_in: float | None
    workers: int
    granted: int
    last_error: str

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the value of a resource; further keys are left out."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    @property
    def has_ended(self) -> bool:
        """Whether it will not go on by itself."""
        return State(self.state).is_ended or self.state == State.FAILED

    def line(self) -> str:
        """Return its state in a line."""
        wanted = "" if self.requested == "run" or self.has_ended else f", {self.requested} requested"
        return f"{self.run}  {self.state}{wanted}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Followed:
    """What is known of a run at a moment.

    Attributes:
        studies: Its studies; none before a submitted run has begun.
        request: None of a run that was not submitted.
    """

    studies: tuple[WatchedStudy, ...]
    request: SubmittedRun | None

    @classmethod
    def now(cls, connection: Connection, name: str) -> Self:
        """Return what a service knows of a run, or of a study."""
        found = connection.get("/outputs/watch", study=name).json()
        studies = tuple(map(WatchedStudy.from_json, found["studies"]))
        return cls(studies, None if found["request"] is None else SubmittedRun.from_json(found["request"]))


class Follower:
    """A reader of a run that waits for its changes. Use it as a context manager.

    Args:
        connection: To the service.
        name: Of the run, or RUN/OPTIMIZER.
        interval: Seconds between two looks at least.
    """

    def __init__(self, connection: Connection, name: str, interval: float) -> None:
        self._connection, self._name, self._interval = connection, name, interval
        self._run = name.partition("/")[0]
        self._news, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, name="lodo-service-events", daemon=True)
        self._away_since: float | None = None
        self._last: Followed | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()  # the thread ends with the next line of the stream, and with the process

    def look(self) -> Followed:
        """Return what is known of the run now; while the service is away for a while, what was known last.

        Raises:
            LodoTuneError: There is no such run, or the service is away for long.
        """
        self._news.clear()  # before the look: what changes during it is news again
        try:
            self._last, self._away_since = Followed.now(self._connection, self._name), None
        except ServiceUnavailable:
            now = time.monotonic()
            self._away_since = now if self._away_since is None else self._away_since
            if self._last is None or now - self._away_since > PATIENCE:
                raise
        return self._last

    def wait(self) -> None:
        """Wait until there is news of the run, or until it is time to look without."""
        is_trained = self._last is not None and any(study.runs for study in self._last.studies)
        waits = self._last is not None and self._last.request is not None and not self._last.request.has_ended
        has_news = self._news.wait(QUIET if (is_trained or waits) and self._away_since is None else self._interval)
        if has_news:
            self._ended.wait(self._interval)

    def _listen(self) -> None:
        with contextlib.suppress(LodoTuneError):  # `look` reports it
            for event in events(self._connection, is_over=self._ended.is_set):
                if event.kind != "study" or _run_of(event.data) == self._run:
                    self._news.set()
        self._news.set()


def follow(connection: Connection, run: str, say: Callable[[str], None], interval: float = 1.0) -> None:
    """Wait until a run that was submitted is complete.

    Args:
        connection: To the service.
        run: Name of the run.
        say: Takes a line for each change.
        interval: Seconds between two looks at least.

    Raises:
        RunNotCompleted: It has failed, or was stopped or cancelled.
        ServiceUnavailable: The service is away for long; the run goes on.
    """
    printed, state = Printed(), ""
    with Follower(connection, run, interval) as follower:
        while True:
            found = follower.look()
            request = found.request
            is_new = request is not None and request.line() != state
            state = "" if request is None else request.line()
            lines = changes(found.studies, printed)
            has_ended = request is not None and request.has_ended
            for line in [*([state] if is_new and not has_ended else []), *lines, *([state] if has_ended else [])]:
                say(line)
            if request is None or request.state == State.COMPLETE:
                return
            if request.has_ended:
                reason = f": {request.reason}" if request.reason else ""
                kept = "; finished candidates are kept" if found.studies else ""
                raise RunNotCompleted(f"the run {run} is {request.state}{reason}{kept}")
            follower.wait()


def _run_of(data: str) -> str | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found.get("run") if isinstance(found, dict) else None
