"""A database of studies, to read from and to look after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.api.reading import by_run, drawable, find, summary_of, table_of
from tuner.core.errors import InvalidRequest
from tuner.results.tables.table import Table
from tuner.storage import Damaged, Soundness, Store, StudyOwned, maintenance

if TYPE_CHECKING:
    from tuner.api.run import Comparison, Run, Study
    from tuner.results.analysis.summary import Best

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

    @classmethod
    def of(cls, database: str | Path | Database) -> Database:
        """Return a database as it is, or that of a file or URL."""
        return database if isinstance(database, Database) else cls(database)

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

    def table(self, *names: str, damaged: list[Damaged] | None = None) -> Table:
        """Return the table of the named runs and studies, by default of all.

        Args:
            names: Of runs and studies.
            damaged: As of `studies`.

        Raises:
            InvalidRequest: There is no study at all.
            UnknownStudy: There is none of a name.
        """
        with self.reading() as store:
            return table_of(store, find(store, names, damaged))

    def listing(self, format: str = "text", *, damaged: list[Damaged] | None = None) -> str:
        """Return a list of all studies, one line each.

        Args:
            format: "text" or "json".
            damaged: As of `studies`.

        Raises:
            ValueError: There is no such format.
        """
        from tuner.results.tables import listing

        faults: list[Damaged] = []
        best: dict[str, Best] = {}
        with self.reading() as store:
            records = store.studies(faults)
            for record in records:
                try:
                    found = summary_of(store, record).best if record.is_search else None
                except Damaged as error:
                    faults.append(error)
                    continue
                if found is not None:
                    best[record.spec.name] = found
        if faults and damaged is None:
            raise faults[0]
        (damaged if damaged is not None else []).extend(faults)
        return listing.render_studies(records, format, best)

    def figures(self, *names: str, formats: Sequence[str] = ("png",)) -> dict[str, bytes]:
        """Draw the figures of the named runs and studies, by default of all; return files by name, "RUN-FIGURE.png".

        Args:
            names: Of runs and studies.
            formats: "png", "pdf" or "svg".

        Raises:
            InvalidRequest: There is no study at all.
            ValueError: There is no such format.
        """
        from tuner.results.figures import FORMATS, figure_files
        from tuner.results.tables.formats import check_format

        for format in formats:
            check_format(format, FORMATS)
        with self.reading() as store:
            return {
                f"{run}-{name}": content
                for run, records in by_run(find(store, names)).items()
                for name, draw in figure_files(drawable(store, records), dict.fromkeys(formats))
                if (content := draw()) is not None
            }

    def report(self, path: str | Path, *names: str, overwrite: bool = False) -> Path:
        """Write an HTML page on the named runs and studies, by default on all; see `Run.report`."""
        from tuner.api.report import write_report

        write_report(self, names, Path(path), overwrite=overwrite)
        return Path(path)

    def to_tensorboard(self, folder: str | Path, *names: str) -> Iterator[tuple[str, int]]:
        """Write the named runs and studies, by default all, for TensorBoard.

        Args:
            folder: What `tensorboard --logdir` shows.
            names: Of runs and studies.

        Yields:
            Each study's name, and how many runs of TensorBoard it became.

        Raises:
            InvalidRequest: There is no study at all.
            NotWritten: The folder cannot take a study; those before it stay.
        """
        from tuner.api.interchange import write_tensorboard

        with self.reading() as store:
            yield from write_tensorboard(store, find(store, names), Path(folder))

    def to_optuna(self, url: str, *names: str) -> Iterator[tuple[str, int]]:
        """Write the named runs and studies, by default all, into a storage of Optuna.

        Args:
            url: A file or a URL; not a database of ours.
            names: Of runs and studies.

        Yields:
            Each study's name, and how many trials of Optuna it became.

        Raises:
            InvalidRequest: There is no study at all, or the storage is a database of ours.
            NoOptuna: Optuna is not installed, cannot use its storage, or has a study of the name.
        """
        from tuner.api.interchange import write_optuna

        with self.reading() as store:
            yield from write_optuna(store, find(store, names), url)

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
            here.check_file()
            records = find(here, names)
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
        >>> database = tuner.open_database("lodo-tune.db")
        >>> database
        Database('sqlite:///lodo-tune.db')
        >>> [run.name for run in database.runs()]
        ['first', 'second']
    """
    return Database(url)
