"""Connections: engines with the settings that faults have taught, and the two kinds of transaction.

SQLite needs four settings on every connection: the write-ahead log, so that readers and the writer do not wait for each
other; `synchronous=FULL`, so that what was acknowledged survives a power cut; a busy timeout; and `BEGIN IMMEDIATE` for
writers, because a transaction that reads first and asks for the write lock later fails at once when another has written
in between, whatever the timeout.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from tuner.storage import failures, urls
from tuner.storage.errors import BadUrl, Damaged

CONNECT_TIMEOUT = 10  # seconds that a database server may take to answer

_WRITES = "lodo_tune_writes"  # the execution option that marks a writer's connection


def make_engine(
    url: URL, *, read_only: bool, busy_timeout: float, immutable: bool = False, file: Path | None = None
) -> Engine:
    """Make an engine; nothing is opened before the first connection.

    Args:
        url: As `urls.parse` returns it.
        read_only: Whether the database refuses to be written through it.
        busy_timeout: Seconds to wait for another process' lock.
        immutable: Whether a SQLite file can be changed by nobody, so that it is read without locks and side files.
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
        path = file or urls.sqlite_path(url)
        mode = "immutable=1" if immutable else "mode=ro" if read_only else "mode=rw"
        return _sqlite_engine(url, path, mode, busy_timeout, common)
    options = f"-c lock_timeout={max(1, int(busy_timeout * 1000))}" + (
        " -c default_transaction_read_only=on" if read_only else ""
    )
    given = url.query.get("options", "")
    try:
        return create_engine(
            url.difference_update_query(["options"]),
            pool_pre_ping=True,  # a server that was restarted is met with a new connection, not with an error
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT,
                "application_name": "lodo-tune",
                "options": f"{given if isinstance(given, str) else ' '.join(given)} {options}".strip(),
            },
            **common,
        )
    except ImportError:
        raise BadUrl("PostgreSQL needs the package psycopg: pip install 'lodo-tune[postgres]'") from None


@contextmanager
def reading(engine: Engine, busy_timeout: float) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database throughout, and never blocks a writer.

    Raises:
        StorageError: the database failed.
    """
    isolation = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with _told(engine, busy_timeout), engine.connect().execution_options(**isolation) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine, busy_timeout: float) -> Iterator[Connection]:
    """Open a transaction that holds SQLite's write lock from its first moment; an exception undoes all of it.

    Raises:
        StorageError: the database failed; nothing was written.
    """
    with (
        _told(engine, busy_timeout),
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


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


@contextmanager
def _told(engine: Engine, busy_timeout: float) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise failures.told(error, engine.url, busy_timeout) from error


def _sqlite_engine(url: URL, path: Path | None, mode: str, busy_timeout: float, common: dict[str, Any]) -> Engine:
    if path is None:
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False}, **common)
    else:
        # Never "mode=rwc": SQLite would make a missing file, and the next to open it would find an empty one.
        name = f"file:{quote(str(path.absolute()))}?{mode}"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(name, uri=True, timeout=busy_timeout, check_same_thread=False)

        engine = create_engine(url, creator=connect, **common)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin where `begin` below says, and nowhere else
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        if mode == "mode=rw":
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _dump_json(value: object) -> str:
    # ASCII only: NUL and lone surrogates are escaped, which every database takes. Not finite is refused.
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"stored JSON holds {name}, which is not JSON")


# One for all values: making a decoder took longer than decoding.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _load_json(stored: str | bytes) -> Any:
    return _DECODER.decode(stored if isinstance(stored, str) else stored.decode())  # bytes are PostgreSQL's
