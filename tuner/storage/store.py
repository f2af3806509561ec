"""The store: a database of studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from tuner.core.events import AttemptStarted
from tuner.core.study import StudyRecord, StudySpec
from tuner.core.trial import Candidate, Evaluation, Key
from tuner.storage import attempts, candidates, copying, evaluations, integrity, lease, studies
from tuner.storage.access import retried
from tuner.storage.errors import StudyExists, StudyOwned
from tuner.storage.reader import StudyReader


class Store(StudyReader):
    """A database of studies, with six guarantees.

    1. A method that returns has written everything, so that neither a killed process nor a power failure undoes it; a
       method that raises has written nothing.
    2. A final candidate never changes again.
    3. Only the driver that holds a study writes to it: every write names the driver's epoch, or raises LeaseLost.
    4. Repeating a call has no further effect.
    5. Values that were returned never change later, and stored numbers are read back bit for bit.
    6. Reading never waits for a writer, and never makes a writer wait.

    Every method raises a StorageError if the database fails; its text is one line and contains no password. A store may
    be used by several threads, but not across a fork.
    """

    def create_study(self, spec: StudySpec) -> StudyRecord:
        """Create a study, which a driver can then acquire.

        Raises:
            BadName: The name of the run or of the optimizer breaks the rule for names.
            StudyExists: A study of this name exists already.
            ValueError: The specification is inconsistent, or contains a value that JSON cannot represent.
        """
        with self._writing() as connection:
            return studies.by_id(connection, studies.create(connection, spec))

    def create_run(self, specs: Sequence[StudySpec]) -> list[StudyRecord]:
        """Create all studies of a run, or none; a driver can then acquire them.

        Args:
            specs: Specifications with the same run and different optimizers.

        Raises:
            StudyExists: The run exists already, with whatever optimizers.
            BadName: The name of the run or of an optimizer breaks the rule for names.
            ValueError: A specification is inconsistent, or contains a value that JSON cannot represent.
        """
        with self._writing() as connection:
            return [studies.by_id(connection, id) for id in studies.create_run(connection, specs)]

    def taken_names(self) -> list[str]:
        """Return the names that a new run cannot have: those of all runs, and of runs that a service has not started.

        In alphabetical order.
        """
        with self._reading() as connection:
            return studies.taken(connection)

    def delete(self, *study_ids: int) -> None:
        """Delete studies with all their rows, or none of them.

        Raises:
            UnknownStudy: A study does not exist.
            StudyOwned: A driver holds one of the studies, or another study of their runs, whose driver may be about to
                acquire them.
        """
        with self._writing() as connection:
            studies.delete(connection, study_ids)

    @retried
    def amend(self, study_id: int, spec: StudySpec, note: str = "") -> None:
        """Store where the task of a study is now and its fingerprint; the rest of a specification never changes.

        Args:
            study_id: Id of the study.
            spec: Its specification, with another task, data or code.
            note: A remark for the results.

        Raises:
            UnknownStudy: The study does not exist.
            StudyOwned: A driver holds it, or another study of its run.
        """
        with self._writing() as connection:
            studies.amend(connection, study_id, spec, note)

    def copy_to(self, other: Store, study_id: int) -> bool:
        """Copy a study to another database; the copy is compared with the original before it is committed.

        Returns:
            Whether it was copied; False if the other database has an equal study already.

        Raises:
            StudyOwned: A driver holds the study.
            StudyExists: The other database has a different study of this name.
            Damaged: The study is not sound, or the copy differs; nothing was written.
        """
        with self._reading() as source:
            record = studies.by_id(source, study_id)
            if record.lease_left:
                raise StudyOwned(
                    f"the study {record.spec.name} is owned by {record.owner}; copy it once that driver has ended"
                )
            integrity.check_study(source, study_id)
            with other._writing() as target:
                existing = studies.id_of(target, record.spec)
                if existing is None:
                    copying.copy_study(source, target, study_id)
                    return True
                if copying.are_equal(source, study_id, target, existing):
                    return False
                raise StudyExists(
                    f"another study {record.spec.name} is in {other.url} already; delete it there first (database"
                    " delete-study), or copy to another database"
                )

    def copy_all_to(self, other: Store) -> None:
        """Copy all studies, as they are at one moment, to another database, which must be empty.

        Studies that a driver holds are copied too; their copies have no driver, and running candidates wait.

        Raises:
            Damaged: A study is not sound, or its copy differs; nothing was written.
        """
        with self._reading() as source, other._writing() as target:
            for study_id in studies.ids(source):
                integrity.check_study(source, study_id)
                copying.copy_study(source, target, study_id)

    def copy_run_to(self, other: Store, name: str) -> None:
        """Copy the studies of a run, or one study, as they are at one moment, for readers of another database.

        Unlike the copies of `copy_to`, what runs is shown as running, and rows are not compared: a snapshot is made
        again where it is in doubt.

        Raises:
            UnknownStudy: There is no such run or study.
        """
        with self._reading() as source, other._writing() as target:
            for record in studies.find(source, name):
                copying.copy_study(source, target, record.id, is_snapshot=True)

    def acquire(self, study_id: int, *, owner: str, lease_seconds: float = 15.0) -> int:
        """Become the driver of a study, and return the epoch that every write must name.

        A study of another driver can be acquired if its lease has expired, or if its process ran on this machine and
        has ended. Candidates that it left running wait again.

        Args:
            study_id: Id of the study.
            owner: "host:pid" of the driver, as `this_process` returns it.
            lease_seconds: Seconds for which the study is held without a call of `renew`.

        Raises:
            StudyOwned: Another driver holds the study.
            StudyComplete: The study is complete.
            UnknownStudy: The study does not exist.
        """
        epochs: list[int] = []  # shared by all attempts of this call

        def transaction() -> int:
            with self._writing() as connection:
                return lease.acquire(connection, study_id, owner, lease_seconds, epochs)

        return self._retrier.call(transaction)

    @retried
    def renew(self, study_id: int, epoch: int) -> None:
        """Renew the lease of a study; a driver calls this several times per lease.

        Raises:
            LeaseLost: The caller no longer holds the study.
        """
        with self._writing() as connection:
            lease.renew(connection, study_id, epoch)

    @retried
    def release(self, study_id: int, epoch: int, status: str) -> None:
        """Release a study as 'interrupted', 'stopped' or 'complete'; running candidates wait again.

        Raises:
            LeaseLost: The caller no longer holds the study.
            Incomplete: The status is 'complete', but candidates are missing or not final.
        """
        with self._writing() as connection:
            lease.release(connection, study_id, epoch, status)

    @retried
    def add(self, study_id: int, epoch: int, new: Sequence[Candidate]) -> None:
        """Add all candidates, or none; those that are stored already are left unchanged.

        Raises:
            LeaseLost: The caller no longer holds the study.
            Conflict: A different genome, seed or budget is stored for a key.
            ValueError: A number is not finite or is out of range.
        """
        with self._fenced(study_id, epoch) as connection:
            candidates.add(connection, study_id, new)

    @retried
    def start_attempt(self, study_id: int, epoch: int, keys: Sequence[Key], number: int, node: str, pid: int) -> None:
        """Record that a worker has started to train candidates; those that are final are left unchanged.

        Raises:
            LeaseLost: The caller no longer holds the study.
            UnknownCandidate: A key was never added.
            Conflict: The attempt has ended already.
        """
        with self._fenced(study_id, epoch) as connection:
            _start_attempts(connection, study_id, epoch, [AttemptStarted(tuple(keys), number, node, pid)])

    @retried
    def end_attempt(
        self, study_id: int, epoch: int, keys: Sequence[Key], number: int, reason: str, error: str = ""
    ) -> None:
        """Record that an attempt ended without a result.

        Its candidates wait again, unless they are final or have a later attempt.

        Raises:
            LeaseLost: The caller no longer holds the study.
            UnknownCandidate: A key was never added.
        """
        with self._fenced(study_id, epoch) as connection:
            rows = candidates.locate(connection, study_id, keys)
            attempts.end(connection, epoch, list(rows.values()), number, reason, error)

    @retried
    def record(
        self, study_id: int, epoch: int, results: Sequence[Evaluation], begun: Sequence[AttemptStarted] = ()
    ) -> list[bool]:
        """Record the evaluations of candidates in one transaction; the candidates are then final.

        Args:
            study_id: Id of the study.
            epoch: Epoch of the driver.
            results: The evaluations.
            begun: Attempts that started before, which are recorded first; see `start_attempt`.

        Returns:
            Whether each evaluation was recorded; False if the candidate was final already, or if the attempt had been
            abandoned for a later one.

        Raises:
            LeaseLost: The caller no longer holds the study.
            UnknownCandidate: A key was never added.
            Conflict: One of the attempts in `begun` has ended already.
            ValueError: A fitness is NaN, or does not fit its status.
        """
        encoded = evaluations.prepare(results)
        with self._fenced(study_id, epoch) as connection:
            _start_attempts(connection, study_id, epoch, begun)
            return evaluations.record(connection, study_id, epoch, results, encoded)

    @retried
    def finish(self, study_id: int, epoch: int, *, tuned: Mapping[str, Any], tuned_genome: Sequence[float]) -> None:
        """Store the tuned point, which ends the search; `release` then marks the study as complete.

        Raises:
            LeaseLost: The caller no longer holds the study.
            Conflict: A different tuned point is stored.
            ValueError: A number is not finite.
        """
        with self._fenced(study_id, epoch) as connection:
            studies.finish(connection, study_id, tuned, tuned_genome)

    @retried
    def add_note(self, study_id: int, epoch: int, text: str) -> None:
        """Add a remark to the study, unless the study has it already.

        Raises:
            LeaseLost: The caller no longer holds the study.
        """
        with self._fenced(study_id, epoch) as connection:
            studies.add_note(connection, study_id, text)


def _start_attempts(connection: Connection, study_id: int, epoch: int, begun: Sequence[AttemptStarted]) -> None:
    if begun:
        rows = candidates.locate(connection, study_id, [key for one in begun for key in one.keys])
        started = [
            attempts.NewAttempt(rows[key], one.attempt, one.node, one.pid)
            for one in begun
            for key in dict.fromkeys(one.keys)
        ]
        attempts.start(connection, epoch, started)
