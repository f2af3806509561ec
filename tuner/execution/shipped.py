"""A user's own task on its way to the machines of a cluster: the Python files that it may import, gathered in a folder.

Installed packages are not sent: every node has its own. What is sent is code alone; data is found on each node where
LODO_DATA_DIR says.
"""

from __future__ import annotations

import importlib.util
import shutil
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from tuner.execution.executor import ResourceError

MOST_BYTES = 20_000_000
"""Of code; more than this is something else than code."""

_NOT_CODE = {".git", ".venv", "venv", "node_modules", "__pycache__"}


def gather(tasks: Iterable[str], target: Path) -> Path | None:
    """Copy what these tasks need into a folder.

    Args:
        tasks: names as `--task` takes them, with full paths; those that ship and those that are installed need nothing.
        target: a folder, made if something is copied.

    Returns:
        The folder that `path/to/file.py:NAME` is in, if there is one: a worker finds it in its working directory
        instead. None if nothing was copied, or only modules.

    Raises:
        ResourceError: there is too much of it.
    """
    origin = None
    for task in sorted(set(tasks)):
        place, colon, _ = task.rpartition(":")
        if not colon:
            continue
        if place.endswith(".py"):
            origin = Path(place).parent
            _copy(_files_beside(origin), origin, target)
        else:
            _copy(*_files_of_module(place.partition(".")[0]), target)
    return origin


def _files_beside(folder: Path) -> Iterator[Path]:
    """Yield the Python files of a folder, and of the packages in it."""
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
    if any(path.is_relative_to(place) for place in installed):
        return [], Path()
    if path.name == "__init__.py":
        return sorted(path.parent.rglob("*.py")), path.parent.parent
    return [path], path.parent


def _copy(files: Iterable[Path], root: Path, target: Path) -> None:
    copied = 0
    for file in files:
        copied += file.stat().st_size
        if copied > MOST_BYTES:
            raise ResourceError(
                f"the code beside the task is more than {MOST_BYTES // 1_000_000} MB: {root}; give it a folder of its"
                " own, or install it on every node"
            )
        place = target / file.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
