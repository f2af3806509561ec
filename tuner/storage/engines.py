"""Engines of SQLAlchemy with the settings that SQLite and PostgreSQL need.

SQLite needs four settings on every connection:

- the write-ahead log, so that readers and the writer do not block each other;
- `synchronous=FULL`, so that an acknowledged write survives a power failure;
- a busy timeout;
- `BEGIN IMMEDIATE` for writers: a transaction that reads first and requests the write lock later fails at once if
  another process has written in between, whatever the timeout.
"""

from __future__ import annotations

import json
import logging
import random
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from tuner.storage import answers, sqlite_file, urls
from tuner.storage.checked_rows import InvalidJson
from tuner.storage.errors import BadUrl

WRITES = "lodo_tune_writes"  # execution option of a connection that writes: seconds to wait for a lock

_LOCK_INTERVAL = 0.001, 0.01  # seconds between two requests for SQLite's write lock, drawn at random
_URL = "lodo_tune_url"  # attribute of an error: the database that it concerns, since two may be in use


class SQLiteConnection(sqlite3.Connection):
    """Connection to a SQLite file that records which file was opened."""

    path: Path
    identity: sqlite_file.Identity | None  # of the file when it was opened
    without_locks: bool


def make_engine(
    url: URL,
    *,
    read_only: bool,
    busy_timeout: float,
    file: Path | None = None,
    ended: threading.Event | None = None,
) -> Engine:
    """Return an engine; no connection is opened yet.

    Args:
        url: As `urls.parse` returns it.
        read_only: Whether the database refuses writes through this engine.
        busy_timeout: Seconds to wait for a lock of another process.
        file: SQLite file to open instead of the one that the URL names; errors name the URL's.
        ended: Is set when nothing may wait for the database any more.

    Raises:
        BadUrl: The driver for this kind of database is not installed.
    """
    ended = ended or threading.Event()
    common: dict[str, Any] = {
        "hide_parameters": True,
        "json_serializer": _dump_json,
        "json_deserializer": _load_json,
    }
    if url.get_backend_name() == "sqlite":
        engine = _sqlite_engine(url, file or urls.sqlite_path(url), read_only, busy_timeout, ended, common)
    else:
        engine = _postgresql_engine(url, read_only, busy_timeout, ended, common)

    @event.listens_for(engine, "handle_error")
    def attach_url(context: ExceptionContext) -> None:
        if context.sqlalchemy_exception is not None:
            setattr(context.sqlalchemy_exception, _URL, engine.url)

    return engine


def url_of(error: SQLAlchemyError, default: URL) -> URL:
    """Return the URL of the database that an error concerns."""
    url: URL = getattr(error, _URL, default)
    return url


def _postgresql_engine(
    url: URL, read_only: bool, busy_timeout: float, ended: threading.Event, common: dict[str, Any]
) -> Engine:
    # Warnings that psycopg logs when a connection is lost would be printed before our one line of error.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        engine = create_engine(
            url,
            pool_timeout=busy_timeout,  # a connection is waited for as long as a lock
            pool_pre_ping=True,  # after a restart of the server, idle connections are replaced without an error
            connect_args={
                "connect_timeout": answers.CONNECT_TIMEOUT,
                "application_name": "lodo-tune",
                "prepare_threshold": None,  # a pooler may execute a prepared statement on another connection
                # Without PGOPTIONS, which may hold settings for other programs, such as a rounding of numbers.
                **({} if "options" in url.query else {"options": ""}),
            },
            **common,
        )
    except ImportError:
        raise BadUrl("PostgreSQL needs the package psycopg: pip install 'lodo-tune[postgres]'") from None

    # Poolers such as PgBouncer refuse settings in the start-up packet, and keep those of a session for other clients.
    read_only_setting = ", set_config('transaction_read_only', 'on', true)" if read_only else ""
    its_answers = answers.Answers(busy_timeout + answers.ANSWER_TIMEOUT, ended)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, keywords: Any) -> Any:
        return its_answers.connect(*arguments, **keywords)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        seconds = connection.get_execution_options().get(WRITES, busy_timeout)
        lock_setting = f"set_config('lock_timeout', '{max(1, int(seconds * 1000))}', true)"
        connection.exec_driver_sql(f"SELECT {lock_setting}{read_only_setting}")

    return engine


def _sqlite_engine(
    url: URL, path: Path | None, read_only: bool, busy_timeout: float, ended: threading.Event, common: dict[str, Any]
) -> Engine:
    if path is None:
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False}, **common)
    else:
        absolute = path.absolute()

        def connect() -> sqlite3.Connection:
            # Never "mode=rwc": SQLite would create a missing file, and the next process would find an empty one.
            without_locks = read_only and sqlite_file.must_read_without_locks(absolute)
            mode = "immutable=1" if without_locks else "mode=ro" if read_only else "mode=rw"
            opened = sqlite3.connect(
                f"file:{quote(str(absolute))}?{mode}",
                uri=True,
                timeout=busy_timeout,
                check_same_thread=False,
                factory=SQLiteConnection,
            )
            opened.path, opened.identity = absolute, sqlite_file.identity(absolute)
            opened.without_locks = without_locks
            return opened

        # A reader reopens the file for each transaction: whether it may use side files can change meanwhile.
        pool: dict[str, Any] = {"poolclass": NullPool} if read_only else {"pool_timeout": busy_timeout}
        engine = create_engine(url, creator=connect, **pool, **common)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin only in `begin` below
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        seconds = connection.get_execution_options().get(WRITES)
        if seconds is None:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection, seconds, busy_timeout, ended)

    return engine


def _begin_writing(connection: Connection, seconds: float, busy_timeout: float, ended: threading.Event) -> None:
    """Request SQLite's write lock until it is granted, the time has passed, or nothing may wait any more.

    SQLite itself waits longer and longer between two requests, so that among many writers the one that has waited
    longest would be served last.
    """
    driver: Any = connection.connection.driver_connection
    end = time.monotonic() + seconds
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
                if code != sqlite3.SQLITE_BUSY or time.monotonic() >= end or ended.is_set():
                    raise
            else:
                return
            time.sleep(random.uniform(*_LOCK_INTERVAL))  # noqa: S311 - not used for security or reproducible results
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")


def _dump_json(value: object) -> str:
    # ASCII only, so that NUL and lone surrogates are escaped. Numbers that are not finite are refused.
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _load_json(text: Any) -> Any:
    try:
        return _DECODER.decode(text if isinstance(text, str) else bytes(text).decode())  # psycopg returns bytes
    except (ValueError, TypeError, RecursionError):
        return InvalidJson(text)  # an error raised here would hide all other rows of the query, and name no row


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"stored JSON contains {name}, which is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)  # shared: creating one takes longer than decoding a value
