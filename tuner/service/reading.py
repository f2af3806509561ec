"""Read access to the database with the rights of one user.

Every page and every GET uses `Reading`, so that hidden runs are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tuner.core.aggregates import CandidateFilter, CandidateRow, Page, ReasonTotals, StudyTotals
from tuner.core.requests import RequestRecord, State
from tuner.core.study import StudyRecord
from tuner.core.trial import Key
from tuner.results.analysis.margins import with_margins
from tuner.results.analysis.standing import Standing, standing
from tuner.service.study_cache import StudyCache
from tuner.service.tokens import OPERATOR, Identity
from tuner.storage import AttemptRecord, Damaged, ServiceStore, UnknownCandidate, UnknownStudy


@dataclass(frozen=True, slots=True)
class Reading:
    """The database as one user sees it.

    A run that is hidden is reported in the words for one that does not exist, and never suggested for another name.

    Attributes:
        store: The database.
        cache: Studies that were read before.
        hidden: Names of the runs that the user may not see.
        identity: The user.
    """

    store: ServiceStore
    cache: StudyCache
    hidden: frozenset[str] = frozenset()
    identity: Identity = OPERATOR

    @classmethod
    def of(cls, store: ServiceStore, cache: StudyCache, identity: Identity) -> Self:
        """Return the database as a user sees it: without the private runs of others, unless the user administers it."""
        hidden = frozenset[str]() if identity.may("admin") else store.private_runs(identity.user)
        return cls(store, cache, hidden, identity)

    def may_steer(self, request: RequestRecord) -> bool:
        """Return whether the user may pause, stop and continue a run that was submitted."""
        is_own = request.submitted_by == self.identity.user
        return self.identity.may("operate") or (is_own and self.identity.may("submit"))

    def request(self, run: str) -> RequestRecord | None:
        """Return the request for a run; None if it was not submitted, or is hidden."""
        return None if run in self.hidden else self.store.request(run)

    def queue(self) -> list[RequestRecord]:
        """Return the requests that have not ended, in the order of submission."""
        states = [state for state in State if not state.is_ended]
        return [one for one in self.store.requests(states) if one.run not in self.hidden]

    def runs(
        self,
        *,
        among: frozenset[str] | None = None,
        task: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[Page[tuple[StudyRecord, ...]], tuple[Damaged, ...]]:
        """Return a page of runs, and the faults of studies on it that cannot be read; see `Store.run_page`.

        Raises:
            InvalidRequest: The cursor or the limit is not accepted.
        """
        return self.store.run_page(
            among=among, hidden=self.hidden, task=task, status=status, cursor=cursor, limit=limit
        )

    def run(self, name: str) -> list[StudyRecord]:
        """Return the studies of a run, in order.

        Raises:
            UnknownStudy: There is no such run, or it is hidden.
        """
        try:
            records = [] if name in self.hidden or "/" in name else self.store.find(name)
        except UnknownStudy:
            records = []
        if not records:
            raise UnknownStudy(f"there is no run {name!r:.100}")
        return records

    def named(self, name: str) -> list[StudyRecord]:
        """Return the studies of a run, or the study RUN/OPTIMIZER.

        Raises:
            UnknownStudy: There is none of this name, or its run is hidden.
        """
        run, slash, optimizer = name.partition("/")
        if not slash:
            return self.run(name)
        found = [record for record in self.run(run) if record.spec.workload.optimizer == optimizer]
        if not found:
            raise UnknownStudy(f"there is no study {name!r:.200}")
        return found

    def run_or_request(self, name: str) -> tuple[list[StudyRecord], RequestRecord | None]:
        """Return the studies of a run and its request; there are none before a submitted run has begun.

        Raises:
            UnknownStudy: There is neither, or it is hidden.
        """
        request = self.request(name)
        try:
            return self.run(name), request
        except UnknownStudy:
            if request is None:
                raise
            return [], request

    def standings(self, name: str) -> list[Standing]:
        """Return the standing of each search of a run; none of a comparison.

        Raises:
            UnknownStudy: There is no such run, or it is hidden.
        """
        # By ids alone: their candidates, which may be many, are counted again only where they have changed.
        ids = [] if name in self.hidden else self.store.study_ids(name)
        if not ids:
            raise UnknownStudy(f"there is no run {name!r:.100}")
        searches = [study for study in ids if self.cache.study(study).is_search]
        return with_margins([standing(self.cache.totals(study)) for study in searches])

    def study(self, study_id: int) -> StudyRecord:
        """Return a study.

        Raises:
            UnknownStudy: There is none, or its run is hidden.
        """
        try:
            record = self.cache.study(study_id)
        except (UnknownStudy, OverflowError):
            record = None
        if record is None or record.spec.run in self.hidden:
            raise UnknownStudy(f"there is no study with id {study_id}")
        return record

    def totals(self, study_id: int) -> StudyTotals:
        """Return the totals of a study.

        Raises:
            UnknownStudy: There is none, or its run is hidden.
        """
        return self.cache.totals(self.study(study_id).id)

    def reasons(self, study_id: int) -> tuple[ReasonTotals, ...]:
        """Return why candidates of a study did not finish.

        Raises:
            UnknownStudy: There is none, or its run is hidden.
        """
        return self.cache.reasons(self.study(study_id).id)

    def candidates(
        self, study_id: int, *, sort: str, shown: CandidateFilter, cursor: str | None, limit: int
    ) -> tuple[Page[CandidateRow], int]:
        """Return a page of the candidates of a study, and their number; see `Store.candidate_page`.

        Raises:
            UnknownStudy: There is no such study, or its run is hidden.
            InvalidRequest: The order, the cursor or the limit is not accepted.
        """
        study = self.study(study_id)
        return self.store.candidate_page(study.id, sort=sort, shown=shown, cursor=cursor, limit=limit)

    def candidate(self, candidate_id: int) -> tuple[StudyRecord, CandidateRow]:
        """Return a candidate and its study.

        Raises:
            UnknownCandidate: There is none, or its run is hidden.
        """
        try:
            row = self.store.candidate(candidate_id)
            return self.study(row.study_id), row
        except (UnknownCandidate, UnknownStudy, OverflowError):
            raise UnknownCandidate(f"there is no candidate with id {candidate_id}") from None

    def attempts(self, row: CandidateRow) -> list[AttemptRecord]:
        """Return the attempts of a candidate, in order."""
        return self.store.attempts(row.study_id, row.record.key)

    def candidate_id(self, study_id: int, key: Key) -> int | None:
        """Return the id of a candidate of a study that may be read; None if it was never added."""
        return self.store.candidate_id(study_id, key)
