"""Recognition and atomic creation of SQLite's database files."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from tuner.core.folders import denied_by_umask
from tuner.storage.errors import DiskFull, NoDatabase, NotOurs, StorageError, Unwritable

APPLICATION_ID = 0x4C4F444F  # "LODO", in the field of SQLite's header that is meant for it
_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\x00"
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|lustre|glusterfs|beegfs|gpfs|fuse\.(sshfs|ceph|glusterfs|s3fs|rclone)"
)
_SIDE_FILES = ("-wal", "-shm", "-journal")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_held: Counter[tuple[int, int]] = Counter()  # by device and inode: how often this process has the database open
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a file, and the size and time by which a change is noticed."""

    device: int
    inode: int
    size: int
    modified: int  # nanoseconds

    def is_same_file(self, other: Identity | None) -> bool:
        """Return whether the other is the same file, even if it was written to meanwhile."""
        return other is not None and (self.device, self.inode) == (other.device, other.inode)


def identity(path: Path) -> Identity | None:
    """Return the identity of a file; None if there is none, or it cannot be determined."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def hold(path: Path) -> Callable[[], None]:
    """Note that this process is about to connect to a database that `exists`; return what ends that.

    POSIX drops all locks that a process has on a file when it closes any descriptor of it. Another process would take
    itself for the last user of the database then, and delete the log that is still written to. A file that is held is
    therefore not opened to look at its header.
    """
    with _lock:
        key = _key(path)
        _held[key] += 1
    is_held = True

    def release() -> None:
        nonlocal is_held
        with _lock:
            if is_held:
                is_held = False
                _held[key] -= 1
                if not _held[key]:
                    del _held[key]

    return release


def _key(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def exists(path: Path) -> bool:
    """Return whether a path is one of our databases; any other file is only read, and never opened by SQLite.

    Raises:
        NotOurs: The path is something else, such as an empty file.
        Unwritable: The file may not be read, its directory is missing, or it is a link to a missing file.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a pipe would block
            raise NotOurs(f"{str(path)!r} is not an ordinary file, so it is not a database")
        with _lock:
            if _key(path) in _held:
                return True
            with path.open("rb") as file:
                header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        if path.is_symlink():
            raise Unwritable(f"the database {str(path)!r} is a symbolic link to a file that does not exist") from None
        if not path.absolute().parent.is_dir():
            raise Unwritable(f"the database {str(path)!r} cannot be created: its directory does not exist") from None
        return False
    except IsADirectoryError:
        raise NotOurs(f"{str(path)!r} is a directory, not a database file") from None
    except OSError as error:
        raise _storage_error(error, path, "cannot be opened") from error
    if not header:
        raise NotOurs(f"{str(path)!r} is an empty file, not a database of lodo-tune; delete it or name another file")
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise NotOurs(f"{str(path)!r} is not a SQLite database; name another file")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise NotOurs(f"{str(path)!r} is a SQLite database of another program; name another file")
    return True


def create(path: Path, fill: Callable[[Path], None], *, what: str = "the database", exclusive: bool = False) -> None:
    """Create a database: it is filled under a temporary name in the same directory, and then renamed.

    The file is therefore complete when it appears under its name. If several processes create it at the same time, one
    of them succeeds, and the others use its file, or raise an error if `exclusive` is set.

    Args:
        path: Path of the new file.
        fill: Creates the tables in the empty file that is passed to it, sets APPLICATION_ID, and closes the file.
        what: What is created, for errors.
        exclusive: Whether it is an error that the file exists already.

    Raises:
        Unwritable: The directory cannot be written, the log of a deleted database is in the way, or the file exists
            and `exclusive` is set.
        DiskFull: No space is left for the file.
    """
    try:
        if exclusive and os.path.lexists(path):  # a link to a missing file counts, too
            raise _exists_error(path, what)
        for side in _SIDE_FILES:
            log = path.with_name(path.name + side)
            # SQLite would replay the log of the deleted database into the new one.
            if side != "-shm" and _is_nonempty(log):
                raise Unwritable(
                    f"{str(log)!r} belongs to a database that was deleted; restore that database or delete this file"
                )
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.absolute().parent)  # mode 0600
        os.close(handle)
    except OSError as error:
        raise _storage_error(error, path, "cannot be created", what) from error
    new = Path(name)
    try:
        if not os.access(new, os.R_OK | os.W_OK) and (reason := denied_by_umask()):
            raise Unwritable(f"{what} {str(path)!r} cannot be created: {reason}")
        fill(new)
        if _is_nonempty(new.with_name(new.name + "-wal")):
            # SQLite reports no error when it cannot move the log into the file while closing it.
            raise disk_full_error(path, what)
        _fsync(new)
        with suppress(FileExistsError) if not exclusive else nullcontext():
            _publish(new, path)
        _fsync(path.absolute().parent)
    except FileExistsError:
        raise _exists_error(path, what) from None
    except OSError as error:
        raise _storage_error(error, path, "cannot be created", what) from error
    finally:
        for leftover in (new, *(new.with_name(new.name + side) for side in _SIDE_FILES)):
            leftover.unlink(missing_ok=True)


