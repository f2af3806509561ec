"""The protocol of an executor: trials in, events out, one evaluation a trial whatever happens.

Beside it, what every executor shares: batches, how trials are grouped into cohorts, how a cohort's task is named, and
the errors that stop a study (a candidate's own failure never does).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from tuner.core.trial import Event, Trial, Workload

DEFAULT_TRAIN = "tuner.training.train:train"
"""The training function that workers import; see `tuner.execution.worker` for what it has to keep."""


class ExecutionError(Exception):
    """Something that stops a study, in one line for people. `exit_code` is the command line's."""

    exit_code = 1


class ResourceError(ExecutionError):
    """More was asked of the machines than they have, or something that they cannot do."""

    exit_code = 2


class ClusterUnavailable(ExecutionError):  # noqa: N818 (the command line's word for it)
    """Ray could not be started or reached, or went away. The study can be resumed once it is back."""

    exit_code = 75


class Batch:
    """Trials that were submitted together, as whoever submitted them sees it: what has happened to them since."""

    def __init__(self) -> None:
        self.is_open = True  # until every trial has its evaluation, or the batch was withdrawn or cancelled
        self._events: deque[Event] = deque()

    def tell(self, events: Iterable[Event]) -> None:
        """Adds events; the executor's side."""
        self._events.extend(events)

    def take(self) -> list[Event]:
        """Returns the events that were not taken yet, in the order they happened."""
        taken = list(self._events)
        self._events.clear()
        return taken


class Executor(Protocol):
    """Trains candidates somewhere and says what happens as it happens."""

    @property
    def has_room(self) -> bool:
        """Whether one more workload could be begun at once, beside all that was submitted."""
        ...

    def submit(self, workload: Workload, trials: Sequence[Trial], *, label: str, remaining: int = 0) -> Batch:
        """Takes trials in, which are trained cohort by cohort as `poll` is called; batches run side by side.

        Every trial gets exactly one `Evaluation`, in any order. Each `AttemptEnded` and each `Evaluation` follows the
        `AttemptStarted` of its attempt; one whose worker was lost before it said a word has node "" and pid 0.

        Args:
            workload: what the trials share.
            trials: with distinct keys; consecutive `workload.cohort_size` of them form a cohort.
            label: what the cohorts' tasks are named after, "TASK/OPTIMIZER/g03".
            remaining: gradient evaluations that cannot begin before this batch is done, such as those of a study's
                later generations; the batch with the most work behind it goes first.

        Returns:
            The batch, for its events.

        Raises:
            ResourceError: the workload asks for more than the executor was made for.
            ValueError: a key occurs twice.
        """
        ...

    def poll(self) -> None:
        """Waits a moment until something happens, and tells the batches.

        Raises:
            ClusterUnavailable: the machines went away as a whole.
        """
        ...

    def withdraw(self, batch: Batch) -> None:
        """Ends what the batch still has running, and closes it. A batch that is closed already is left alone."""
        ...

    def evaluate(self, workload: Workload, trials: Sequence[Trial], *, label: str) -> Iterator[Event]:
        """Submits a batch and yields its events as they happen, `poll` being called between them.

        After `cancel` the iterator ends early, without the evaluations that are missing. Several calls may be iterated
        side by side. Closing the iterator early withdraws the batch. Raises what `submit` and `poll` raise.
        """
        ...

    def cancel(self) -> None:
        """Ends at once all that runs, and closes all batches; returns when nothing runs any more."""
        ...

    def close(self) -> None:
        """Cancels what runs, and gives the workers back. Closing twice is fine."""
        ...

    def __enter__(self) -> Self:
        """Returns the executor itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the executor."""
        ...


def iterate(executor: Executor, batch: Batch) -> Iterator[Event]:
    """Yields a batch's events until it is closed; withdraws it when the iterator is left early."""
    try:
        while True:
            yield from batch.take()
            if not batch.is_open:
                yield from batch.take()
                return
            executor.poll()
    finally:
        executor.withdraw(batch)


def cohorts(trials: Sequence[Trial], size: int) -> list[tuple[Trial, ...]]:
    """Groups trials into cohorts, in order; the last may be smaller.

    Args:
        trials: in submission order, with distinct keys.
        size: candidates a cohort, at least 1.

    Returns:
        The cohorts. Which trials share one depends on nothing but the order and the size.

    Raises:
        ValueError: the size is below 1, or a key occurs twice.
    """
    if size < 1:
        raise ValueError(f"a cohort holds at least 1 candidate. Received: cohort_size={size}")
    seen = set()
    for trial in trials:
        if trial.key in seen:
            raise ValueError(f"each key may occur once in a call. Received twice: {trial.key}")
        seen.add(trial.key)
    return [tuple(trials[start : start + size]) for start in range(0, len(trials), size)]


def task_name(label: str, trials: Sequence[Trial]) -> str:
    """Names the task that trains these trials: "LABEL/s12", or "LABEL/s00-15" for a cohort."""
    slots = [trial.key.slot for trial in trials]
    first, last = min(slots), max(slots)
    return f"{label}/s{first:02d}" if first == last else f"{label}/s{first:02d}-{last:02d}"
