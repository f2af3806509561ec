"""The SQLite file itself: told from foreign files before SQLite opens it, and made whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tuner.storage.errors import DiskFull, NotOurs, StorageError, Unwritable

APPLICATION_ID = 0x4C4F444F  # "LODO" in the file's header, where SQLite keeps a place for it
_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\x00"
_SIDE_FILES = ("-wal", "-shm", "-journal")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def exists(path: Path) -> bool:
    """Return whether one of our databases is at this place; a foreign file is only read, and never by SQLite.

    Raises:
        NotOurs: something else is there, an empty file included.
        Unwritable: it may not be read, or its directory is missing.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        if not path.absolute().parent.is_dir():
            raise Unwritable(f"the database {str(path)!r} has no place: its directory does not exist") from None
        return False
    except IsADirectoryError:
        raise NotOurs(f"{str(path)!r} is a directory, not a database file") from None
    except OSError as error:
        raise _told(error, path, "cannot be opened") from error
    if not header:
        raise NotOurs(f"{str(path)!r} is an empty file, not a database of lodo-tune; delete it or name another file")
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise NotOurs(f"{str(path)!r} is not a SQLite database; name another file")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise NotOurs(f"{str(path)!r} is a SQLite database of another program; name another file")
    return True


def create(path: Path, fill: Callable[[Path], None]) -> None:
    """Make a database: filled under another name in the same directory, then given its own in one step.

    Whoever finds the file finds all of it. Of several processes that make it at once, one wins and the others use what
    it made.

    Args:
        path: Where nothing is yet.
        fill: Creates the tables in the empty file that it is given, marks it with APPLICATION_ID, and leaves it closed.

    Raises:
        Unwritable: the directory cannot be written, or the log of a lost database is in the way.
        DiskFull: there is no space for it.
    """
    for side in _SIDE_FILES:
        left = path.with_name(path.name + side)
        # SQLite would replay the log of the former file into the new one.
        if side != "-shm" and _holds_something(left):
            raise Unwritable(
                f"{str(left)!r} is left of a database that is gone; restore that database or delete the file"
            )
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.absolute().parent)  # mode 0600
        os.close(handle)
    except OSError as error:
        raise _told(error, path, "cannot be created") from error
    new = Path(name)
    try:
        fill(new)
        if _holds_something(new.with_name(new.name + "-wal")):
            # SQLite keeps silent where it cannot move the log into the file while it closes it.
            raise DiskFull(f"the database {str(path)!r} cannot be created: no space left, or a limit reached")
        _flush(new)
        _publish(new, path)
        _flush(path.absolute().parent)
    except OSError as error:
        raise _told(error, path, "cannot be created") from error
    finally:
        for leftover in (new, *(new.with_name(new.name + side) for side in _SIDE_FILES)):
            leftover.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Check that the file can be written; its directory too, where SQLite keeps its log.

    Raises:
        Unwritable: one of them cannot.
    """
    for place, what in ((path, "file"), (path.absolute().parent, "directory")):
        if not os.access(place, os.W_OK):
            raise Unwritable(f"the database {str(path)!r} cannot be written: its {what} is read-only for this user")


def is_immutable(path: Path) -> bool:
    """Return whether a reader must do without SQLite's side files, because it cannot make them and there are none."""
    log = path.with_name(path.name + "-wal")
    return not os.access(path.absolute().parent, os.W_OK) and not _holds_something(log)


def _holds_something(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _publish(new: Path, path: Path) -> None:
    with suppress(FileExistsError):
        try:
            os.link(new, path)  # fails where the name is taken, unlike a rename
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            # A file system without hard links: take the name first.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            new.replace(path)


def _flush(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(error: OSError, path: Path, what: str) -> StorageError:
    kind = DiskFull if error.errno in _NO_SPACE else Unwritable
    return kind(f"the database {str(path)!r} {what}: {(error.strerror or 'unknown error').lower()}")
