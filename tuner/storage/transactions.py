"""Transactions: reading, writing and migrating, with errors of the storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from tuner.storage import database_errors, sqlite_file
from tuner.storage.engines import WRITES, SQLiteConnection, url_of
from tuner.storage.errors import Changed, Damaged, Gone


@contextmanager
def reading(engine: Engine, busy_timeout: float) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database throughout, and never blocks a writer.

    Raises:
        Gone: The file was deleted or replaced while it was open.
        Changed: The file was read without locks, and was written to meanwhile.
        StorageError: The database failed.
    """
    isolation = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with (
        _translated_errors(engine, busy_timeout),
        engine.connect().execution_options(**isolation) as connection,
        connection.begin(),
    ):
        try:
            yield connection
        except (SQLAlchemyError, Damaged):
            _check_file(connection)  # a file that was replaced or changed may be the cause
            raise
        _check_file(connection)


@contextmanager
def writing(engine: Engine, busy_timeout: float) -> Iterator[Connection]:
    """Open a transaction that holds SQLite's write lock from the beginning; an exception rolls it back.

    Args:
        engine: Of the database.
        busy_timeout: Seconds to wait for a lock of another process.

    Raises:
        Gone: The file was deleted or replaced while it was open; nothing was written.
        StorageError: The database failed; nothing was written.
    """
    with (
        _translated_errors(engine, busy_timeout),
        engine.connect().execution_options(**{WRITES: busy_timeout}) as connection,
        connection.begin(),
    ):
        yield connection
        _check_file(connection)


@contextmanager
def migrating(engine: Engine, busy_timeout: float) -> Iterator[Connection]:
    """Open a writing transaction in which SQLite checks the foreign keys only at the end.

    SQLite alters a table by copying it and dropping the original; with foreign keys enabled, the drop would delete all
    rows that refer to it.

    Raises:
        Damaged: A row refers to a missing row; nothing was written.
        StorageError: The database failed; nothing was written.
    """
    if engine.dialect.name != "sqlite":
        with writing(engine, busy_timeout) as connection:
            server: Any = connection.connection.driver_connection
            limit, server.answers = server.answers, None  # a statement may rewrite a large table
            try:
                yield connection
            finally:
                server.answers = limit
        return
    with (
        _translated_errors(engine, busy_timeout),
        engine.connect().execution_options(**{WRITES: busy_timeout}) as connection,
    ):
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys = OFF")  # has no effect within a transaction
        try:
            with connection.begin():
                yield connection
                if orphans := orphaned_rows(connection):
                    raise Damaged(orphans[0])
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


def orphaned_rows(connection: Connection) -> list[str]:
    """Return a line for each row of a SQLite database that refers to a row that does not exist."""
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check")
    return [f"a row of {row[0]} refers to a row of {row[2]} that does not exist" for row in rows]


def _check_file(connection: Connection) -> None:
    """Check that a SQLite file is still the one that was opened: what is written to a deleted file is lost.

    Raises:
        Gone: The file was deleted or replaced.
        Changed: The file was read without locks, and was written to meanwhile.
    """
    opened = connection.connection.driver_connection
    if not isinstance(opened, SQLiteConnection) or opened.identity is None:
        return
    now = sqlite_file.identity(opened.path)
    if not opened.identity.is_same_file(now):
        what = "was deleted" if now is None else "was replaced by another file"
        raise Gone(f"the database {str(opened.path)!r} {what} while it was in use; restore it, or start a new one")
    if opened.without_locks and not sqlite_file.is_unchanged(opened.path, opened.identity):
        raise Changed(f"the database {str(opened.path)!r} was written to while it was read; try again")


@contextmanager
def _translated_errors(engine: Engine, busy_timeout: float) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise database_errors.translate(error, url_of(error, engine.url), busy_timeout) from error
