"""What is done with a database as a whole: which schema it has, brought up to date, copied into a file."""

from __future__ import annotations

from pathlib import Path

from tuner.storage import backup, connection, opening, schema, sqlite_file, urls
from tuner.storage.errors import NoDatabase
from tuner.storage.store import Store

BUSY_TIMEOUT = 10.0  # seconds


def shown(database: str) -> str:
    """Return a database as it may be printed."""
    return urls.shown(urls.parse(database))


def is_in_memory(database: str) -> bool:
    """Return whether a database ends with the process that opens it."""
    url = urls.parse(database)
    return url.get_backend_name() == "sqlite" and urls.sqlite_path(url) is None


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
    engine = connection.make_engine(url, read_only=True, busy_timeout=BUSY_TIMEOUT)
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
    Store.open(database).close()
    if path is None or version(database) == before:
        return None
    return backup.kept(path, before)[-1]


def back_up(database: str, file: Path) -> None:
    """Copy a whole database into a new SQLite file, whole or not at all; a driver may write meanwhile.

    Raises:
        Unwritable: The file is there already, or cannot be made.
        StorageError: The database cannot be read.
    """
    path = urls.sqlite_path(urls.parse(database))
    if path is not None:
        version(database)  # is there, and is ours
        backup.back_up(path, file)
        return
    with Store.open(database, read_only=True) as here:
        sqlite_file.create(file, lambda new: _fill(here, new), what=backup.WHAT, alone=True)


def _fill(here: Store, new: Path) -> None:
    """Copy a server's database into an empty file."""
    url = urls.parse(str(new))
    opening.fill(url, new, BUSY_TIMEOUT)
    with Store.open(str(new)) as there:
        here.copy_all_to(there)
