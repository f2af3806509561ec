"""Reading of parts and totals of studies.

The cost does not grow with what is not shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tuner.core.aggregates import CandidateFilter, CandidateRow, GenerationTotals, Page, ReasonTotals, StudyTotals
from tuner.core.study import StudyRecord
from tuner.core.trial import Key, Role
from tuner.storage import candidate_pages, candidates, changes, run_pages, studies, totals
from tuner.storage.access import DatabaseAccess, retried
from tuner.storage.errors import Damaged


class PageReader(DatabaseAccess):
    """Methods of the store that read a page of a list, or totals that the database computes.

    Each is one transaction, as those of `StudyReader` are. None reads a curve.
    """

    @retried
    def study(self, study_id: int) -> StudyRecord:
        """Return a study.

        Raises:
            UnknownStudy: There is none.
            Damaged: It cannot be read.
        """
        with self._reading() as connection:
            return studies.by_id(connection, study_id)

    @retried
    def run_of(self, study_id: int) -> str:
        """Return the name of a study's run, without reading the rest of its specification.

        Raises:
            UnknownStudy: There is no such study.
        """
        with self._reading() as connection:
            return studies.run_of(connection, study_id)

    @retried
    def study_ids(self, run: str) -> list[int]:
        """Return the ids of the studies of a run in the order of creation; none of an unknown run."""
        with self._reading() as connection:
            return studies.ids_of_run(connection, run)

    @retried
    def run_page(
        self,
        *,
        among: Collection[str] | None = None,
        hidden: Collection[str] = (),
        task: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[Page[tuple[StudyRecord, ...]], tuple[Damaged, ...]]:
        """Return a page of runs, the newest first, and the faults of the studies on it that cannot be read.

        Args:
            among: Names of the runs to list. Default: all.
            hidden: Names of runs that are left out.
            task: List only runs with a study of this task.
            status: List only runs with a study of this status.
            cursor: A cursor that another page of this list returned. Default: the first page.
            limit: Greatest number of runs, from 1 to 1,000.

        Raises:
            InvalidRequest: The cursor or the limit is not accepted.
        """
        damaged: list[Damaged] = []
        with self._reading() as connection:
            found = run_pages.page(
                connection,
                among=among,
                hidden=hidden,
                task=task,
                status=status,
                cursor=cursor,
                limit=limit,
                damaged=damaged,
            )
        return found, tuple(damaged)

    @retried
    def study_totals(self, study_id: int, known: Sequence[GenerationTotals] = ()) -> StudyTotals:
        """Return the totals of a study at one moment.

        Args:
            study_id: Id of the study.
            known: Totals of its generations at an earlier moment; those that were complete are not counted again.
                Default: none.

        Raises:
            UnknownStudy: There is none.
            Damaged: It cannot be read.
        """
        with self._reading() as connection:
            record = studies.by_id(connection, study_id)
            generations = totals.by_generation(connection, study_id, totals.complete(known, record.spec.batch_size))
            return StudyTotals(
                record=record,
                changes=changes.number(connection, study_id),
                generations=generations,
                fresh=tuple(candidates.outcomes(connection, study_id, (Role.DEFAULT, Role.TUNED))),
                pace=totals.pace(connection, study_id, generations),
            )

    @retried
    def changes(self) -> dict[int, int]:
        """Return how often each study has changed so far, by its id; see `tuner.storage.changes`."""
        with self._reading() as connection:
            return changes.numbers(connection)

    @retried
    def changes_of(self, study_id: int) -> int:
        """Return how often one study has changed so far.

        Raises:
            UnknownStudy: There is no such study.
        """
        with self._reading() as connection:
            return changes.number(connection, study_id)

    @retried
    def reasons(self, study_id: int) -> tuple[ReasonTotals, ...]:
        """Return the candidates of a study that ended without finishing, by status and reason; the largest first."""
        with self._reading() as connection:
            return totals.reasons(connection, study_id)

    @retried
    def candidate_page(
        self,
        study_id: int,
        *,
        sort: str = "id",
        shown: CandidateFilter = CandidateFilter(),  # noqa: B008 (frozen)
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[Page[CandidateRow], int]:
        """Return a page of the candidates of a study, and the number of candidates on all pages of this list.

        Args:
            study_id: Id of the study; an unknown one has no candidates.
            sort: "id", "fitness", "seconds" or "steps"; with "-" in front the greatest comes first.
            shown: The candidates to list. Default: all.
            cursor: A cursor that another page of this list returned. Default: the first page.
            limit: Greatest number of candidates, from 1 to 1,000.

        Raises:
            InvalidRequest: The order, the cursor or the limit is not accepted.
            Damaged: A candidate cannot be read.
        """
        with self._reading() as connection:
            found = candidate_pages.page(connection, study_id, sort, shown, cursor, limit)
            return found, candidate_pages.count(connection, study_id, shown)

    @retried
    def candidate(self, candidate_id: int) -> CandidateRow:
        """Return a candidate.

        Raises:
            UnknownCandidate: There is none.
            Damaged: It cannot be read.
        """
        with self._reading() as connection:
            return candidate_pages.by_id(connection, candidate_id)

    @retried
    def candidate_id(self, study_id: int, key: Key) -> int | None:
        """Return the id of a candidate; None if it was never added."""
        with self._reading() as connection:
            return candidate_pages.id_of(connection, study_id, key)
