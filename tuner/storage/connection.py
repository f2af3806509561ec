"""Connections: engines with the settings that faults have taught, and the two kinds of transaction.

SQLite needs four settings on every connection: the write-ahead log, so that readers and the writer do not wait for each
other; `synchronous=FULL`, so that what was acknowledged survives a power cut; a busy timeout; and `BEGIN IMMEDIATE` for
writers, because a transaction that reads first and asks for the write lock later fails at once when another has written
in between, whatever the timeout.
"""

from __future__ import annotations

import json
import logging
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from tuner.storage import cells, failures, sqlite_file, urls
from tuner.storage.errors import BadUrl, Changed, Damaged, Gone

CONNECT_TIMEOUT = 10  # seconds that a database server may take to answer

_ASK_SECONDS = 0.001, 0.01  # between two requests for SQLite's write lock, drawn so that no two keep step

_WRITES = "lodo_tune_writes"  # the execution option that marks a writer's connection

_URL = "lodo_tune_url"  # the attribute of an error that says whose it is: two databases may be at work


class _File(sqlite3.Connection):
    """A connection to a SQLite file that knows which file it opened."""

    place: Path
    begun: sqlite_file.Identity | None  # what was there then
    without_locks: bool


def make_engine(url: URL, *, read_only: bool, busy_timeout: float, file: Path | None = None) -> Engine:
    """Make an engine; nothing is opened before the first connection.

    Args:
        url: As `urls.parse` returns it.
        read_only: Whether the database refuses to be written through it.
        busy_timeout: Seconds to wait for another process' lock.
        file: The SQLite file to open instead of the URL's, which errors go on to name.

    Raises:
        BadUrl: the driver of such databases is not installed.
    """
    common: dict[str, Any] = {
        "hide_parameters": True,
        "json_serializer": _dump_json,
        "json_deserializer": _load_json,
    }
    if url.get_backend_name() == "sqlite":
        return _named(_sqlite_engine(url, file or urls.sqlite_path(url), read_only, busy_timeout, common))
    options = f"-c lock_timeout={max(1, int(busy_timeout * 1000))}" + (
        " -c default_transaction_read_only=on" if read_only else ""
    )
    given = url.query.get("options", "")
    # What psycopg logs of a connection that is cut off would come before the line that says what happened.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        return _named(
            create_engine(
                url.difference_update_query(["options"]),
                pool_pre_ping=True,  # a server that was restarted is met with a new connection, not with an error
                connect_args={
                    "connect_timeout": CONNECT_TIMEOUT,
                    "application_name": "lodo-tune",
                    "options": f"{given if isinstance(given, str) else ' '.join(given)} {options}".strip(),
                },
                **common,
            )
        )
    except ImportError:
        raise BadUrl("PostgreSQL needs the package psycopg: pip install 'lodo-tune[postgres]'") from None


def _named(engine: Engine) -> Engine:
    """Let every error of an engine know whose it is."""

    @event.listens_for(engine, "handle_error")
    def name(context: ExceptionContext) -> None:
        if context.sqlalchemy_exception is not None:
            setattr(context.sqlalchemy_exception, _URL, engine.url)

    return engine


