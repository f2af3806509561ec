"""The protocol of an executor: from trials to events, one evaluation per trial.

The module also contains what all executors share: batches, the grouping of trials into cohorts, the names of tasks, and
the error that stops a study (a failure of a candidate does not stop it).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from tuner.core.errors import LodoTuneError
from tuner.core.events import Event
from tuner.core.task_arguments import shape_of
from tuner.core.trial import Trial, Workload

DEFAULT_TRAIN = "tuner.training.train:train"
"""The training function that workers import; `tuner.execution.worker` describes what it yields."""

FUNCTION_TRAIN = "tuner.training.own_function:train"
"""The same for studies of a user's training function, whose workers never import TensorFlow for it."""


class ClusterUnavailable(LodoTuneError):  # noqa: N818 (part of the public interface)
    """Ray could not be started or reached, or has died. The study can be resumed later."""

    exit_code = 75


class Batch:
    """Trials that were submitted together, and their events."""

    def __init__(self) -> None:
        self.is_open = True  # until every trial has its evaluation, or the batch is withdrawn or cancelled
        self._events: deque[Event] = deque()

    def add(self, events: Iterable[Event]) -> None:
        """Add events; called by the executor."""
        self._events.extend(events)

    def take(self) -> list[Event]:
        """Return the events that were not taken yet, in chronological order."""
        taken = list(self._events)
        self._events.clear()
        return taken


class Executor(Protocol):
    """Trains candidates and reports events as they happen.

    Implementations inherit from it, since the last methods are the same for all.
    """

    @property
    def has_room(self) -> bool:
        """Whether another workload could start at once, in addition to all submitted ones."""
        ...

    @property
    def busy(self) -> int:
        """Number of cohorts that are being trained."""
        ...

    @property
    def workers(self) -> int:
        """Number of workers that it holds, those included that wait for a cohort or are starting."""
        ...

    def limit(self, workers: int | None) -> None:
        """Use at most this many workers from now on; None: as many as there are.

        A worker too many is given back once its cohort has ended: no work is lost, and no result depends on it. With 0
        no further cohort is begun.
        """
        ...

    def submit(self, workload: Workload, trials: Sequence[Trial], *, label: str, remaining: int = 0) -> Batch:
        """Accept trials, which are trained by cohort during calls of `poll`; batches run concurrently.

        Every trial gets exactly one `Evaluation`, in any order. Each `AttemptEnded` and each `Evaluation` follows the
        `AttemptStarted` of its attempt; if the worker was lost before its first message, node is "" and pid is 0.

        Args:
            workload: The workload of the trials.
            trials: Trials with distinct keys; `cohorts` says which of them form a cohort.
            label: Prefix of the cohorts' task names, "TASK/OPTIMIZER/g03".
            remaining: Gradient evaluations that cannot start before this batch is complete, such as those of a study's
                later generations; the batch with the most work left goes first.

        Returns:
            The batch, which collects the events.

        Raises:
            InvalidRequest: The workload needs more resources than the executor provides.
            ValueError: A key occurs twice.
        """
        ...

    def poll(self) -> None:
        """Wait briefly for events, and add them to the batches.

        Raises:
            ClusterUnavailable: Ray no longer responds.
            StudyRefused: A worker can train no candidate of a study.
        """
        ...

    def withdraw(self, batch: Batch) -> None:
        """End the running attempts of a batch and close it. A closed batch is unchanged."""
        ...

    def evaluate(self, workload: Workload, trials: Sequence[Trial], *, label: str) -> Iterator[Event]:
        """Submit a batch, and yield its events as they occur, with calls of `poll` in between.

        After `cancel` the iterator ends early, without the missing evaluations. Several calls may be iterated
        concurrently. Closing the iterator early withdraws the batch. Raises what `submit` and `poll` raise.
        """
        return _events(self, self.submit(workload, trials, label=label))

    def cancel(self) -> None:
        """End all running attempts at once and close all batches; return when no attempt is running."""
        ...

    def close(self) -> None:
        """Cancel, and release the workers. May be called twice."""
        ...

    def __enter__(self) -> Self:
        """Return the executor itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the executor."""
        self.close()


def _events(executor: Executor, batch: Batch) -> Iterator[Event]:
    """Yield the events of a batch until it is closed; withdraw it when the iterator is left early."""
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
    """Group trials into cohorts, in order; the last may be smaller.

    Trials with other arguments of the task (`tuner.core.task_arguments`) are in other cohorts, of which each last one
    may be smaller.

    Args:
        trials: Trials with distinct keys, in the order of submission.
        size: Candidates per cohort, at least 1.

    Returns:
        The cohorts. Which trials share a cohort depends only on the order, the arguments and the size.

    Raises:
        ValueError: The size is below 1, or a key occurs twice.
    """
    if size < 1:
        raise ValueError(f"a cohort holds at least 1 candidate. Received: cohort_size={size}")
    seen = set()
    for trial in trials:
        if trial.key in seen:
            raise ValueError(f"each key may occur once per call. Received twice: {trial.key}")
        seen.add(trial.key)
    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        alike.setdefault(shape_of(trial.hyperparameters), []).append(trial)
    return [tuple(some[at : at + size]) for some in alike.values() for at in range(0, len(some), size)]


def task_name(label: str, trials: Sequence[Trial]) -> str:
    """Return the name of the task that trains these trials: "LABEL/s12", or "LABEL/s00-15" for a cohort."""
    slots = [trial.key.slot for trial in trials]
    first, last = min(slots), max(slots)
    return f"{label}/s{first:02d}" if first == last else f"{label}/s{first:02d}-{last:02d}"
