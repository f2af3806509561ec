"""Maintenance of whole databases: schema version, upgrade and backup."""

from __future__ import annotations

from pathlib import Path

from tuner.storage import backup, opening, schema, sqlite_file, transactions, urls
from tuner.storage.engines import make_engine
from tuner.storage.errors import NoDatabase
from tuner.storage.store import Store

BUSY_TIMEOUT = 10.0  # seconds


def shown(database: str) -> str:
    """Return the URL of a database in printable form, without passwords.

    Raises:
        BadUrl: The text is not the URL of a database.
    """
    return urls.shown(urls.parse(database))


def with_driver(database: str) -> str:
    """Return the URL of a database as SQLAlchemy accepts it, with its password, and with %, ? and # of a file quoted.

    Raises:
        BadUrl: The text is not the URL of a database.
    """
    return urls.parse(database).render_as_string(hide_password=False)


def is_in_memory(database: str) -> bool:
    """Return whether a database exists only as long as the process that opens it.

    Raises:
        BadUrl: The text is not the URL of a database.
    """
    url = urls.parse(database)
    return url.get_backend_name() == "sqlite" and urls.sqlite_path(url) is None


def version(database: str) -> str:
    """Return the version of a database's schema.

    Raises:
        NoDatabase: The database does not exist, or has no tables.
        StorageError: The database cannot be read, or was created by another program.
    """
    url = urls.parse(database)
    path = urls.sqlite_path(url)
    if path is not None and not sqlite_file.exists(path):
        raise sqlite_file.missing_error(path)
    engine = make_engine(url, read_only=True, busy_timeout=BUSY_TIMEOUT)
    try:
        with transactions.reading(engine, BUSY_TIMEOUT) as connection:
            stored = schema.read_version(connection)
    finally:
        engine.dispose()
    if stored is None:
        raise NoDatabase(f"there are no tables in {urls.shown(url)}; a run creates them")
    return stored


def upgrade(database: str) -> Path | None:
    """Upgrade a database to the newest schema, and return the backup made of a SQLite file with an older one.

    Raises:
        NoDatabase: The database does not exist, or has no tables.
        StorageError: The database could not be upgraded, and is unchanged; see `Store.open`.
    """
    path = urls.sqlite_path(urls.parse(database))
    before = version(database)
    Store.open(database).close()
    if path is None or version(database) == before:
        return None
    return backup.kept(path, before)[-1]


def back_up(database: str, file: Path) -> None:
    """Copy a whole database into a new SQLite file, entirely or not at all; a driver may write meanwhile.

    Raises:
        Unwritable: The file exists already, or cannot be created.
        StorageError: The database cannot be read.
    """
    path = urls.sqlite_path(urls.parse(database))
    if path is not None:
        version(database)  # raises where there is no database of ours
        backup.back_up(path, file)
        return
    with Store.open(database, read_only=True) as source:
        sqlite_file.create(file, lambda new: _copy_all(source, new), what=backup.WHAT, exclusive=True)


def _copy_all(source: Store, new: Path) -> None:
    """Copy the database of a server into an empty file."""
    opening.create_tables(urls.parse(str(new)), new, BUSY_TIMEOUT)
    with Store.open(str(new)) as target:
        source.copy_all_to(target)