@contextmanager
def reading(engine: Engine, busy_timeout: float) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database throughout, and never blocks a writer.

    Raises:
        StorageError: the database failed.
    """
    isolation = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with _told(engine, busy_timeout), engine.connect().execution_options(**isolation) as connection, connection.begin():
        try:
            yield connection
        except (SQLAlchemyError, Damaged):
            _check_file(connection)  # which may be the reason
            raise
        _check_file(connection)


@contextmanager
def writing(engine: Engine, busy_timeout: float) -> Iterator[Connection]:
    """Open a transaction that holds SQLite's write lock from its first moment; an exception undoes all of it.

    Raises:
        Gone: the file that is open is no longer at its place; nothing was written.
        StorageError: the database failed; nothing was written.
    """
    with (
        _told(engine, busy_timeout),
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection
        _check_file(connection)


@contextmanager
def migrating(engine: Engine, busy_timeout: float) -> Iterator[Connection]:
    """Open a writing transaction in which SQLite follows no foreign key until the end, when all are checked.

    SQLite alters a table by copying it and dropping the old one, and with its foreign keys on the drop deletes every
    row that refers to it.

    Raises:
        StorageError: the database failed; nothing was written.
        Damaged: a row is left that refers to nothing; nothing was written.
    """
    if engine.dialect.name != "sqlite":
        with writing(engine, busy_timeout) as connection:
            yield connection
        return
    with _told(engine, busy_timeout), engine.connect().execution_options(**{_WRITES: True}) as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys = OFF")  # within a transaction it would do nothing
        try:
            with connection.begin():
                yield connection
                if orphan := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise Damaged(f"a row of {orphan[0]} refers to a row of {orphan[2]} that is not there")
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


def _check_file(connection: Connection) -> None:
    """Check that a SQLite file is still the one that was opened; what is written to a deleted one is lost.

    Raises:
        Gone: it is not.
        Changed: it was read without locks, and somebody wrote to it meanwhile.
    """
    opened = connection.connection.driver_connection
    if not isinstance(opened, _File) or opened.begun is None:
        return
    now = sqlite_file.identity(opened.place)
    if not opened.begun.is_same_file(now):
        what = "was deleted" if now is None else "was replaced by another file"
        raise Gone(f"the database {str(opened.place)!r} {what} while it was in use; put it back, or begin anew")
    if opened.without_locks and not sqlite_file.is_untouched(opened.place, opened.begun):
        raise Changed(f"the database {str(opened.place)!r} was written to while it was read; try again")


@contextmanager
def _told(engine: Engine, busy_timeout: float) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise failures.told(error, getattr(error, _URL, engine.url), busy_timeout) from error


def _sqlite_engine(url: URL, path: Path | None, read_only: bool, busy_timeout: float, common: dict[str, Any]) -> Engine:
    if path is None:
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False}, **common)
    else:
        place = path.absolute()

        def connect() -> sqlite3.Connection:
            # Never "mode=rwc": SQLite would make a missing file, and the next to open it would find an empty one.
            alone = read_only and sqlite_file.is_to_be_left_alone(place)
            mode = "immutable=1" if alone else "mode=ro" if read_only else "mode=rw"
            opened = sqlite3.connect(
                f"file:{quote(str(place))}?{mode}",
                uri=True,
                timeout=busy_timeout,
                check_same_thread=False,
                factory=_File,
            )
            opened.place, opened.begun, opened.without_locks = place, sqlite_file.identity(place), alone
            return opened

        # A reader opens the file anew each time: it may have to do without side files now and with them later.
        pool = {"poolclass": NullPool} if read_only else {}
        engine = create_engine(url, creator=connect, **pool, **common)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin where `begin` below says, and nowhere else
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES, False):
            _begin_writing(connection, busy_timeout)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _begin_writing(connection: Connection, busy_timeout: float) -> None:
    """Ask for the write lock until it is had, or for too long.

    SQLite itself asks more and more seldom, so that among many writers who asked first waits longest.
    """
    driver: Any = connection.connection.driver_connection
    end = time.monotonic() + busy_timeout
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
                if code != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                    raise
            else:
                return
            time.sleep(random.uniform(*_ASK_SECONDS))  # noqa: S311 - nothing is secret, and nobody repeats it
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")


def _dump_json(value: object) -> str:
    # ASCII only: NUL and lone surrogates are escaped, which every database takes. Not finite is refused.
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _load_json(text: Any) -> Any:
    try:
        return _DECODER.decode(text if isinstance(text, str) else bytes(text).decode())  # psycopg gives bytes
    except (ValueError, TypeError, RecursionError):
        return cells.NotJson(text)  # raised here it would spoil every row beside its own, and name none


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"stored JSON holds {name}, which is not JSON")


# One decoder for all: making one for every value took longer than decoding it.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
