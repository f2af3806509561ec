"""Writes into the store what happens to candidates: what comes together in one transaction, and starts along with it.

A commit waits for the disk and costs ten times what a row costs. Members of a cohort finish in lockstep, so that
writing them at once delays none that another event does not announce as well. That an attempt has begun may wait for
the next commit a moment: nothing is lost with it, and candidates of a few milliseconds cost one commit instead of two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from tuner.candidate import AttemptEnded, AttemptStarted, Evaluation, Event, Key, Trial
from tuner.storage import Store

DELAY = 0.2
"""Seconds that the start of an attempt, or a part of a cohort, may wait for another commit."""


class Ledger:
    """Takes the events of one batch of cohorts and gives back each evaluation once it is written."""

    def __init__(
        self,
        store: Store,
        study_id: int,
        epoch: int,
        cohorts: Iterable[Sequence[Trial]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin a ledger.

        Args:
            store: Where to write.
            study_id: The study whose candidates these are.
            epoch: Of the lease under which its driver writes.
            cohorts: The trials that are about to be trained, cohort by cohort.
            clock: Returns seconds.
        """
        self._store, self._study_id, self._epoch = store, study_id, epoch
        self._clock = clock
        self._unfinished: dict[Key, set[Key]] = {}  # each member's cohort, as far as it has not finished
        for cohort in cohorts:
            members = {trial.key for trial in cohort}
            self._unfinished.update(dict.fromkeys(members, members))
        self._pending: list[Evaluation] = []
        self._is_due = False  # whether some cohort is complete
        self._begun: list[AttemptStarted] = []
        self._since = 0.0  # when the first of all that waits came

    def take(self, event: Event) -> list[Event]:
        """Take an event; return those that may be told by now, in order: evaluations once they are written.

        Raises:
            StorageError: What could not be written is kept for the next `flush`.
        """
        if not (self._pending or self._begun):
            self._since = self._clock()
        if isinstance(event, Evaluation):
            self._pending.append(event)
            cohort = self._unfinished[event.key]
            cohort.discard(event.key)
            self._is_due = self._is_due or not cohort
            return []
        if isinstance(event, AttemptStarted):
            self._begun.append(event)
            return [event]
        if not isinstance(event, AttemptEnded):
            return [event]
        written = self.flush()
        self._store.end_attempt(self._study_id, self._epoch, event.keys, event.attempt, event.reason)
        return [*written, event]

    def tick(self) -> list[Event]:
        """Write the cohorts that are done, and whatever has waited for long enough; return what may be told.

        To be called after events that came together, and now and then while nothing happens.

        Raises:
            StorageError: Nothing was written.
        """
        is_late = (self._pending or self._begun) and self._clock() >= self._since + DELAY
        return self.flush() if self._is_due or is_late else []

    def flush(self) -> list[Event]:
        """Write what waits, and return the evaluations of it.

        Raises:
            StorageError: Nothing of it was written.
        """
        written: list[Event] = list(self._pending)
        if written or self._begun:
            self._store.record(self._study_id, self._epoch, self._pending, self._begun)
            self._pending, self._begun, self._is_due = [], [], False
        return written
