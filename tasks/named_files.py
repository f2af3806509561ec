"""Hashes of files that tasks, functions and optimizers name in an attribute.

    train.files = ["d.npy", "conf.json"]

A relative path starts at the folder of its own file. A folder stands for all files in it.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from tasks.errors import TaskError

ATTRIBUTE = "files"


def hashes_of_named(owner: Any, folder: Path | None = None) -> dict[str, str]:
    """Return the sha256 of each file that a training function or a class names, by the path as it is written.

    A file is read again if it has changed since it was hashed in this process.

    Args:
        owner: The function or class.
        folder: Where relative paths start. Default: the folder of the file that defines the owner.

    Raises:
        TaskError: The attribute is not a list of paths, or a file cannot be read.
    """
    named = getattr(owner, ATTRIBUTE, ())
    label = getattr(owner, "__name__", "function")
    if isinstance(named, str | bytes) or not all(isinstance(each, str | Path) and str(each) for each in _items(named)):
        raise TaskError(f"{label}.files is a list of paths of files, such as ['data.npy']. Received: {named!r:.80}")
    folder = folder or _folder(owner)
    hashes: dict[str, str] = {}
    for each in _items(named):
        path = folder / Path(each).expanduser()
        try:
            for file, name in _files(path, str(each)):
                stamp = file.stat()
                hashes[name] = _hash_of(file, stamp.st_mtime_ns, stamp.st_size, stamp.st_ino)
        except OSError as error:
            raise TaskError(f"{label}.files: {path} cannot be read: {error.strerror or error}") from error
    return hashes


def _items(named: Any) -> tuple[Any, ...]:
    try:
        return tuple(named)
    except TypeError:
        return (named,)


def _files(path: Path, name: str) -> Iterator[tuple[Path, str]]:
    if not path.is_dir():
        yield path, name
        return
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield file, f"{name.rstrip('/')}/{file.relative_to(path).as_posix()}"


def _folder(owner: Any) -> Path:
    """Return the folder of the file that defines a function or a class; the working directory if there is none.

    It is known from the compiled code, also of what was sent to this process by value.
    """
    members = [owner, *(vars(owner).values() if inspect.isclass(owner) else ())]
    functions = [inspect.unwrap(each) for each in members if inspect.isfunction(each)]
    path = Path(functions[0].__code__.co_filename) if functions else Path()
    return path.parent.resolve() if path.is_file() else Path.cwd()


@lru_cache(maxsize=4096)
def _hash_of(path: Path, modified: int, size: int, inode: int) -> str:
    """Return the sha256 of a file."""
    del modified, size, inode
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
