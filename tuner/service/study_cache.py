"""Studies and their totals, read again only when the study has changed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from tuner.core.aggregates import ReasonTotals, StudyTotals
from tuner.core.study import StudyRecord
from tuner.storage import Store, UnknownStudy

MAX_STUDIES = 300
"""Studies that are kept."""

LEASE_AGE = 5.0
"""Seconds for which a study with a driver is kept: that its lease has expired is no change of its rows."""


@dataclass(slots=True)
class _Kept:
    number: int  # of the study's changes when it was read
    read_at: float
    record: StudyRecord
    totals: StudyTotals | None = None
    reasons: tuple[ReasonTotals, ...] | None = None


class StudyCache:
    """The studies that were shown last. A study whose count of changes is the same is not read again.

    Of a study that has changed, generations that were complete are not counted again, since a final candidate never
    changes. It may be used by several threads.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def study(self, study_id: int) -> StudyRecord:
        """Return a study; see `Store.study`."""
        number = self._number(study_id)
        kept = self._current(study_id, number)
        if kept is None:
            now, record = time.monotonic(), self._store.study(study_id)
            kept = self._keep(study_id, _Kept(number, now, record))
        return kept.record

    def totals(self, study_id: int) -> StudyTotals:
        """Return the totals of a study; see `Store.study_totals`."""
        number = self._number(study_id)
        kept = self._current(study_id, number)
        if kept is not None and kept.totals is not None:
            return kept.totals
        with self._lock:
            before = self._kept.get(study_id)
        known = () if before is None or before.totals is None else before.totals.generations
        now, totals = time.monotonic(), self._store.study_totals(study_id, known)
        self._keep(study_id, _Kept(totals.changes, now, totals.record, totals))
        return totals

    def reasons(self, study_id: int) -> tuple[ReasonTotals, ...]:
        """Return why candidates of a study did not finish; see `Store.reasons`."""
        number = self._number(study_id)
        with self._lock:
            kept = self._kept.get(study_id)
            if kept is not None and kept.number == number and kept.reasons is not None:
                return kept.reasons
        found = self._store.reasons(study_id)
        with self._lock:
            kept = self._kept.get(study_id)
            if kept is not None and kept.number == number:  # what was read since is this old at most, or newer
                kept.reasons = found
        return found

    def _number(self, study_id: int) -> int:
        try:
            return self._store.changes_of(study_id)
        except UnknownStudy:
            with self._lock:
                self._kept.pop(study_id, None)
            raise

    def _current(self, study_id: int, number: int) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(study_id)
            if kept is None or kept.number != number:
                return None
            if kept.record.owner is not None and time.monotonic() - kept.read_at > LEASE_AGE:
                return None
            self._kept.move_to_end(study_id)
            return kept

    def _keep(self, study_id: int, new: _Kept) -> _Kept:
        with self._lock:
            before = self._kept.get(study_id)
            if before is not None and before.number == new.number:
                new.totals = new.totals or before.totals
                new.reasons = before.reasons
            self._kept[study_id] = new
            self._kept.move_to_end(study_id)
            while len(self._kept) > MAX_STUDIES:
                self._kept.popitem(last=False)
        return new
