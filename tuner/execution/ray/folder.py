"""The folder of a Ray session: locked while its driver lives, removed at the latest by the next run.

A driver that is killed leaves its folder behind, with Ray's logs in it. The lock goes with the process, whatever ends
it, so that whoever makes the next folder can tell which ones nobody needs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "lodo-ray-"
_LOCK = "driver.lock"
_MADE_SECONDS = 60.0  # a folder this old without a lock is not one that is being made

_held: dict[Path, int] = {}  # file descriptors of this process' locks


def make_folder(parent: Path = Path("/tmp")) -> Path:  # noqa: S108 (mkdtemp makes it private)
    """Return a new folder of this user alone; folders of drivers that are gone are removed.

    Args:
        parent: Not below TMPDIR by default, since Ray's sockets lie within: their paths have at most 107 bytes.
    """
    for left in parent.glob(f"{_PREFIX}*"):
        _remove_if_left(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    handle = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    _held[folder] = handle
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder that `make_folder` made; twice is fine."""
    shutil.rmtree(folder, ignore_errors=True)
    handle = _held.pop(folder, None)
    if handle is not None:
        os.close(handle)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder whose lock nobody holds, or that has had none for a while: Ray, ending, made it once more."""
    with contextlib.suppress(OSError):  # another user's, being made or removed at this moment, or locked
        if not (folder / _LOCK).exists():
            found = folder.stat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > _MADE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
            return
        handle = os.open(folder / _LOCK, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)
