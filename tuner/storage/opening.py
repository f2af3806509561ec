"""Opening of a database: it is checked, created if it is missing, and upgraded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from tuner.storage import backup, schema, sqlite_file, transactions, urls
from tuner.storage.engines import make_engine
from tuner.storage.errors import Damaged, NoDatabase


def open_engine(
    url: URL, *, read_only: bool, busy_timeout: float, ended: threading.Event
) -> tuple[Engine, Callable[[], None]]:
    """Return an engine for a database that has the newest schema, and what is called once the engine is disposed of.

    A missing SQLite file is created, and an older schema is upgraded, unless the database is opened read-only.

    Args:
        url: As `urls.parse` returns it.
        read_only: Whether to open the database for reading only.
        busy_timeout: Seconds to wait for a lock of another process.
        ended: Is set when nothing may wait for the database any more.

    Raises:
        StorageError: The database cannot be opened; see `Store.open`.
    """
    path, release = urls.sqlite_path(url), _nothing
    if path is not None:
        if not sqlite_file.exists(path):
            if read_only:
                raise sqlite_file.missing_error(path)
            sqlite_file.create(path, lambda new: create_tables(url, new, busy_timeout))
        release = _held(path)
        try:
            _check_file(url, path, read_only=read_only, busy_timeout=busy_timeout)
        except BaseException:
            release()
            raise
    elif read_only and url.get_backend_name() == "sqlite":
        raise NoDatabase("a new database in memory holds nothing to read; name a file")
    engine = make_engine(url, read_only=read_only, busy_timeout=busy_timeout, ended=ended)
    try:
        with transactions.reading(engine, busy_timeout) as connection:
            current = schema.is_current(connection, read_only=read_only)
            version = schema.read_version(connection)
        if not current:
            if path is not None and version is not None:
                backup.before_upgrade(path, version)
            with transactions.migrating(engine, busy_timeout) as connection:
                schema.upgrade(connection)
    except BaseException:
        engine.dispose()
        release()
        raise
    return engine, release


def _nothing() -> None:
    """Do nothing: a server's database, or one in memory, is no file of this process."""


def _held(path: Path) -> Callable[[], None]:
    try:
        return sqlite_file.hold(path)
    except OSError:  # it was deleted since
        raise sqlite_file.missing_error(path) from None


def _check_file(url: URL, path: Path, *, read_only: bool, busy_timeout: float) -> None:
    if not read_only:
        sqlite_file.check_writable(path)
    # This connection cannot write, so that a newer or damaged database is left unchanged.
    engine = make_engine(url, read_only=True, busy_timeout=busy_timeout)
    try:
        with transactions.reading(engine, busy_timeout) as connection:
            version = schema.read_version(connection)
            if version is None:  # our files are created with their tables, so the tables were lost
                raise Damaged(f"the database {str(path)!r} is damaged: it was created by lodo-tune, but has no tables")
            schema.check_not_newer(connection, version)
    finally:
        engine.dispose()


def create_tables(url: URL, new: Path, busy_timeout: float) -> None:
    """Create the tables in an empty SQLite file, and mark it with our application id.

    Args:
        url: The database, as errors name it.
        new: The file.
        busy_timeout: Seconds to wait for a lock of another process.

    Raises:
        StorageError: The file cannot be written.
    """
    engine = make_engine(url, read_only=False, busy_timeout=busy_timeout, file=new)
    try:
        with transactions.writing(engine, busy_timeout) as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {sqlite_file.APPLICATION_ID}")
            schema.upgrade(connection)
    finally:
        engine.dispose()
