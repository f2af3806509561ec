"""The executor that trains in its own process: no Ray, nothing to start, one cohort after the other.

It cannot end a candidate that hangs, nor outlive one that takes the process down; a time limit is looked at between
two chunks of losses.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import Self

from tuner.core.trial import Event, Trial, Workload
from tuner.execution.attempts import Attempt, Cause, Failure, first_attempt
from tuner.execution.executor import DEFAULT_TRAIN, Batch, cohorts, iterate
from tuner.execution.running import Running
from tuner.execution.worker import work


class InProcessExecutor:
    """Trains in the calling process; keeps the `Executor` protocol as far as one process can."""

    def __init__(self, *, timeout: float | None = None, train: str = DEFAULT_TRAIN) -> None:
        """Makes an executor.

        Args:
            timeout: seconds that an attempt may take, as far as training yields; None is no limit.
            train: the training function, "module:function".

        Raises:
            ValueError: the timeout is not positive.
        """
        if timeout is not None and not timeout > 0:
            raise ValueError(f"a timeout is a positive number of seconds. Received: {timeout}")
        self._timeout = timeout
        self._train = train
        self._under_way: dict[Batch, Generator[Event, None, None]] = {}

    @property
    def has_room(self) -> bool:
        """Whether nothing waits: one cohort trains at a time."""
        return not self._under_way

    def submit(self, workload: Workload, trials: Sequence[Trial], *, label: str, remaining: int = 0) -> Batch:
        """Takes trials in; see `Executor.submit`. Batches are trained one after the other; the label names nothing."""
        del label, remaining
        size = workload.cohort_size
        waiting = deque(first_attempt(cohort, size) for cohort in cohorts(trials, size))
        batch = Batch()
        batch.is_open = bool(waiting)
        if waiting:
            self._under_way[batch] = self._events(workload, waiting)
        return batch

    def poll(self) -> None:
        """Trains the batch that was submitted first until something happens."""
        batch, events = next(iter(self._under_way.items()), (None, None))
        if batch is None or events is None:
            return
        event = next(events, None)
        if event is None:
            self.withdraw(batch)
        else:
            batch.tell([event])

    def withdraw(self, batch: Batch) -> None:
        """Closes a batch; see `Executor.withdraw`. In between two polls nothing runs."""
        batch.is_open = False
        events = self._under_way.pop(batch, None)
        if events is not None:
            events.close()

    def evaluate(self, workload: Workload, trials: Sequence[Trial], *, label: str) -> Iterator[Event]:
        """Submits a batch and yields its events; see `Executor.evaluate`."""
        return iterate(self, self.submit(workload, trials, label=label))

    def cancel(self) -> None:
        """Closes all batches; in between two polls nothing runs."""
        for batch in list(self._under_way):
            self.withdraw(batch)

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

    def _events(self, workload: Workload, waiting: deque[Attempt]) -> Generator[Event, None, None]:
        while waiting:
            running = Running(waiting.popleft())
            failure = None
            started = time.monotonic()
            messages = work(self._train, workload, running.attempt.lanes, let_through=(KeyboardInterrupt,))
            with contextlib.closing(messages):
                for message in messages:
                    yield from running.take(message, time.monotonic())
                    if self._timeout is not None and time.monotonic() - started > self._timeout:
                        failure = Failure(Cause.TIMEOUT, f"timed out after {self._timeout:g} s")
                        break
            # Nothing is ever lost in one process, so the limit on attempts has nothing to say.
            events, following = running.end(failure, time.monotonic(), max_attempts=1)
            waiting.extendleft(reversed(following))
            yield from events
