"""Opening a database: what is there is judged first, made if it is missing, and brought to our schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from tuner.storage import backup, connection, schema, sqlite_file, urls
from tuner.storage.errors import Damaged, NoDatabase


def open_engine(url: URL, *, read_only: bool, busy_timeout: float) -> Engine:
    """Return an engine on a database that has our schema.

    Raises:
        StorageError: see `Store.open`.
    """
    path = urls.sqlite_path(url)
    if path is not None:
        _prepare_file(url, path, read_only=read_only, busy_timeout=busy_timeout)
    elif read_only and url.get_backend_name() == "sqlite":
        raise NoDatabase("a database in memory holds nothing to read; name a file")
    engine = connection.make_engine(url, read_only=read_only, busy_timeout=busy_timeout)
    try:
        with connection.reading(engine, busy_timeout) as opened:
            current = schema.is_current(opened, read_only=read_only)
            version = schema.read_version(opened)
        if not current:
            if path is not None and version is not None:
                backup.before_upgrade(path, version)
            with connection.migrating(engine, busy_timeout) as opened:
                schema.upgrade(opened)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _prepare_file(url: URL, path: Path, *, read_only: bool, busy_timeout: float) -> None:
    if not sqlite_file.exists(path):
        if read_only:
            raise NoDatabase(f"there is no database {str(path)!r}; a run makes one, and --database names another")
        sqlite_file.create(path, lambda new: fill(url, new, busy_timeout))
    if not read_only:
        sqlite_file.check_writable(path)
    # Judged through a connection that cannot write: what turns out to be newer or damaged is left as it is.
    judge = connection.make_engine(url, read_only=True, busy_timeout=busy_timeout)
    try:
        with connection.reading(judge, busy_timeout) as opened:
            version = schema.read_version(opened)
            if version is None:  # a new one is made whole, so this one has lost its tables
                raise Damaged(f"the database {str(path)!r} is damaged: it has our mark, but no tables")
            schema.refuse_newer(opened, version)
    finally:
        judge.dispose()


def fill(url: URL, new: Path, busy_timeout: float) -> None:
    """Make the tables in an empty SQLite file, and mark it as ours.

    Args:
        url: The database, as errors name it.
        new: The file.
        busy_timeout: Seconds to wait for another process' lock.

    Raises:
        StorageError: The file cannot be written.
    """
    engine = connection.make_engine(url, read_only=False, busy_timeout=busy_timeout, file=new)
    try:
        with connection.writing(engine, busy_timeout) as opened:
            opened.exec_driver_sql(f"PRAGMA application_id = {sqlite_file.APPLICATION_ID}")
            schema.upgrade(opened)
    finally:
        engine.dispose()
