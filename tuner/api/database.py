"""A database of studies, to read from and to look after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.core.errors import InvalidRequest
from tuner.storage import Damaged, Soundness, Store, StudyOwned, maintenance

if TYPE_CHECKING:
    from tuner.api.run import Comparison, Run, Study

DEFAULT_DATABASE = "lodo-tune.db"
PATIENCE = 60.0  # seconds to wait for a database server that goes away during a run


class Database:
    """A database of studies.

    It is opened for each call and closed again, read-only where nothing is written. A database in memory stays open
    as long as this object exists.

    Args:
        url: A file name, "sqlite:///FILE", "sqlite://" for one in memory, or
            "postgresql://USER@HOST:PORT/DATABASE".

    Raises:
        BadUrl: The URL is none of these.
    """

    def __init__(self, url: str | Path = DEFAULT_DATABASE) -> None:
        if not str(url):
            raise InvalidRequest("database", "is a file or a URL", "")
        self.source = str(url)  # may hold a password
        self._memory = Store.open(self.source) if maintenance.is_in_memory(self.source) else None

    @property
    def url(self) -> str:
        """The database without passwords."""
        return maintenance.shown(self.source)

    def __repr__(self) -> str:
        return f"Database({self.url!r})"

    @contextlib.contextmanager
    def reading(self, patience: float = 0.0) -> Iterator[Store]:
        """Open the database to read it while the context is open.

        Args:
            patience: Seconds to wait for a server that goes away meanwhile.

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
        """Open the database to write to it while the context is open.

        Args:
            create: Whether to make one if there is none.

        Raises:
            NoDatabase: There is none, and none may be made.
            StorageError: It cannot be written.
        """
        if self._memory is not None:
            yield self._memory
            return
        if not create:
            maintenance.version(self.source)
        with Store.open(self.source, patience=PATIENCE) as store:
            yield store

    def runs(self) -> list[Run | Comparison]:
        """Return all runs, in the order in which they were created."""
        return [self.run(name) for name in dict.fromkeys(study.run for study in self.studies())]

    def run(self, name: str) -> Run | Comparison:
        """Return the run, or the part of it that is one study, of a name.

        Raises:
            UnknownStudy: There is none; the nearest names are suggested.
        """
        from tuner.api.run import Comparison, Run

        with self.reading() as store:
            (first, *_) = store.find(name)
        return Run(self, name) if first.is_search else Comparison(self, name)

    def studies(self, damaged: list[Damaged] | None = None) -> list[Study]:
        """Return all studies in the order in which they were created.

        Args:
            damaged: Takes an error for each study that cannot be read, which is then left out.

        Raises:
            Damaged: A study cannot be read, and no list is given.
        """
        from tuner.api.run import Study

        with self.reading() as store:
            return [Study(self, record) for record in store.studies(damaged)]

    def check(self) -> Soundness:
        """Read all that the database holds, and return what is wrong with it; it may be in use."""
        with self.reading() as store:
            return store.check()

    def upgrade(self) -> Path | None:
        """Bring the database to the newest schema; return where a file is kept as it was, if it was older."""
        return maintenance.upgrade(self.source)

    @property
    def schema(self) -> str:
        """Version of the database's schema."""
        return maintenance.version(self.source)

    def back_up(self, file: str | Path) -> None:
        """Copy the whole database into a new SQLite file; it may be in use.

        Raises:
            StorageError: It cannot be read, or the file cannot be made.
        """
        maintenance.back_up(self.source, Path(file))

    def copy_to(self, target: Database, *names: str) -> Iterator[tuple[str, bool | StudyOwned]]:
        """Copy runs or studies, by default all, into another database, each compared with its original.

        Args:
            target: The other database.
            names: Of runs or studies.

        Yields:
            Each study's name, and whether it was copied: False where the other database has just this study already,
            StudyOwned where a driver holds it.

        Raises:
            InvalidRequest: There is nothing to copy, or both are one database.
            StorageError: A study cannot be read or written, or another of its name is there already.
        """
        if maintenance.is_in_memory(target.source):
            raise InvalidRequest("target", ": a copy in memory would end with this process; name a file or a server")
        with self.reading() as here:
            records = unique(here, names)
            here.check_file()
            if not records:
                raise InvalidRequest("source", f": {here.url} holds no study yet")
            with Store.open(target.source) as there:
                if there.url == here.url:
                    raise InvalidRequest("target", f": both databases are {here.url}; copy from one into another")
                for record in records:
                    try:
                        yield record.spec.name, here.copy_to(there, record.id)
                    except StudyOwned as error:
                        yield record.spec.name, error

    def delete(self, name: str) -> list[str]:
        """Delete a study, or a run with all its studies; return the names of what was deleted.

        Raises:
            UnknownStudy: There is none.
            StudyOwned: The run is being driven; nothing was deleted.
        """
        with self.writing(create=False) as store:
            records = store.find(name)
            store.delete(*(record.id for record in records))
        return [record.spec.name for record in records]


def open_database(url: str | Path = DEFAULT_DATABASE) -> Database:
    """Return a database of studies. Nothing is read yet, and nothing made.

    Args:
        url: A file name, "sqlite:///FILE", or "postgresql://USER@HOST:PORT/DATABASE".

    Raises:
        BadUrl: The URL is none of these.

    Example:
        >>> import tuner
        >>> tuner.open_database("lodo-tune.db")
        Database('sqlite:///lodo-tune.db')
    """
    return Database(url)


def unique(store: Store, names: Sequence[str], damaged: list[Damaged] | None = None) -> list[Any]:
    """Return the records of the named runs and studies, each once; of all if no name is given."""
    found = [record for name in names for record in store.find(name)] if names else store.studies(damaged)
    return list({record.id: record for record in found}.values())
