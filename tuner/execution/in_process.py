"""The in-process executor, which trains one cohort after the other without Ray.

It can neither end a candidate that hangs nor survive a crash of the process; the time limit is checked between
two messages.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from tasks import importing
from tasks.data_folder import using
from tuner.core.errors import check_timeout
from tuner.core.events import Event
from tuner.core.trial import Trial, Workload
from tuner.execution.executor import DEFAULT_TRAIN, Batch, Executor, cohorts
from tuner.execution.retries import Attempt, Cause, Failure, first_attempt
from tuner.execution.tracker import AttemptTracker
from tuner.execution.worker import train_cohort

IDLE_SECONDS = 0.1
"""Seconds that a call of `poll` waits where no cohort may be begun."""


class InProcessExecutor(Executor):
    """Trains in the calling process; implements the `Executor` protocol as far as possible in one process."""

    def __init__(
        self,
        *,
        timeout: float | None = None,
        train: str = DEFAULT_TRAIN,
        objects: Mapping[str, type] | None = None,
        data_dir: Path | None = None,
    ) -> None:
        """Create an executor.

        Args:
            timeout: Maximum seconds of an attempt, checked whenever training yields. Default: no limit.
            train: The training function, "module:function".
            objects: Tasks and optimizers that cannot be imported, by the names that trials use for them.
            data_dir: Folder of the data sets. Default: the result of `tasks.data_folder`.

        Raises:
            InvalidRequest: The timeout is out of range.
        """
        check_timeout(timeout)
        for name, kind in (objects or {}).items():
            importing.keep(name, kind)
        self._timeout = timeout
        self._train = train
        self._data_dir = data_dir
        self._open: dict[Batch, Generator[Event | None, None, None]] = {}
        self._is_training = False  # within a cohort
        self._may_begin = True  # another cohort

    @property
    def has_room(self) -> bool:
        """Whether no batch waits; one cohort is trained at a time."""
        return not self._open

    @property
    def busy(self) -> int:
        """1 within a cohort, 0 between two."""
        return int(self._is_training)

    @property
    def workers(self) -> int:
        """1: this process; 0 while it is permitted none and trains nothing."""
        return int(self._may_begin or self._is_training)

    def limit(self, workers: int | None) -> None:
        """Begin no further cohort with 0; see `Executor.limit`."""
        self._may_begin = workers != 0

    def submit(self, workload: Workload, trials: Sequence[Trial], *, label: str, remaining: int = 0) -> Batch:
        """Accept trials; see `Executor.submit`. Batches are trained one after the other, and the label is unused."""
        del label, remaining
        size = workload.cohort_size
        waiting = deque(first_attempt(cohort, size) for cohort in cohorts(trials, size))
        batch = Batch()
        batch.is_open = bool(waiting)
        if waiting:
            self._open[batch] = self._events(workload, waiting)
        return batch

    def poll(self) -> None:
        """Train the batch that was submitted first until it has an event."""
        batch, events = next(iter(self._open.items()), (None, None))
        if batch is None or events is None:
            return
        if not self._may_begin and not self._is_training:
            time.sleep(IDLE_SECONDS)
            return
        try:
            with using(self._data_dir):
                event = next(events)
        except StopIteration:
            self.withdraw(batch)
            return
        if event is not None:
            batch.add([event])

    def withdraw(self, batch: Batch) -> None:
        """Close a batch; see `Executor.withdraw`. Nothing runs between two calls of `poll`."""
        batch.is_open = False
        events = self._open.pop(batch, None)
        if events is not None:
            events.close()
            self._is_training = False

    def cancel(self) -> None:
        """Close all batches. Nothing runs between two calls of `poll`."""
        for batch in list(self._open):
            self.withdraw(batch)

    def close(self) -> None:
        """Cancel."""
        self.cancel()

    def _events(self, workload: Workload, waiting: deque[Attempt]) -> Generator[Event | None, None, None]:
        """Train cohorts, and yield their events; None between two cohorts."""
        while waiting:
            tracker = AttemptTracker(waiting.popleft())
            failure, self._is_training = None, True
            started = time.monotonic()
            messages = train_cohort(self._train, workload, tracker.attempt.lanes, let_through=(KeyboardInterrupt,))
            with contextlib.closing(messages):
                for message in messages:
                    yield from tracker.receive(message, time.monotonic())
                    if self._timeout is not None and time.monotonic() - started > self._timeout:
                        failure = Failure(Cause.TIMEOUT, f"timed out after {self._timeout:g} s")
                        break
            # A single process never loses a worker, so the limit on attempts has no effect.
            events, following = tracker.end(failure, time.monotonic(), max_attempts=1)
            waiting.extendleft(reversed(following))
            yield from events
            self._is_training = False
            yield None
