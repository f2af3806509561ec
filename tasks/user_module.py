"""Users' tasks found by 'package.module:NAME' or 'path/to/file.py:NAME', with errors that say what is wrong where."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from tasks.task import METHODS

TASK_FOLDER = "LODO_TASK_FOLDER"
"""Names, in a process elsewhere, the folder that a task's file was in: its code was sent to the working directory."""

IMPORT_SECONDS = 120.0
"""How long a module may take; one that never ends would otherwise be waited for before any time limit holds."""

MOST_SAID = 250  # characters of an exception's message that are told
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
PLACES = "'package.module:NAME' or 'path/to/file.py:NAME'"
WAYS = f"function_task(loss, start=...), keras_task(build, ...), or a class with {', '.join(METHODS)}"


class TaskError(ValueError):
    """A task's module or class cannot be used; the message is one line that names the place and the fault."""


def task_class(where: str) -> type:
    """Import a task's class.

    The working directory is searched after everything else, and so is the folder of a given file, so that a task may
    import what stands beside it.

    Args:
        where: 'package.module:NAME' or 'path/to/file.py:NAME'; a relative path starts at the working directory.

    Raises:
        TaskError: The text is neither; there is no such file or module; it raises on import; it has no such class; or
            the class lacks a method of the Task protocol.
    """
    place, _, name = where.rpartition(":")
    if not place or not name.isidentifier():
        raise TaskError(f"A task is given as {PLACES}. Received: {where!r}")
    module = _from_file(Path(place)) if _is_path(place) else _from_package(place)
    found = getattr(module, name, None)
    if found is None:
        raise TaskError(f"{place} has no class {name!r}.{_nearest(name, module)} Received: {where!r}")
    missing = [method for method in METHODS if not callable(getattr(found, method, None))]
    if not inspect.isclass(found):
        raise TaskError(f"{where} is not a task but {_kind(found)}; a task is {WAYS}{_wrapped(name, found)}")
    if missing:
        raise TaskError(f"{where} is not a Task: it has no method {_listed(missing)}; a task is {WAYS}")
    return found


def _kind(found: Any) -> str:
    return "a function" if inspect.isroutine(found) else f"of type {type(found).__name__}"


def _wrapped(name: str, found: Any) -> str:
    """Return how a thing that is not a task may be made one, as far as that shows."""
    if any(base.__module__.partition(".")[0] == "keras" for base in type(found).__mro__):
        return ". Of a model it needs the function that builds it: MyTask = keras_task(build, train=(x, y), loss=...)"
    if all(callable(getattr(found, method, None)) for method in METHODS):
        return f". Give the class, {type(found).__name__}, and not an instance of it"
    if callable(found):
        return (
            f". If {name} is a loss: MyTask = function_task({name}, start=[...]);"
            f" if it builds a model: MyTask = keras_task({name}, train=(x, y), loss=...)"
        )
    return ""


def _is_path(place: str) -> bool:
    return place.endswith(".py") or os.sep in place or "/" in place


def _from_file(path: Path) -> ModuleType:
    """Import a file under a name made from its full path, once a process."""
    path = path.expanduser()
    sent = os.environ.get(TASK_FOLDER)
    if sent and (sent == str(path.parent) or not path.exists()) and (Path.cwd() / path.name).is_file():
        path = Path.cwd() / path.name  # also where it came from another folder than once: the name is the same
    path = path.resolve()
    if not path.is_file():
        raise TaskError(f"There is no file {path}")
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"  # two task.py files do not clash
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TaskError(f"{path} is not a Python file: its name ends in .py. Received: {path.name!r}")
    _search_last(path.parent)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses and pickle look their module up there
    try:
        with _time_limit():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TaskError(f"{path} raises on import: {described(error, path)}") from error
    return module


def _from_package(name: str) -> ModuleType:
    _search_last(Path.cwd())
    try:
        with _time_limit():
            spec = importlib.util.find_spec(name)  # imports the packages above it
    except ModuleNotFoundError:
        spec = None
    except (Exception, SystemExit) as error:
        raise TaskError(f"Module {name!r} raises on import: {described(error, None)}") from error
    if spec is None:
        raise TaskError(f"There is no module {name!r}; a file is given as 'path/to/file.py:NAME'")
    try:
        with _time_limit():
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        path = Path(spec.origin) if spec.origin else None
        raise TaskError(f"{path or name} raises on import: {described(error, path)}") from error


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise TimeoutError in what takes too long; again and again, lest the module itself catches it.

    Python hands signals to the main thread alone, in which both the commands and the workers import.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"it takes over {IMPORT_SECONDS:g} s; what takes long belongs into the task's class")

    before = signal.signal(signal.SIGALRM, stop)
    rest, interval = signal.setitimer(signal.ITIMER_REAL, IMPORT_SECONDS, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, rest, interval)
        signal.signal(signal.SIGALRM, before)


def _search_last(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def described(error: BaseException, path: Path | None) -> str:
    """Return an exception as one line of bounded length, with the line of `path` where it arose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    place = f" (line {lines[-1]})" if lines else ""
    said = " ".join(_COLOUR.sub("", str(error)).split())  # Keras puts some of its words in bold
    return f"{type(error).__name__}: {said if len(said) <= MOST_SAID else said[:MOST_SAID] + '...'}{place}"


def _nearest(name: str, module: ModuleType) -> str:
    """Return a suggestion: the class of the module whose name is nearest, or those it has."""
    classes = [key for key, value in vars(module).items() if inspect.isclass(value) and not key.startswith("_")]
    near = difflib.get_close_matches(name, classes, n=1)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" It has {_listed(classes)}." if classes else " It has no class."


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names)
