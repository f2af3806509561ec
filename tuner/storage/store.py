"""The store: the one door to a database of studies."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import numpy.typing as npt
from sqlalchemy import Connection, Engine

from tuner.core.study import CandidateRecord, Outcome, SeedRun, StudyRecord, StudySpec
from tuner.core.trial import AttemptStarted, Candidate, Evaluation, Key, Role
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
from tuner.storage.errors import Damaged, StudyExists, StudyOwned
from tuner.storage.patience import Patience

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Method = Callable[Concatenate["Store", Arguments], Result]


def _patient(method: Method[Arguments, Result]) -> Method[Arguments, Result]:
    """Let a method, which is one transaction, be tried again while the database cannot be reached."""

    @functools.wraps(method)
    def trying(self: Store, /, *arguments: Arguments.args, **others: Arguments.kwargs) -> Result:
        return self._patience.call(lambda: method(self, *arguments, **others))

    return trying


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

    def __init__(self, engine: Engine, busy_timeout: float, patience: float = 0.0) -> None:
        """Take over an engine whose database has our schema; use `Store.open` instead."""
        self._engine = engine
        self._busy_timeout = busy_timeout
        self._patience = Patience(patience)
        # A database in memory has one connection, which threads must take in turn.
        in_memory = engine.dialect.name == "sqlite" and urls.sqlite_path(engine.url) is None
        self._turn = threading.RLock() if in_memory else nullcontext()

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, busy_timeout: float = 10.0, patience: float = 0.0) -> Store:
        """Open a database; a new one is made if there is none.

        Args:
            url: A file name, sqlite:///FILE, sqlite:// for one in memory, or postgresql://USER@HOST:PORT/DATABASE.
            read_only: Whether to open it for reading alone; then nothing is made and nothing brought up to date.
            busy_timeout: Seconds to wait for another process that holds the database.
            patience: Seconds to wait for a server that goes away after it was opened. What a driver says, and what is
                read, is then said or asked again until it is back; by default that is an error at once.

        Raises:
            BadUrl: the URL is none of these.
            NoDatabase: there is nothing to read.
            NotOurs: something else is there; it is left as it is.
            NewerSchema: a later version made it; OlderSchema: an earlier one did, and it is opened for reading.
            Unwritable, DiskFull, Locked, Unreachable, Damaged: what the names say.
        """
        engine = opening.open_engine(urls.parse(url), read_only=read_only, busy_timeout=busy_timeout)
        return cls(engine, busy_timeout, patience)

    @property
    def url(self) -> str:
        """The database as it may be printed, without passwords."""
        return urls.shown(self._engine.url)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def give_up(self) -> None:
        """Wait no more for a server that went away: from now on all that needs it fails at once."""
        self._patience.end()

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

    def create_run(self, specs: Sequence[StudySpec]) -> list[StudyRecord]:
        """Create the studies of a run, all or none; they wait for a driver to acquire them.

        Args:
            specs: Of one run, with distinct optimizers.

        Raises:
            StudyExists: there is a study of this run already, whatever its optimizer.
            BadName, ValueError: as `create_study`.
        """
        with self._writing() as c:
            return [studies.by_id(c, id) for id in studies.create_run(c, specs)]

    @_patient
    def runs(self) -> list[str]:
        """Return the names of all runs, in alphabetical order."""
        with self._reading() as c:
            return studies.runs(c)

    @_patient
    def studies(self, damaged: list[Damaged] | None = None) -> list[StudyRecord]:
        """Return all studies in the order of creation.

        Args:
            damaged: Takes an error for each study that cannot be read, which is then left out.

        Raises:
            Damaged: a study cannot be read, and nobody takes its error.
        """
        faults: list[Damaged] = []
        with self._reading() as c:
            found = studies.all_studies(c, faults)
        if faults and damaged is None:
            raise faults[0]
        (damaged if damaged is not None else []).extend(faults)
        return found

    @_patient
    def find(self, name: str) -> list[StudyRecord]:
        """Return the study RUN/OPTIMIZER, or the studies of RUN in the order of creation.

        Raises:
            UnknownStudy: there is none; the nearest names are suggested.
        """
        with self._reading() as c:
            return studies.find(c, name)

    def delete(self, *study_ids: int) -> None:
        """Delete studies with all that belongs to them, all or none.

        Raises:
            UnknownStudy: there is no such study.
            StudyOwned: a driver holds one of them, or another study of their run, which it may be about to drive.
        """
        with self._writing() as c:
            studies.delete(c, study_ids)

    def check(self) -> Soundness:
        """Read all that the database holds, and say what is wrong with it; it may be in use."""
        with self._reading() as c:
            return checking.check(c)

    def check_file(self) -> None:
        """Have SQLite look at its file, whatever is in it; nothing is done on a server, which looks by itself.

        Raises:
            Damaged: it is not whole.
        """
        with self._reading() as c:
            checking.refuse_damaged_file(c)

    def copy_to(self, other: Store, study_id: int) -> bool:
        """Copy a study into another database, compared with the original before it counts.

        Returns:
            Whether it was copied; False if the other database has just this study already.

        Raises:
            StudyOwned: a driver holds it.
            StudyExists: the other database has another study of this name.
            Damaged: the study contradicts itself, or the copy differs; nothing was written.
        """
        with self._reading() as source:
            record = studies.by_id(source, study_id)
            if record.lease_left:
                raise StudyOwned(f"the study {record.spec.name} is owned by {record.owner}; copy it once it is free")
            checking.refuse_unsound(source, study_id)
            with other._writing() as target:
                there = studies.id_of(target, record.spec)
                if there is None:
                    copying.copy_study(source, target, study_id)
                    return True
                if copying.are_alike(source, study_id, target, there):
                    return False
                raise StudyExists(
                    f"another study {record.spec.name} is in {other.url} already; delete it there first (database"
                    " delete-study), or copy into another database"
                )

    def copy_all_to(self, other: Store) -> None:
        """Copy all studies as they are at one moment into another database, which is empty.

        A study that a driver holds is copied, too; in the copy nobody holds it, and what it runs waits.

        Raises:
            Damaged: a study contradicts itself, or its copy differs; nothing was written.
        """
        with self._reading() as source, other._writing() as target:
            for study_id in studies.ids(source):
                checking.refuse_unsound(source, study_id)
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
        epochs: list[int] = []
        return self._patience.call(lambda: self._acquire(study_id, owner, lease_seconds, epochs))

    def _acquire(self, study_id: int, owner: str, lease_seconds: float, epochs: list[int]) -> int:
        with self._writing() as c:
            return lease.acquire(c, study_id, owner, lease_seconds, epochs)

    @_patient
    def renew(self, study_id: int, epoch: int) -> None:
        """Say that the driver lives; to be called several times a lease.

        Raises:
            LeaseLost: another driver has the study.
        """
        with self._writing() as c:
            lease.renew(c, study_id, epoch)

    @_patient
    def release(self, study_id: int, epoch: int, status: str) -> None:
        """Give the study back, as 'interrupted', 'stopped' or 'complete'; what still runs waits again.

        Raises:
            LeaseLost: another driver has the study.
            Incomplete: it is to be complete, but candidates are missing, or some candidate is not final.
        """
        with self._writing() as c:
            lease.release(c, study_id, epoch, status)

    @_patient
    def add(self, study_id: int, epoch: int, new: Sequence[Candidate]) -> None:
        """Add candidates, all or none; those that are there already, just so, are left alone.

        Raises:
            LeaseLost: another driver has the study.
            Conflict: a key holds another genome, seed or budget.
            ValueError: a number is not finite or out of range.
        """
        with self._fenced(study_id, epoch) as c:
            candidates.add(c, study_id, new)

    @_patient
    def start_attempt(self, study_id: int, epoch: int, keys: Sequence[Key], number: int, node: str, pid: int) -> None:
        """Note that a worker trains these candidates from now on; final ones are left alone.

        Raises:
            LeaseLost: another driver has the study.
            UnknownCandidate: a key was never added.
            Conflict: this attempt has ended already.
        """
        with self._fenced(study_id, epoch) as c:
            self._start(c, study_id, epoch, [AttemptStarted(tuple(keys), number, node, pid)])

    @_patient
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

    @_patient
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

    @_patient
    def finish(self, study_id: int, epoch: int, *, tuned: Mapping[str, float], tuned_genome: Sequence[float]) -> None:
        """Store the tuned point, with which the search is over; `release` says when the study is complete.

        Raises:
            LeaseLost: another driver has the study.
            Conflict: another point is stored.
        """
        with self._fenced(study_id, epoch) as c:
            studies.finish(c, study_id, tuned, tuned_genome)

    @_patient
    def add_note(self, study_id: int, epoch: int, text: str) -> None:
        """Add a remark to the study, unless it has this one.

        Raises:
            LeaseLost: another driver has the study.
        """
        with self._fenced(study_id, epoch) as c:
            studies.add_note(c, study_id, text)

    @_patient
    def candidates(
        self, study_id: int, *, role: Role | None = None, generation: int | None = None, slot: int | None = None
    ) -> list[CandidateRecord]:
        """Return the candidates of a study in the order of their keys, without curves; none for an unknown study."""
        with self._reading() as c:
            return candidates.read(c, study_id, role, generation, slot)

    @_patient
    def outcomes(self, study_id: int) -> list[Outcome]:
        """Return what came of the candidates of a study in the order of their keys; none for an unknown study.

        The same as `candidates` returns, in a third of the time.
        """
        with self._reading() as c:
            return candidates.outcomes(c, study_id)

    @_patient
    def attempts(self, study_id: int, key: Key | None = None) -> list[AttemptRecord]:
        """Return the attempts of a study, or of one candidate, in the order in which they began.

        Raises:
            UnknownCandidate: the key was never added.
        """
        with self._reading() as c:
            return attempts.read(c, study_id, key)

    @_patient
    def curve(self, study_id: int, key: Key) -> npt.NDArray[Any]:
        """Return a candidate's losses, [steps_done] in their own dtype and read-only; none while it is not final.

        Raises:
            UnknownCandidate: the key was never added.
        """
        with self._reading() as c:
            return candidates.read_curve(c, study_id, key)

    @_patient
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
                for record in candidates.read(c, study_id, Role.COMPARISON, None, None)
            ]

    @_patient
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