def missing_error(path: Path) -> NoDatabase:
    """Return the error for a database that does not exist."""
    return NoDatabase(f"there is no database {str(path)!r}; start a run to create it, or name another database")


def disk_full_error(path: Path, what: str) -> DiskFull:
    """Return the error for a file that cannot be created because no space is left."""
    return DiskFull(f"{what} {str(path)!r} cannot be created: no space left, or a limit reached")


def check_writable(path: Path) -> None:
    """Check that the file can be written, and its directory too, where SQLite keeps the log.

    Raises:
        Unwritable: The file or its directory cannot be written.
    """
    for checked, what in ((path, "file"), (path.resolve().parent, "directory")):
        if not os.access(checked, os.W_OK):
            raise Unwritable(f"the database {str(path)!r} cannot be written: its {what} is read-only for this user")


def remark(path: Path, journal_mode: str) -> str | None:
    """Return a sentence on a file without a write-ahead log, or on a network file system; None otherwise.

    Args:
        path: Path of the file.
        journal_mode: SQLite's answer to `PRAGMA journal_mode`.
    """
    advice = "use a folder on a local disk, or PostgreSQL"
    network = network_file_system(path)
    if network is not None:
        return (
            f"the database {str(path)!r} is on a network file system ({network}), on which SQLite's locks are not "
            f"reliable: {advice}"
        )
    if journal_mode != "wal":
        return (
            f"the database {str(path)!r} has no write-ahead log, which its file system does not support (journal mode "
            f"{journal_mode}): reading waits for writing; {advice}"
        )
    return None


def network_file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """Return the type of the file system of a path if it is one of a network, such as "nfs4"; None otherwise.

    Args:
        path: Path of a file, which need not exist.
        mounts: The mounted file systems, as Linux lists them.
    """
    try:
        lines = [line.split(" ") for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines()]
        real = path.resolve()
    except OSError:
        return None
    kinds = [(len(where), kind) for _, where, kind, *_ in lines if real.is_relative_to(where.replace("\\040", " "))]
    kind = max(kinds, default=(0, ""))[1]
    return kind if _NETWORK.fullmatch(kind) else None


def must_read_without_locks(path: Path) -> bool:
    """Return whether a reader must open the file without locks, because it must not create SQLite's side files.

    This is the case if the directory cannot be written, or if the database belongs to another user, who could not write
    to side files of this reader and would be locked out. Side files that exist and are not empty are used.
    """
    real = path.resolve()  # side files are in the directory of the file, not of a link to it
    if _is_nonempty(real.with_name(real.name + "-wal")):
        return False
    user = os.geteuid()  # SQLite run by root gives side files the owner of the database
    return not os.access(real.parent, os.W_OK) or user not in (0, real.stat().st_uid)


def is_unchanged(path: Path, before: Identity | None) -> bool:
    """Return whether a database that was read without locks was not written to since, so that the values are correct.

    A writer writes to the log first, and moves the log into the file later.
    """
    real = path.resolve()
    return identity(path) == before and not _is_nonempty(real.with_name(real.name + "-wal"))


def _is_nonempty(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _publish(new: Path, path: Path) -> None:
    try:
        os.link(new, path)  # unlike a rename, fails if the name exists
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        # A file system without hard links: the name is reserved first.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        new.replace(path)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists_error(path: Path, what: str) -> Unwritable:
    return Unwritable(f"{str(path)!r} exists already; name another file for {what}")


def _storage_error(error: OSError, path: Path, fault: str, what: str = "the database") -> StorageError:
    kind = DiskFull if error.errno in _NO_SPACE else Unwritable
    shown = repr(str(path)) if len(str(path)) <= 300 else f"{str(path)[:297]!r}..."
    return kind(f"{what} {shown} {fault}: {(error.strerror or 'unknown error').lower()}")
