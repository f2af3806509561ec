"""The executor that trains in its own process: no Ray, nothing to start, one cohort after the other.

It cannot end a candidate that hangs, nor outlive one that takes the process down; a time limit is looked at between
two chunks of losses.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from tuner.candidate import Event, Trial, Workload
from tuner.execution.attempts import Attempt, Cause, Failure, first_attempt
from tuner.execution.executor import DEFAULT_TRAIN, cohorts
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
        self._cancellations = 0

    def evaluate(self, workload: Workload, trials: Sequence[Trial], *, label: str) -> Iterator[Event]:
        """Trains the trials; see `Executor.evaluate`. The label names nothing here."""
        size = workload.cohort_size
        return self._evaluate(workload, deque(first_attempt(cohort, size) for cohort in cohorts(trials, size)))

    def cancel(self) -> None:
        """Ends every iterator at its next step; in between nothing runs anyway."""
        self._cancellations += 1

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

    def _evaluate(self, workload: Workload, waiting: deque[Attempt]) -> Iterator[Event]:
        begun_with = self._cancellations
        while waiting and self._cancellations == begun_with:
            running = Running(waiting.popleft())
            failure = None
            started = time.monotonic()
            messages = work(self._train, workload, running.attempt.lanes, let_through=(KeyboardInterrupt,))
            with contextlib.closing(messages):
                for message in messages:
                    for event in running.take(message, time.monotonic()):
                        yield event
                        if self._cancellations != begun_with:
                            return
                    if self._timeout is not None and time.monotonic() - started > self._timeout:
                        failure = Failure(Cause.TIMEOUT, f"timed out after {self._timeout:g} s")
                        break
            # Nothing is ever lost in one process, so the limit on attempts has nothing to say.
            events, following = running.end(failure, time.monotonic(), max_attempts=1)
            waiting.extendleft(reversed(following))
            yield from events
