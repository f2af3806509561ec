"""The recorder, which writes events of candidates to the store in batches.

A commit costs twenty times as much as a row, and blocks the driver. Results therefore wait for others, up to nine times
as long as the last commit took, so that commits take at most a tenth of the driver's time. An evaluation is reported
only after it is written: one that is lost in a crash was not reported and is trained again. The start of an attempt is
written with the next commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from tuner.core.events import AttemptEnded, AttemptStarted, Event
from tuner.core.trial import Evaluation, Key, Trial
from tuner.storage import Store

DELAY = 0.2
"""Seconds that an event may wait for a commit."""

_SHARE = 9.0
"""Results of a complete cohort wait this many times as long as the last commit took."""


class Recorder:
    """Records the events of one batch of cohorts; returns each evaluation once it is written."""

    def __init__(
        self,
        store: Store,
        study_id: int,
        epoch: int,
        cohorts: Iterable[Sequence[Trial]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a recorder.

        Args:
            store: The store to write to.
            study_id: Id of the study.
            epoch: Epoch of the driver's lease.
            cohorts: The trials that are about to be trained, cohort by cohort.
            clock: Returns seconds.
        """
        self._store, self._study_id, self._epoch = store, study_id, epoch
        self._clock = clock
        self._unfinished: dict[Key, set[Key]] = {}  # by candidate, the unfinished members of its cohort
        for cohort in cohorts:
            members = {trial.key for trial in cohort}
            self._unfinished.update(dict.fromkeys(members, members))
        self._pending: list[Evaluation] = []
        self._left = len(self._unfinished)
        self._is_due = False  # whether some cohort is complete
        self._commit = 0.0  # duration of the last one, in seconds
        self._begun: list[AttemptStarted] = []
        self._since = 0.0  # time of the first waiting event

    def take(self, event: Event) -> list[Event]:
        """Record an event; return the events that may be reported now, in order: evaluations once they are written.

        Raises:
            StorageError: Writing failed; the events are kept for the next `flush`.
        """
        if not (self._pending or self._begun):
            self._since = self._clock()
        if isinstance(event, Evaluation):
            self._pending.append(event)
            self._left -= 1
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
        """Write events that have waited long enough, and the end of a batch at once; return those that may be reported.

        Call this after each group of events, and regularly while there are none.

        Raises:
            StorageError: No event was written.
        """
        if not (self._pending or self._begun):
            return []
        wait = 0.0 if not self._left else min(DELAY, _SHARE * self._commit) if self._is_due else DELAY
        return self.flush() if self._clock() >= self._since + wait else []

    def flush(self) -> list[Event]:
        """Write all waiting events; return their evaluations.

        Raises:
            StorageError: None of them was written.
        """
        written: list[Event] = list(self._pending)
        if written or self._begun:
            began = self._clock()
            self._store.record(self._study_id, self._epoch, self._pending, self._begun)
            self._pending, self._begun, self._is_due = [], [], False
            self._commit = self._clock() - began
        return written
