"""Reading of studies: the half of the store that changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tuner.core.study import CandidateRecord, Outcome, SeedRun, Series, StudyRecord
from tuner.core.trial import Key, Role
from tuner.storage import attempts, candidates, integrity, observations, studies
from tuner.storage.access import retried
from tuner.storage.attempts import AttemptRecord
from tuner.storage.errors import Damaged
from tuner.storage.integrity import Soundness
from tuner.storage.page_reader import PageReader

if TYPE_CHECKING:
    import numpy.typing as npt


class StudyReader(PageReader):
    """Methods of the store that read; `Store` adds those that write.

    Each method is one transaction. It never waits for a writer, nor makes a writer wait, and the values that it returns
    never change later.
    """

    @retried
    def runs(self) -> list[str]:
        """Return the names of all runs in alphabetical order."""
        with self._reading() as connection:
            return studies.runs(connection)

    @retried
    def studies(self, damaged: list[Damaged] | None = None) -> list[StudyRecord]:
        """Return all studies in the order of creation.

        Args:
            damaged: List to which an error is appended for each study that cannot be read; these studies are left out.

        Raises:
            Damaged: A study cannot be read, and `damaged` is None.
        """
        faults: list[Damaged] = []
        with self._reading() as connection:
            records = studies.all_studies(connection, faults)
        if faults and damaged is None:
            raise faults[0]
        (damaged if damaged is not None else []).extend(faults)
        return records

    @retried
    def find(self, name: str) -> list[StudyRecord]:
        """Return the study RUN/OPTIMIZER, or the studies of RUN in the order of creation.

        Raises:
            UnknownStudy: There is none; the text suggests similar names.
            Damaged: A study cannot be read.
        """
        with self._reading() as connection:
            return studies.find(connection, name)

    @retried
    def candidates(
        self, study_id: int, *, role: Role | None = None, generation: int | None = None, slot: int | None = None
    ) -> list[CandidateRecord]:
        """Return the candidates of a study in the order of their keys, without curves.

        An unknown study has no candidates.

        Args:
            study_id: Id of the study.
            role: Return only candidates of this role.
            generation: Return only candidates of this generation.
            slot: Return only candidates of this slot.

        Raises:
            Damaged: A candidate cannot be read.
        """
        with self._reading() as connection:
            return candidates.read(connection, study_id, role, generation, slot)

    @retried
    def further_fitnesses(self, study_id: int) -> dict[Key, tuple[float, ...]]:
        """Return the fitnesses of a study's candidates by the objectives after the first, of those that have any.

        Raises:
            Damaged: One cannot be read.
        """
        with self._reading() as connection:
            return observations.further_fitnesses(connection, study_id)

    @retried
    def milestones(self, study_id: int) -> dict[Key, tuple[tuple[int, float], ...]]:
        """Return step and running fitness of the milestones that candidates of a study have reached.

        Raises:
            Damaged: One cannot be read.
        """
        with self._reading() as connection:
            return observations.milestones(connection, study_id)

    @retried
    def outcomes(self, study_id: int) -> list[Outcome]:
        """Return the outcomes of a study's candidates in the order of their keys, as `candidates` does.

        This takes a third of the time, because it reads fewer columns.

        Raises:
            Damaged: An outcome cannot be read.
        """
        with self._reading() as connection:
            return candidates.outcomes(connection, study_id)

    @retried
    def best_of_generations(self, study_id: int) -> list[Outcome]:
        """Return the best individual that finished of each generation of a search; ties go to the lower slot.

        Raises:
            Damaged: An outcome of the study cannot be read.
        """
        with self._reading() as connection:
            return candidates.best_of_generations(connection, study_id)

    @retried
    def attempts(self, study_id: int, key: Key | None = None) -> list[AttemptRecord]:
        """Return the attempts of a study, or of one candidate, in the order in which they were started.

        Raises:
            UnknownCandidate: The key was never added.
            Damaged: An attempt cannot be read.
        """
        with self._reading() as connection:
            return attempts.read(connection, study_id, key)

    @retried
    def curve(self, study_id: int, key: Key) -> npt.NDArray[Any]:
        """Return the losses of a candidate, [steps_done], read-only, in their original dtype; empty until it is final.

        Raises:
            UnknownCandidate: The key was never added.
            Damaged: The losses cannot be read.
        """
        with self._reading() as connection:
            return candidates.read_curve(connection, study_id, key)

    @retried
    def output(self, study_id: int, key: Key) -> str:
        """Return what the training function of a candidate printed; "" if it printed nothing, or is not final.

        Raises:
            UnknownCandidate: The key was never added.
        """
        with self._reading() as connection:
            return candidates.read_output(connection, study_id, key)

    @retried
    def series(self, study_id: int, key: Key) -> Mapping[str, Series]:
        """Return the observations of a candidate by split; empty if it has none, or is not final.

        Raises:
            UnknownCandidate: The key was never added.
            Damaged: An observation cannot be read.
        """
        with self._reading() as connection:
            candidates.locate(connection, study_id, [key])
            return observations.read(connection, study_id, key).get(key, {})

    @retried
    def seed_runs(self, study_id: int, *, curves: bool = False) -> list[SeedRun]:
        """Return the runs of a comparison in the order of their keys, point by point; a search has none.

        Args:
            study_id: Id of the study.
            curves: Whether to read the losses as well.

        Raises:
            Damaged: A run cannot be read.
        """
        with self._reading() as connection:
            series = observations.read(connection, study_id)
            return [
                SeedRun(
                    candidate=record,
                    series=series.get(record.key, {}),
                    losses=candidates.read_curve(connection, study_id, record.key) if curves else None,
                )
                for record in candidates.read(connection, study_id, Role.COMPARISON, None, None)
            ]

    @retried
    def late_results(self, study_id: int) -> int:
        """Return the number of results that were refused because their attempt had been abandoned."""
        with self._reading() as connection:
            return candidates.late_results(connection, study_id)

    def check(self) -> Soundness:
        """Check the whole database, which may be in use, and return its faults."""
        with self._reading() as connection:
            return integrity.check(connection)

    def check_file(self) -> None:
        """Check the tables and, for SQLite, the file, but not the studies; the database may be in use.

        Raises:
            Damaged: A table or column is missing, or SQLite finds the file damaged.
        """
        with self._reading() as connection:
            integrity.check_file(connection)
