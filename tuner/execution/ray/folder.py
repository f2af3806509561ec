"""The folder of a Ray session, locked while its driver runs.

The folder of a driver that is killed remains, with Ray's logs in it. The lock is released however the process ends, so
that the next run detects and removes folders that are no longer in use.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from tuner.core.errors import LodoTuneError
from tuner.core.folders import denied_by_umask

_PREFIX = "lodo-ray-"
_LOCK = "driver.lock"
_REMOVAL_SECONDS = 10.0  # until Ray's last processes, which may still write logs while they end, have ended
_CREATION_SECONDS = 60.0  # an older folder without a lock is not in the process of creation

_locks: dict[Path, int] = {}  # file descriptors of this process's locks


def make_folder(parent: Path = Path("/tmp")) -> Path:  # noqa: S108 (mkdtemp makes it private)
    """Create a folder that only this user can read, and remove folders whose drivers have ended.

    Args:
        parent: The parent folder. Not TMPDIR by default, because the folder contains Ray's sockets, whose paths have at
            most 107 bytes.

    Raises:
        LodoTuneError: The umask denies this user what it creates.
    """
    for other in parent.glob(f"{_PREFIX}*"):
        _remove_if_abandoned(other)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        handle = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except PermissionError as error:
        folder.rmdir()
        raise LodoTuneError(f"Ray cannot be started: {denied_by_umask() or error}") from error
    fcntl.flock(handle, fcntl.LOCK_EX)
    _locks[folder] = handle
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder that `make_folder` created. May be called twice.

    The removal is repeated for some seconds where a process of Ray that ends just then writes into the folder.
    """
    end = time.monotonic() + _REMOVAL_SECONDS
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.1)
        shutil.rmtree(folder, ignore_errors=True)
    handle = _locks.pop(folder, None)
    if handle is not None:
        os.close(handle)


def _remove_if_abandoned(folder: Path) -> None:
    """Remove a folder whose lock is free, or an old one without a lock, which Ray may recreate as it ends."""
    with contextlib.suppress(OSError):  # another user's, or locked, or currently being created or removed
        if not (folder / _LOCK).exists():
            status = folder.stat()
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > _CREATION_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
            return
        handle = os.open(folder / _LOCK, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)
