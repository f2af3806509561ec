"""The store: the one door to a database of studies."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Self

import numpy.typing as npt
from sqlalchemy import Connection, Engine

from tuner.candidate import AttemptStarted, Candidate, Evaluation, Key, Role
from tuner.records import CandidateRecord, SeedRun, StudyRecord, StudySpec
from tuner.storage import (
    attempts,
    candidates,
    checking,
    connection,
    copying,
    evaluations,
    lease,
    observations,
    opening,
    studies,
    urls,
)
from tuner.storage.attempts import AttemptRecord
from tuner.storage.checking import Soundness
from tuner.storage.errors import StudyExists, StudyOwned


class Store:
    """A database of studies, with six laws.

    1. A method that returns has written all it was given, so that neither a killed process nor a power cut undoes it;
       one that raises has written nothing.
    2. A final candidate never changes again.
    3. Only the driver that holds a study writes to it: every write names its epoch, or raises LeaseLost.
    4. Saying a thing twice is saying it once.
    5. What was returned never changes later; what was stored comes back bit for bit.
    6. Reading never waits for a writer, and never makes it wait.

    Every method raises a StorageError, of one line and without passwords, when the database fails. A store may be used
    from several threads, but not across a fork.
    """

    def __init__(self, engine: Engine, busy_timeout: float) -> None:
        """Take over an engine whose database has our schema; use `Store.open` instead."""
        self._engine = engine
        self._busy_timeout = busy_timeout
        # A database in memory has one connection, which threads must take in turn.
        in_memory = engine.dialect.name == "sqlite" and urls.sqlite_path(engine.url) is None
        self._turn = threading.RLock() if in_memory else nullcontext()

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, busy_timeout: float = 10.0) -> Store:
        """Open a database; a new one is made if there is none.

        Args:
            url: A file name, sqlite:///FILE, sqlite:// for one in memory, or postgresql://USER@HOST:PORT/DATABASE.
            read_only: Whether to open it for reading alone; then nothing is made and nothing brought up to date.
            busy_timeout: Seconds to wait for another process that holds the database.

        Raises:
            BadUrl: the URL is none of these.
            NoDatabase: there is nothing to read.
            NotOurs: something else is there; it is left as it is.
            NewerSchema: a later version made it; OlderSchema: an earlier one did, and it is opened for reading.
            Unwritable, DiskFull, Locked, Unreachable, Damaged: what the names say.
        """
        return cls(opening.open_engine(urls.parse(url), read_only=read_only, busy_timeout=busy_timeout), busy_timeout)

    @property
    def url(self) -> str:
        """The database as it may be printed, without passwords."""
        return urls.shown(self._engine.url)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_study(self, spec: StudySpec) -> StudyRecord:
        """Create a study; it waits for a driver to acquire it.

        Raises:
            BadName: the run's or optimizer's name breaks the rule for names.
            StudyExists: there is one of this name.
            ValueError: the specification contradicts itself, or holds a number that JSON has not.
        """
        with self._writing() as c:
            return studies.by_id(c, studies.create(c, spec))

    def studies(self) -> list[StudyRecord]:
        """Return all studies in the order of creation."""
        with self._reading() as c:
            return studies.all_studies(c)

    def find(self, name: str) -> list[StudyRecord]:
        """Return the study RUN/OPTIMIZER, or the studies of RUN in the order of creation.

        Raises:
            UnknownStudy: there is none; the nearest names are suggested.
        """
        with self._reading() as c:
            return studies.find(c, name)

    def delete(self, study_id: int) -> None:
        """Delete a study with all that belongs to it.

        Raises:
            UnknownStudy: there is no such study.
            StudyOwned: a driver holds it.
        """
        with self._writing() as c:
            studies.delete(c, study_id)

    def check(self) -> Soundness:
        """Read all that the database holds, and say what is wrong with it; it may be in use."""
        with self._reading() as c:
            return checking.check(c)

    def copy_to(self, other: Store, study_id: int) -> None:
        """Copy a study into another database, compared with the original before it counts.

        Raises:
            StudyOwned: a driver holds it.
            StudyExists: the other database has a study of this name.
            Damaged: the copy differs; nothing was written.
        """
        with self._reading() as source, other._writing() as target:
            record = studies.by_id(source, study_id)
            if record.lease_left:
                raise StudyOwned(f"the study {record.spec.name} is owned by {record.owner}; copy it once it is free")
            try:
                studies.check_name_is_free(target, record.spec)
            except StudyExists:
                raise StudyExists(
                    f"the study {record.spec.name} is in {other.url} already; delete it there first (database"
                    " delete-study), or copy into another database"
                ) from None
            copying.copy_study(source, target, study_id)

    def acquire(self, study_id: int, *, owner: str, lease_seconds: float = 15.0) -> int:
        """Become the driver of a study, and return the epoch that every write must name.

        A study that another driver holds is taken over if its lease has run out, or if its process ran on this machine
        and has ended. What it left running waits again.

        Args:
            study_id: Which study.
            owner: "host:pid", as `processes.this_process` gives it.
            lease_seconds: How long the study stays ours without `renew`.

        Raises:
            StudyOwned: another driver holds it.
            StudyComplete: it is complete.
        """
        with self._writing() as c:
            return lease.acquire(c, study_id, owner, lease_seconds)

    def renew(self, study_id: int, epoch: int) -> None:
        """Say that the driver lives; to be called several times a lease.

        Raises:
            LeaseLost: another driver has the study.
        """
        with self._writing() as c:
            lease.renew(c, study_id, epoch)

    def release(self, study_id: int, epoch: int, status: str) -> None:
        """Give the study back, as 'interrupted', 'stopped' or 'complete'; what still runs waits again.

        Raises:
            LeaseLost: another driver has the study.
            Incomplete: it is to be complete, but candidates are missing, or some candidate is not final.
        """
        with self._writing() as c:
            lease.release(c, study_id, epoch, status)

    def add(self, study_id: int, epoch: int, new: Sequence[Candidate]) -> None:
        """Add candidates, all or none; those that are there already, just so, are left alone.

        Raises:
            LeaseLost: another driver has the study.
            Conflict: a key holds another genome, seed or budget.
            ValueError: a number is not finite or out of range.
        """
        with self._fenced(study_id, epoch) as c:
            candidates.add(c, study_id, new)

    def start_attempt(self, study_id: int, epoch: int, keys: Sequence[Key], number: int, node: str, pid: int) -> None:
        """Note that a worker trains these candidates from now on; final ones are left alone.

        Raises:
            LeaseLost: another driver has the study.
            UnknownCandidate: a key was never added.
            Conflict: this attempt has ended already.
        """
        with self._fenced(study_id, epoch) as c:
            self._start(c, study_id, epoch, [AttemptStarted(tuple(keys), number, node, pid)])

    def end_attempt(
        self, study_id: int, epoch: int, keys: Sequence[Key], number: int, reason: str, error: str = ""
    ) -> None:
        """Note that an attempt came to nothing: its candidates wait again, unless they are final or already tried anew.

        Raises:
            LeaseLost: another driver has the study.
            UnknownCandidate: a key was never added.
        """
        with self._fenced(study_id, epoch) as c:
            attempts.end(c, epoch, list(candidates.locate(c, study_id, keys).values()), number, reason, error)

    def record(
        self, study_id: int, epoch: int, given: Sequence[Evaluation], begun: Sequence[AttemptStarted] = ()
    ) -> list[bool]:
        """Record what came of candidates, all in one transaction; from then on they are final.

        Args:
            study_id: Which study.
            epoch: Of the lease.
            given: What came of them.
            begun: Attempts that began before, noted first and in the same transaction; see `start_attempt`.

        Returns:
            Whether each was recorded; False if it was final already, or the attempt had been given up for another.

        Raises:
            LeaseLost: another driver has the study.
            UnknownCandidate: a key was never added.
            Conflict: an attempt that began has ended already.
            ValueError: a fitness is NaN, or does not fit its status.
        """
        encoded = evaluations.prepare(given)
        with self._fenced(study_id, epoch) as c:
            self._start(c, study_id, epoch, begun)
            return evaluations.record(c, study_id, epoch, given, encoded)

    def finish(self, study_id: int, epoch: int, *, tuned: Mapping[str, float], tuned_genome: Sequence[float]) -> None:
        """Store the tuned point, with which the search is over; `release` says when the study is complete.

        Raises:
            LeaseLost: another driver has the study.
            Conflict: another point is stored.
        """
        with self._fenced(study_id, epoch) as c:
            studies.finish(c, study_id, tuned, tuned_genome)

    def add_note(self, study_id: int, epoch: int, text: str) -> None:
        """Add a remark to the study, unless it has this one.

        Raises:
            LeaseLost: another driver has the study.
        """
        with self._fenced(study_id, epoch) as c:
            studies.add_note(c, study_id, text)

    def candidates(
        self, study_id: int, *, role: Role | None = None, generation: int | None = None
    ) -> list[CandidateRecord]:
        """Return the candidates of a study in the order of their keys, without curves; none for an unknown study."""
        with self._reading() as c:
            return candidates.read(c, study_id, role, generation)

    def attempts(self, study_id: int, key: Key | None = None) -> list[AttemptRecord]:
        """Return the attempts of a study, or of one candidate, in the order in which they began.

        Raises:
            UnknownCandidate: the key was never added.
        """
        with self._reading() as c:
            return attempts.read(c, study_id, key)

    def curve(self, study_id: int, key: Key) -> npt.NDArray[Any]:
        """Return a candidate's losses, [steps_done] in their own dtype and read-only; none while it is not final.

        Raises:
            UnknownCandidate: the key was never added.
        """
        with self._reading() as c:
            return candidates.read_curve(c, study_id, key)

    def seed_runs(self, study_id: int, *, curves: bool = False) -> list[SeedRun]:
        """Return the runs of a comparison in the order of their keys, point by point; none of a search.

        Args:
            study_id: Which study.
            curves: Whether to read the losses as well.
        """
        with self._reading() as c:
            series = observations.read(c, study_id)
            return [
                SeedRun(
                    candidate=record,
                    series=series.get(record.key, {}),
                    losses=candidates.read_curve(c, study_id, record.key) if curves else None,
                )
                for record in candidates.read(c, study_id, Role.COMPARISON, None)
            ]

    def late_results(self, study_id: int) -> int:
        """Return how many results of abandoned attempts came after all, and were refused."""
        with self._reading() as c:
            return candidates.late_results(c, study_id)

    @staticmethod
    def _start(c: Connection, study_id: int, epoch: int, begun: Sequence[AttemptStarted]) -> None:
        if begun:
            rows = candidates.locate(c, study_id, [key for one in begun for key in one.keys])
            given = [
                attempts.Begun(rows[key], one.attempt, one.node, one.pid)
                for one in begun
                for key in dict.fromkeys(one.keys)
            ]
            attempts.start(c, epoch, given)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._turn, connection.reading(self._engine, self._busy_timeout) as opened:
            yield opened

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._turn, connection.writing(self._engine, self._busy_timeout) as opened:
            yield opened

    @contextmanager
    def _fenced(self, study_id: int, epoch: int) -> Iterator[Connection]:
        with self._writing() as opened:
            lease.fence(opened, study_id, epoch)
            yield opened
