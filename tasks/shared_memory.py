"""Share large arrays between the processes of a machine.

A mapped file is in memory once, for any number of workers. It is named by the hash of its contents, written atomically,
and compared with the expected array when it is opened. If there is no space, or no folder that only this user can write
to, the array is not shared. The folder ($XDG_CACHE_HOME/lodo-tune, or ~/.cache/lodo-tune) may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

import numpy as np

from tasks.home import writable_home

MIN_BYTES = 1 << 20  # smaller arrays are not shared


def shared(array: np.ndarray) -> np.ndarray:
    """Return a read-only array of the same contents, mapped from a file in the user's cache.

    An array that is smaller than MIN_BYTES, or cannot be stored, is returned itself.
    """
    if array.nbytes < MIN_BYTES:
        return array
    whole = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{whole.dtype} {whole.shape} ".encode())
    digest.update(whole.data)
    try:
        folder = _folder()
        path = folder / f"{digest.hexdigest()}.npy"
        mapped = _mapped(path, whole)
        if mapped is None:
            _write(path, whole)
            mapped = _mapped(path, whole)
    except (OSError, ValueError):
        return array
    return array if mapped is None else mapped


def mapping(array: np.ndarray) -> np.memmap | None:
    """Return the mapped file behind an array from `shared`, or behind a slice of one; None for other arrays."""
    file: np.memmap | None = None
    base: object = array
    while isinstance(base, np.ndarray):  # through slices of slices, to the file itself
        if isinstance(base, np.memmap) and base.mode == "c":
            file = base
        base = base.base
    return file


def _folder() -> Path:
    """Return the cache's folder; create it if it does not exist.

    Raises:
        OSError: It cannot be created, or other users can write to it.
    """
    cache = os.environ.get("XDG_CACHE_HOME")
    home = Path(cache) if cache else writable_home()
    if home is None:
        raise FileNotFoundError("this user has no home folder")
    folder = (home if cache else home / ".cache") / "lodo-tune"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(f"{folder} is not this user's alone")
    return folder


def _mapped(path: Path, expected: np.ndarray) -> np.ndarray | None:
    """Return the array of a file if the file exists and has the expected contents."""
    try:
        # Copy on write: TensorFlow requires memory that looks writable, although nothing writes to it.
        mapped = np.lib.format.open_memmap(path, mode="c")
    except (FileNotFoundError, ValueError):
        return None
    if mapped.dtype != expected.dtype or not np.array_equal(mapped, expected):
        return None
    view = mapped[...]
    view.flags.writeable = False
    return view


def _write(path: Path, array: np.ndarray) -> None:
    """Write a file atomically, by renaming a temporary one."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
