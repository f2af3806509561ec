"""Collection of the Python files of users' code for other machines.

The code is that of tasks and optimizers.

Installed packages are not sent, since every node has its own. Only code is sent; each node reads data from the folder
in LODO_DATA_DIR.
"""

from __future__ import annotations

import importlib.util
import shutil
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from tuner.core.errors import InvalidRequest

MAX_BYTES = 20_000_000
"""Maximum size of the code, in bytes; a larger folder contains more than code."""

_NOT_CODE = {".git", ".venv", "venv", "node_modules", "__pycache__"}


def collect_code(places: Iterable[str], target: Path) -> Path | None:
    """Copy the code of tasks and optimizers into a folder.

    Args:
        places: Names of tasks and places of optimizers, files with their full paths; what is built in or installed
            needs no files.
        target: The target folder, created if a file is copied.

    Returns:
        The folder of `path/to/file.py:NAME`, if one is among the places; in a worker its files are in the working
        directory instead. None if no file or only modules were copied.

    Raises:
        InvalidRequest: The code is too large, or two different files would have one name.
    """
    origin = None
    for each in sorted(set(places)):
        place, colon, name = each.rpartition(":")
        if not colon:
            continue
        if place.endswith(".py"):
            origin = Path(place).parent
            space = origin / f"{name.lower()}.yaml"  # the search space of an optimizer
            _copy([*_files_beside(origin), *([space] if space.is_file() else [])], origin, target)
        else:
            _copy(*_files_of_module(place.partition(".")[0]), target)
    return origin


def _files_beside(folder: Path) -> Iterator[Path]:
    """Yield the Python files of a folder and of the packages in it."""
    yield from folder.glob("*.py")
    for package in folder.iterdir():
        if (package / "__init__.py").is_file() and package.name not in _NOT_CODE:
            yield from package.rglob("*.py")


def _files_of_module(name: str) -> tuple[list[Path], Path]:
    """Return the files of a module or package, and the folder that it is imported from; none if it is installed."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return [], Path()
    path = Path(spec.origin).resolve()
    installed = [Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib", "stdlib")]
    if any(path.is_relative_to(folder) for folder in installed):
        return [], Path()
    if path.name == "__init__.py":
        return sorted(path.parent.rglob("*.py")), path.parent.parent
    return [path], path.parent


def _copy(files: Iterable[Path], root: Path, target: Path) -> None:
    copied = 0
    for file in files:
        copied += file.stat().st_size
        if copied > MAX_BYTES:
            limit = f"{MAX_BYTES // 1_000_000} MB"
            advice = "give it a folder of its own, or install it on every node"
            raise InvalidRequest("task", f": the code beside it exceeds {limit} in {root}; {advice}")
        copy = target / file.relative_to(root)
        if copy.is_file() and copy.read_bytes() != file.read_bytes():
            raise InvalidRequest("task", f": two files to be sent are called {file.name}, one in {root}; rename one")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
