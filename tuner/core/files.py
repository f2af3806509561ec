"""Atomic writing of files."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES, errno.EMLINK)


class NotWritten(Exception):  # noqa: N818 (names a state)
    """A file was not written; an existing file is unchanged. The text is one line.

    Attributes:
        exit_code: 74 where no space is left or a limit on the size of files is reached, 1 otherwise.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def write(path: str | os.PathLike[str], content: str | bytes, overwrite: bool = False) -> None:
    """Write a file atomically: a temporary file in the same folder is written, flushed to the disk and renamed.

    Args:
        path: Path of the file; its folder must exist.
        content: The content; text is encoded as UTF-8, with unchanged line endings.
        overwrite: Whether an existing file may be replaced. Default False.

    Raises:
        NotWritten: The file exists and may not be replaced, the path is a link or not an ordinary file, the folder is
            missing or cannot be written, or the disk is full.
    """
    target = Path(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        _check_free(target, overwrite)
        temporary = target.with_name(f".lodo-tune-{secrets.token_hex(8)}.tmp")
        try:
            _write_through(temporary, data)
            _move(temporary, target, overwrite)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        _settle(target.parent)
    except (OSError, ValueError) as error:  # ValueError: the path contains NUL or is not a valid name
        raise not_written(path, error) from error


def not_written(path: str | os.PathLike[str], error: OSError | ValueError) -> NotWritten:
    """Return the error to raise when the system cannot write at this path."""
    full = isinstance(error, OSError) and error.errno in _FULL
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return NotWritten(f"cannot write {str(path)!r:.300}: {reason}", 74 if full else 1)


def _check_free(target: Path, overwrite: bool) -> None:
    """Check that no file exists at the path, unless it may be replaced.

    Raises:
        NotWritten: A file exists and may not be replaced, or the path is not an ordinary file.
    """
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise NotWritten(f"cannot write {str(target)!r:.300}: it is a symbolic link, which is not followed")
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
        raise NotWritten(f"cannot write {str(target)!r:.300}: it is {what}")
    if not overwrite:
        raise _exists(target)


def _exists(target: Path) -> NotWritten:
    return NotWritten(f"cannot write {str(target)!r:.300}: the file exists, and overwriting it was not requested")


def _write_through(temporary: Path, data: bytes) -> None:
    """Create a file with the permissions that the umask leaves, and flush its bytes to the disk."""
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _move(temporary: Path, target: Path, overwrite: bool) -> None:
    """Rename a file; without `overwrite`, a file that was created meanwhile is not replaced either.

    Raises:
        NotWritten: The target exists and may not be replaced.
    """
    if not overwrite:
        try:
            os.link(temporary, target, follow_symlinks=False)
        except FileExistsError:
            raise _exists(target) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:  # without hard links, only the earlier check protects the file
                raise
        else:
            return
    os.replace(temporary, target)


def _settle(folder: Path) -> None:
    """Flush the entries of a folder to the disk, where the file system supports it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
