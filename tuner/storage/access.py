"""Access to a database: engine, transactions, and retries during outages."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine

from tuner.storage import changes, lease, opening, sqlite_file, transactions, urls
from tuner.storage.retries import Retrier

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Access = TypeVar("Access", bound="DatabaseAccess")
Method = Callable[Concatenate[Access, Arguments], Result]


def retried(method: Method[Access, Arguments, Result]) -> Method[Access, Arguments, Result]:
    """Repeat a method, which must be one idempotent transaction, while the database is unreachable or locked."""

    @functools.wraps(method)
    def retrying(self: Access, /, *arguments: Arguments.args, **keywords: Arguments.kwargs) -> Result:
        return self._retrier.call(lambda: method(self, *arguments, **keywords))

    return retrying


class DatabaseAccess:
    """An open database; subclasses add the operations."""

    def __init__(
        self,
        engine: Engine,
        release: Callable[[], None],
        busy_timeout: float,
        patience: float = 0.0,
        ended: threading.Event | None = None,
    ) -> None:
        """Take over an engine whose database has the newest schema; call `open` instead."""
        self._engine, self._release = engine, release
        self._busy_timeout = busy_timeout
        self._ended = ended or threading.Event()
        self._admit: Callable[[], None] = lambda: None
        self._retrier = Retrier(patience)
        # A database in memory has a single connection, which only one thread may use at a time.
        in_memory = engine.dialect.name == "sqlite" and urls.sqlite_path(engine.url) is None
        self._lock = threading.RLock() if in_memory else nullcontext()

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, busy_timeout: float = 10.0, patience: float = 0.0) -> Self:
        """Open a database; a missing one is created, and an older schema is upgraded.

        Args:
            url: A file name, sqlite:///FILE, sqlite:// for a database in memory, or
                postgresql://USER@HOST:PORT/DATABASE.
            read_only: Whether to open it for reading only; then nothing is created or upgraded.
            busy_timeout: Seconds to wait for a lock of another process.
            patience: Seconds to retry while a server is unreachable, or the database locked, after it was opened. This
                applies to reading and to the methods of a driver; by default they raise an error at once.

        Raises:
            BadUrl: The URL has none of these forms.
            NotAdmitted: The server rejected the login.
            NoDatabase: The database does not exist on the server, or is opened read-only and does not exist.
            NotOurs: The file or database was created by another program; it is left unchanged.
            NewerSchema: The database was created by a later version of this program.
            OlderSchema: The database was created by an earlier version, and is opened read-only.
            Unwritable: The file, its directory or the role does not permit writing.
            DiskFull: No space is left.
            Locked: Another process held a lock for longer than the busy timeout.
            Unreachable: The server cannot be reached.
            Damaged: The database cannot be read.
        """
        ended = threading.Event()
        engine, release = opening.open_engine(
            urls.parse(url), read_only=read_only, busy_timeout=busy_timeout, ended=ended
        )
        return cls(engine, release, busy_timeout, patience, ended)

    @property
    def url(self) -> str:
        """URL of the database in printable form, without passwords."""
        return urls.shown(self._engine.url)

    @property
    def remark(self) -> str | None:
        """A sentence on a SQLite file that is not as safe or as fast as it should be; None without one."""
        path, mode = urls.sqlite_path(self._engine.url), self.journal_mode
        return None if path is None or mode is None else sqlite_file.remark(path, mode)

    @property
    def journal_mode(self) -> str | None:
        """Journal mode of a SQLite database, "wal" where its file system supports that; None for PostgreSQL."""
        if self._engine.dialect.name != "sqlite":
            return None
        with self._reading() as connection:
            return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        self._release()

    def stop_retrying(self) -> None:
        """Stop waiting for an unreachable server: from now on each call makes one attempt."""
        self._retrier.stop()

    def stop_waiting(self) -> None:
        """End all calls that wait for a lock or for an answer, in all threads; from now on none waits."""
        self._retrier.stop()
        self._ended.set()

    def admit_by(self, check: Callable[[], None]) -> None:
        """Call a function before each transaction, which may refuse it by raising a StorageError."""
        self._admit = check

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._admit()
        with self._lock, transactions.reading(self._engine, self._busy_timeout) as connection:
            yield connection

    @contextmanager
    def _writing(self, busy_timeout: float | None = None) -> Iterator[Connection]:
        self._admit()
        seconds = self._busy_timeout if busy_timeout is None else busy_timeout
        with self._lock, transactions.writing(self._engine, seconds) as connection:
            yield connection

    @contextmanager
    def _fenced(self, study_id: int, epoch: int) -> Iterator[Connection]:
        """Open a writing transaction of a driver, which must still hold the study."""
        with self._writing() as connection:
            lease.fence(connection, study_id, epoch)
            yield connection
            changes.count(connection, study_id)
