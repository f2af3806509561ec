"""Writes into the store what happens to candidates, the evaluations of a cohort together.

A commit waits for the disk and costs ten times what a row costs. Members of a cohort finish in lockstep, so that
writing them at once delays none that another event does not announce as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tuner.candidate import AttemptEnded, AttemptStarted, Evaluation, Event, Key, Trial
from tuner.storage import Store


class Ledger:
    """Takes the events of one batch of cohorts and gives back each once it is written."""

    def __init__(self, store: Store, study_id: int, epoch: int, cohorts: Iterable[Sequence[Trial]]) -> None:
        """Begin a ledger.

        Args:
            store: Where to write.
            study_id: The study whose candidates these are.
            epoch: Of the lease under which its driver writes.
            cohorts: The trials that are about to be trained, cohort by cohort.
        """
        self._store, self._study_id, self._epoch = store, study_id, epoch
        self._unfinished: dict[Key, set[Key]] = {}  # each member's cohort, as far as it has not finished
        for cohort in cohorts:
            members = {trial.key for trial in cohort}
            self._unfinished.update(dict.fromkeys(members, members))
        self._pending: list[Evaluation] = []

    def take(self, event: Event) -> list[Event]:
        """Take an event; return those that are written by now, in order.

        Raises:
            StorageError: What could not be written is kept for the next `flush`.
        """
        if isinstance(event, Evaluation):
            self._pending.append(event)
            cohort = self._unfinished[event.key]
            cohort.discard(event.key)
            return [] if cohort else self.flush()
        written = self.flush()
        if isinstance(event, AttemptStarted):
            self._store.start_attempt(self._study_id, self._epoch, event.keys, event.attempt, event.node, event.pid)
        elif isinstance(event, AttemptEnded):
            self._store.end_attempt(self._study_id, self._epoch, event.keys, event.attempt, event.reason)
        return [*written, event]

    def flush(self) -> list[Event]:
        """Write what waits for the rest of its cohort, and return it.

        Raises:
            StorageError: Nothing of it was written.
        """
        written: list[Event] = list(self._pending)
        if written:
            self._store.record(self._study_id, self._epoch, self._pending)
            self._pending = []
        return written
