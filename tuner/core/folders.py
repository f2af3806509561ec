"""Checks of output folders, made before long work starts."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from tuner.core.errors import InvalidRequest


def check_writable(field: str, folder: Path | None) -> None:
    """Check that files can be written into a folder that may not exist yet; no file remains.

    Raises:
        InvalidRequest: The folder is not writable.
    """
    if folder is None:
        return
    folders = (folder.absolute(), *folder.absolute().parents)
    try:
        nearest = next(each for each in folders if each.exists())
    except OSError as error:  # a name that is too long, or a symbolic link that leads to itself
        raise InvalidRequest(field, f": nothing can be written to {str(folder)!r:.300}: {error.strerror}") from None
    if not nearest.is_dir():
        raise InvalidRequest(field, f": {nearest} is not a folder")
    created = folders[: folders.index(nearest)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        reason = denied_by_umask() or error.strerror
        raise InvalidRequest(field, f": nothing can be written to {folder}: {reason}") from None
    finally:
        for each in created:
            with contextlib.suppress(OSError):
                each.rmdir()


def denied_by_umask() -> str:
    """Return that the umask denies this user the files that it creates, as text; "" if it does not."""
    mask = os.umask(0o077)  # there is no other way to read it
    os.umask(mask)
    return f"the umask {mask:04o} denies this user what it creates itself; 0022 is usual" if mask & 0o700 else ""


def check_empty(field: str, folder: Path | None, *, advice: str = "") -> None:
    """Check that a folder is empty.

    Raises:
        InvalidRequest: It is not empty.
    """
    if folder is not None and folder.is_dir() and any(folder.iterdir()):
        raise InvalidRequest(field, f": {folder} is not empty; name another folder{advice}")
