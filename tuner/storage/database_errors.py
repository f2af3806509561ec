"""Translation of the database drivers' errors into errors of the storage."""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tuner.storage import urls
from tuner.storage.errors import (
    Damaged,
    DiskFull,
    Locked,
    NoDatabase,
    NotAdmitted,
    NotOurs,
    StorageError,
    Unreachable,
    Unwritable,
)

# A full disk is reported as FULL, but a limit on the size of files, or a full disk below the shared memory of the
# log, as an input/output error.
_OUT_OF_SPACE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}

_SQLITE: dict[int, tuple[type[StorageError], str]] = {
    sqlite3.SQLITE_BUSY: (Locked, "is locked by another process; waited {wait:g} s. Try again when it has ended"),
    sqlite3.SQLITE_LOCKED: (Locked, "is locked by another connection of this process. Try again"),
    sqlite3.SQLITE_FULL: (DiskFull, "cannot grow: no space left, or a limit reached. Results recorded so far are safe"),
    sqlite3.SQLITE_IOERR: (Damaged, "cannot be read or written: the disk reports an error"),
    sqlite3.SQLITE_READONLY: (Unwritable, "cannot be written: the file or its directory is read-only"),
    sqlite3.SQLITE_PERM: (Unwritable, "cannot be opened: permission denied"),
    sqlite3.SQLITE_CANTOPEN: (Unwritable, "cannot be opened: the file or its directory is missing or not accessible"),
    sqlite3.SQLITE_CORRUPT: (Damaged, "is damaged: restore it from a backup"),
    sqlite3.SQLITE_NOTADB: (NotOurs, "is not a SQLite database"),
}

_POSTGRESQL: dict[str, tuple[type[StorageError], str]] = {
    "53100": (DiskFull, "has no space left. Results recorded so far are safe"),
    "55P03": (Locked, "is locked by another process; waited {wait:g} s. Try again when it has ended"),
    "40001": (Locked, "was changed by another process at the same moment. Try again"),
    "40P01": (Locked, "was changed by another process at the same moment. Try again"),
    "42501": (Unwritable, "does not allow this role to do that"),
    "25006": (Unwritable, "is read-only"),
}
_UNREACHABLE = ("08", "57P", "53300")  # connection lost; server stopping or starting; too many connections


def is_out_of_space(error: sqlite3.Error) -> bool:
    """Return whether SQLite could not write because no space is left."""
    return getattr(error, "sqlite_errorcode", 0) in _OUT_OF_SPACE


def translate(error: SQLAlchemyError, url: URL, wait: float) -> StorageError:
    """Return the error of the storage for an error of SQLAlchemy.

    Args:
        error: The error that SQLAlchemy raised.
        url: The database that it concerns.
        wait: The busy timeout, in seconds.
    """
    database = f"the database {urls.shown(url)}"
    if isinstance(error, PoolTimeout):
        return Locked(f"{database} has no free connection; try again")
    if not isinstance(error, DBAPIError):
        return StorageError(f"{database} cannot be used: {urls.without_secrets(str(error), url)}")
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0)  # absent from errors of the module sqlite3 itself
        kind, text = _SQLITE.get(
            sqlite3.SQLITE_FULL if is_out_of_space(cause) else code & 0xFF, (StorageError, "refused a statement")
        )
    else:
        state = getattr(cause, "sqlstate", None) or ""
        kind, text = _POSTGRESQL.get(state, (StorageError, "refused a statement"))
        if error.connection_invalidated or state.startswith(_UNREACHABLE) or (not state and _is_operational(cause)):
            kind, text = _classify_connection_failure(str(cause))
    detail = urls.without_secrets(str(cause), url)
    return kind(f"{database} {text.format(wait=wait)} ({detail})")


def _classify_connection_failure(message: str) -> tuple[type[StorageError], str]:
    """Return the error for a failed connection: the server is unreachable, or it refused the connection.

    A refusal has no SQLSTATE, and its text is in the server's language; any other text counts as unreachable.
    """
    if "unsupported startup parameter" in message:
        return NotAdmitted, "refused an option of the URL, as poolers such as PgBouncer do. Remove it from the URL"
    if re.search(r'database ".*" does not exist', message):
        return NoDatabase, "does not exist on the server. Create it there (createdb), or name another"
    if re.search(r'authentication failed|role ".*" does not exist|no password supplied|pg_hba\.conf', message):
        return NotAdmitted, "refused this user name and password. Check both in the URL, or in PGPASSFILE"
    return Unreachable, "cannot be reached. Try again when it is available"


def _is_operational(cause: BaseException | None) -> bool:
    # The class is compared by name because psycopg may not be installed. A failed connection has no SQLSTATE.
    return type(cause).__name__ in ("OperationalError", "ConnectionTimeout")
