"""Fingerprints of a task's own data.

By them, the processes of a run, and a run that is resumed, recognise other data.
Every byte counts; hashing takes about a second per gigabyte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

CHUNK_BYTES = 1 << 26  # of an array whose rows are not contiguous, copied at a time


def arrays_fingerprint(name: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what identifies arrays, as JSON accepts it.

    Args:
        name: Of the data.
        parts: Nests (tuples, lists, dictionaries) of arrays or tensors by split, such as "train"; the first axis of
            each array runs over the examples.

    Returns:
        "name"; "sizes", the number of examples by split; "arrays", the dtype and shape of each array by its name; and
        "sha256" of names, dtypes, shapes and contents.
    """
    digest = hashlib.sha256()
    sizes: dict[str, int] = {}
    arrays: dict[str, str] = {}
    for split, nest in parts.items():
        for where, leaf in _named(nest, split):
            array = _array(leaf)
            arrays[where] = f"{array.dtype.name} {list(array.shape)}"
            sizes.setdefault(split, len(array) if array.ndim else 1)
            digest.update(f"{where} {arrays[where]} ".encode())
            update(digest, array)
    return {"name": name, "sizes": sizes, "arrays": arrays, "sha256": digest.hexdigest()}


def update(digest: Any, array: np.ndarray) -> None:
    """Add an array's bytes to a hash, in C order, without a copy of the whole array."""
    if array.flags.c_contiguous:
        digest.update(array.reshape(-1).view(np.uint8).data if array.size else b"")
        return
    rows = max(1, CHUNK_BYTES * len(array) // max(1, array.nbytes))
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]).data)


def _array(leaf: Any) -> np.ndarray:
    try:
        return np.asarray(memoryview(leaf))  # of a tensor in main memory: without a copy
    except (TypeError, ValueError, NotImplementedError):
        return np.asarray(leaf)


def _named(nest: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(nest, Mapping):
        for key in sorted(nest, key=str):
            yield from _named(nest[key], f"{name}[{key!r}]")
    elif isinstance(nest, tuple | list):
        for place, part in enumerate(nest):
            yield from _named(part, f"{name}[{place}]")
    elif nest is not None:
        yield name, nest
