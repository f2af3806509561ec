"""What is done with a database as a whole: which schema it has, brought up to date, copied into a file."""

from __future__ import annotations

from pathlib import Path

from tuner.storage import backup, connection, schema, sqlite_file, urls
from tuner.storage.errors import NoDatabase
from tuner.storage.store import Store

BUSY_TIMEOUT = 10.0  # seconds


def shown(database: str) -> str:
    """Return a database as it may be printed."""
    return urls.shown(urls.parse(database))


def version(database: str) -> str:
    """Return the version of a database's schema.

    Raises:
        NoDatabase: There is none.
        StorageError: It cannot be read, or is another program's.
    """
    url = urls.parse(database)
    path = urls.sqlite_path(url)
    if path is not None and not sqlite_file.exists(path):
        raise NoDatabase(f"there is no database {str(path)!r}; a run makes one, and --database names another")
    immutable = path is not None and sqlite_file.is_immutable(path)
    engine = connection.make_engine(url, read_only=True, busy_timeout=BUSY_TIMEOUT, immutable=immutable)
    try:
        with connection.reading(engine, BUSY_TIMEOUT) as opened:
            found = schema.read_version(opened)
    finally:
        engine.dispose()
    if found is None:
        raise NoDatabase(f"there are no tables in {urls.shown(url)}; a run makes them")
    return found


def upgrade(database: str) -> Path | None:
    """Bring a database to the newest schema, and return where a SQLite file is kept as it was, if it was older.

    Raises:
        StorageError: As `Store.open`; the database is as it was.
    """
    path = urls.sqlite_path(urls.parse(database))
    before = version(database)
    known = set() if path is None else set(backup.kept(path, before))
    Store.open(database).close()
    new = set() if path is None else set(backup.kept(path, before)) - known
    return next(iter(new), None)


def back_up(database: str, file: Path) -> None:
    """Copy a whole database into a new SQLite file, whole or not at all; a driver may write meanwhile.

    Raises:
        Unwritable: The file is there already, or cannot be made.
        StorageError: The database cannot be read, or a study of a server's is being driven.
    """
    path = urls.sqlite_path(urls.parse(database))
    if path is not None:
        version(database)  # is there, and is ours
        backup.back_up(path, file)
        return
    backup.check_free(file)
    with Store.open(database, read_only=True) as here:
        studies = here.studies()
        beside = file.with_name(f".{file.name}.partial")
        beside.unlink(missing_ok=True)
        try:
            with Store.open(str(beside)) as there:
                for study in studies:
                    here.copy_to(there, study.id)
            backup.back_up(beside, file)
        finally:
            beside.unlink(missing_ok=True)
