"""The SQLite file itself: told from foreign files before SQLite opens it, and made whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from tuner.storage.errors import DiskFull, NotOurs, StorageError, Unwritable

APPLICATION_ID = 0x4C4F444F  # "LODO" in the file's header, where SQLite keeps a place for it
_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\x00"
_SIDE_FILES = ("-wal", "-shm", "-journal")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which file is at a place, and whether what SQLite has written of it is what it was."""

    device: int
    inode: int
    size: int
    modified: int  # nanoseconds

    def is_same_file(self, other: Identity | None) -> bool:
        """Return whether the other is the same file, whatever was written to it since."""
        return other is not None and (self.device, self.inode) == (other.device, other.inode)


def identity(path: Path) -> Identity | None:
    """Return what is at a place; None if nothing is, or it cannot be known."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def exists(path: Path) -> bool:
    """Return whether one of our databases is at this place; a foreign file is only read, and never by SQLite.

    Raises:
        NotOurs: something else is there, an empty file included.
        Unwritable: it may not be read, its directory is missing, or it is a link to nothing.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe would be waited for
            raise NotOurs(f"{str(path)!r} is not an ordinary file, and so no database")
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        if path.is_symlink():
            raise Unwritable(f"the database {str(path)!r} is a symbolic link to a file that is not there") from None
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


def create(path: Path, fill: Callable[[Path], None], *, what: str = "the database", alone: bool = False) -> None:
    """Make a database: filled under another name in the same directory, then given its own in one step.

    Whoever finds the file finds all of it. Of several processes that make it at once, one wins, and the others use
    what it made, or learn that they came too late.

    Args:
        path: Where nothing is yet.
        fill: Creates the tables in the empty file that it is given, marks it with APPLICATION_ID, and leaves it closed.
        what: What is made, for errors.
        alone: Whether to be too late is an error.

    Raises:
        Unwritable: the directory cannot be written, the log of a lost database is in the way, or, if it is to be made
            by nobody else, something is there.
        DiskFull: there is no space for it.
    """
    try:
        if alone:
            check_free(path, what)
        for side in _SIDE_FILES:
            left = path.with_name(path.name + side)
            # SQLite would replay the log of the former file into the new one.
            if side != "-shm" and _holds_something(left):
                raise Unwritable(
                    f"{str(left)!r} is left of a database that is gone; restore that database or delete the file"
                )
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.absolute().parent)  # mode 0600
        os.close(handle)
    except OSError as error:
        raise _told(error, path, "cannot be created", what) from error
    new = Path(name)
    try:
        fill(new)
        if _holds_something(new.with_name(new.name + "-wal")):
            # SQLite keeps silent where it cannot move the log into the file while it closes it.
            raise full(path, what)
        _flush(new)
        with suppress(FileExistsError) if not alone else nullcontext():
            _publish(new, path)
        _flush(path.absolute().parent)
    except FileExistsError:
        raise taken(path, what) from None
    except OSError as error:
        raise _told(error, path, "cannot be created", what) from error
    finally:
        for leftover in (new, *(new.with_name(new.name + side) for side in _SIDE_FILES)):
            leftover.unlink(missing_ok=True)


def check_free(path: Path, what: str) -> None:
    """Refuse a place where something is, be it a link to nothing.

    Raises:
        Unwritable: something is there.
    """
    if os.path.lexists(path):
        raise taken(path, what)


def taken(path: Path, what: str) -> Unwritable:
    """Return the error of a place where something is."""
    return Unwritable(f"{str(path)!r} is there already; name another file for {what}")


def full(path: Path, what: str) -> DiskFull:
    """Return the error of a place that cannot take what is written there."""
    return DiskFull(f"{what} {str(path)!r} cannot be created: no space left, or a limit reached")


def check_writable(path: Path) -> None:
    """Check that the file can be written; its directory too, where SQLite keeps its log.

    Raises:
        Unwritable: one of them cannot.
    """
    for place, what in ((path, "file"), (path.resolve().parent, "directory")):
        if not os.access(place, os.W_OK):
            raise Unwritable(f"the database {str(path)!r} cannot be written: its {what} is read-only for this user")


def is_to_be_left_alone(path: Path) -> bool:
    """Return whether a reader must do without SQLite's side files.

    That is so where it cannot make them; and where the database is another user's, who could not write files that this
    reader made, and would be locked out of his own database. Files that are there, and hold something, are used.
    """
    real = path.resolve()  # the side files are beside the file, not beside a link to it
    if _holds_something(real.with_name(real.name + "-wal")):
        return False
    user = os.geteuid()  # of root's files SQLite itself makes the owner's
    return not os.access(real.parent, os.W_OK) or user not in (0, real.stat().st_uid)


def is_untouched(path: Path, before: Identity | None) -> bool:
    """Return whether a database that was read without locks is what it was before, so that what was read is true.

    Whoever writes to it writes into its log first, and moves that into the file later.
    """
    real = path.resolve()
    return identity(path) == before and not _holds_something(real.with_name(real.name + "-wal"))


def _holds_something(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _publish(new: Path, path: Path) -> None:
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


def _told(error: OSError, path: Path, fault: str, what: str = "the database") -> StorageError:
    kind = DiskFull if error.errno in _NO_SPACE else Unwritable
    shown = repr(str(path)) if len(str(path)) <= 300 else f"{str(path)[:297]!r}..."
    return kind(f"{what} {shown} {fault}: {(error.strerror or 'unknown error').lower()}")
