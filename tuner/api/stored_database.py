"""A database as a whole: access to it, and its maintenance."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tuner.api.finding import find
from tuner.core.errors import InvalidRequest
from tuner.storage import Soundness, Store, StudyOwned, maintenance

DEFAULT_DATABASE = "lodo-tune.db"
PATIENCE = 60.0  # seconds to wait for a database server that becomes unreachable during a run


class StoredDatabase:
    """A database that is opened for each method and closed again, and its maintenance; see `Database`."""

    def __init__(self, url: str | Path = DEFAULT_DATABASE) -> None:
        if not str(url):
            raise InvalidRequest("database", "is a file or a URL", "")
        self.source = str(url)  # may hold a password
        self._memory = Store.open(self.source) if maintenance.is_in_memory(self.source) else None

    @property
    def is_in_memory(self) -> bool:
        """Whether it is lost with this process."""
        return self._memory is not None

    @property
    def url(self) -> str:
        """URL of the database, without passwords."""
        return maintenance.shown(self.source)

    def __repr__(self) -> str:
        return f"Database({self.url!r})"

    @contextlib.contextmanager
    def reading(self, patience: float = 0.0) -> Iterator[Store]:
        """Return a context in which the database is open for reading.

        Args:
            patience: Seconds to wait for a server that becomes unreachable meanwhile. Default 0.

        Raises:
            StorageError: It cannot be read.
        """
        if self._memory is not None:
            yield self._memory
            return
        with Store.open(self.source, read_only=True, patience=patience) as store:
            yield store

    @contextlib.contextmanager
    def writing(self, *, create: bool = True) -> Iterator[Store]:
        """Return a context in which the database is open for writing.

        Args:
            create: Whether to create the database if it does not exist. Default True.

        Raises:
            NoDatabase: It does not exist, and may not be created.
            StorageError: It cannot be written.
        """
        if self._memory is not None:
            yield self._memory
            return
        if not create:
            maintenance.version(self.source)
        with Store.open(self.source, patience=PATIENCE) as store:
            yield store

    def check(self) -> Soundness:
        """Read the whole database, and return its faults. Drivers may write meanwhile."""
        with self.reading() as store:
            return store.check()

    def upgrade(self) -> Path | None:
        """Upgrade the database to the newest schema; return the path of the copy that is kept of an older file."""
        return maintenance.upgrade(self.source)

    @property
    def schema(self) -> str:
        """Version of the database's schema."""
        return maintenance.version(self.source)

    def back_up(self, file: str | Path) -> None:
        """Copy the whole database into a new SQLite file. Drivers may write meanwhile.

        Raises:
            StorageError: The database cannot be read, or the file cannot be created.
        """
        maintenance.back_up(self.source, Path(file))

    def copy_to(self, target: StoredDatabase, *names: str) -> Iterator[tuple[str, bool | StudyOwned]]:
        """Copy runs or studies, by default all, to another database, and compare each copy with the original.

        Args:
            target: The other database.
            names: Names of runs or studies.

        Yields:
            Name of each study, and whether it was copied: True, False if the target already has an identical study, or
            StudyOwned if a driver holds the study.

        Raises:
            InvalidRequest: There is nothing to copy, or both databases are the same.
            StorageError: A study cannot be read or written, or the target has a different study of this name.
        """
        if maintenance.is_in_memory(target.source):
            raise InvalidRequest(
                "target", ": a database in memory would be lost with this process; name a file or a server"
            )
        with self.reading() as source_store:
            source_store.check_file()
            records = find(source_store, names)
            with Store.open(target.source) as target_store:
                if target_store.url == source_store.url:
                    raise InvalidRequest("target", f": source and target are the same database, {target_store.url}")
                for record in records:
                    try:
                        yield record.spec.name, source_store.copy_to(target_store, record.id)
                    except StudyOwned as error:
                        yield record.spec.name, error

    def delete(self, name: str) -> list[str]:
        """Delete a study, or a run with all its studies; return the names of the deleted studies.

        Raises:
            UnknownStudy: There is no such run or study.
            StudyOwned: A driver holds a study of the run; nothing was deleted.
        """
        with self.writing(create=False) as store:
            records = store.find(name)
            store.delete(*(record.id for record in records))
        return [record.spec.name for record in records]
