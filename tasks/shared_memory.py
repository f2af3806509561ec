"""Large arrays that all processes of a machine share: written once into the user's cache, and mapped by each.

A mapped file is in memory once, however many workers read it. It is named by the hash of what it holds, written whole
or not at all, and compared with what was asked for whenever it is opened; where there is no room for it, or no folder
that is ours alone, the array stays as it is. The folder (XDG_CACHE_HOME/lodo-tune, or ~/.cache/lodo-tune) may be
deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

import numpy as np

SMALLEST = 1 << 20  # bytes; less is not worth a file


def shared(array: np.ndarray) -> np.ndarray:
    """Return an array of the same contents, mapped from a file of the user's cache; it cannot be written to.

    An array below SMALLEST, or one that cannot be put there, is returned itself.
    """
    if array.nbytes < SMALLEST:
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
    """Return the mapped file that an array of `shared`, or a slice of one, lies in; None for any other array."""
    found: np.memmap | None = None
    base: object = array
    while isinstance(base, np.ndarray):  # a slice of a slice of the file; the file itself is what can be handed on
        if isinstance(base, np.memmap) and base.mode == "c":
            found = base
        base = base.base
    return found


def _folder() -> Path:
    """Return the cache's folder, made if it is missing.

    Raises:
        OSError: It cannot be made, or others could write to it.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(home) if home else Path.home() / ".cache") / "lodo-tune"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(f"{folder} is not this user's alone")
    return folder


def _mapped(path: Path, expected: np.ndarray) -> np.ndarray | None:
    """Return the file's array if it is there and holds what is expected."""
    try:
        # Copy on write: nobody writes, but what is handed to TensorFlow must look as if one could.
        mapped = np.lib.format.open_memmap(path, mode="c")
    except (FileNotFoundError, ValueError):
        return None
    if mapped.dtype != expected.dtype or not np.array_equal(mapped, expected):
        return None
    view = mapped[...]
    view.flags.writeable = False
    return view


def _write(path: Path, array: np.ndarray) -> None:
    """Write a file under another name beside it, and give it its own in one step."""
    beside = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
