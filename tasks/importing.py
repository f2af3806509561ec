"""Import a user's class from a module or file, with errors that name the fault."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from tasks.errors import TaskError, described, did_you_mean
from tasks.keras_kinds import KERAS_2, is_of_keras, is_of_keras_2
from tasks.task import METHODS
from tasks.training_function import FORM, is_training_function

TASK_FOLDER = "LODO_TASK_FOLDER"
"""Environment variable of a worker on another machine: the folder that a task's file was in on the driver's machine.

The file itself was copied to the worker's working directory.
"""

MAX_IMPORT_SECONDS = 120.0
"""Longest time that a module may take to import; the time limit of a trial does not cover imports."""

OUR_PACKAGES = ("lodo", "search_spaces", "tasks", "tuner")
_OUR_FOLDER = Path(__file__).resolve().parents[1]

ENTRY_POINTS = "lodo_tune."
"""Prefix of the groups of entry points by which installed packages offer tasks, optimizers and strategies."""

SESSION = "session:"
"""Prefix of the names of classes that are registered in this process alone."""

_MAIN = ("__main__", "__mp_main__")
_session_objects: dict[str, Any] = {}  # by full name

ACCEPTED_NAMES = "'package.module:NAME' or 'path/to/file.py:NAME'"
ACCEPTED_TASKS = f"function_task(loss, start=...), keras_task(build, ...), or a class with {', '.join(METHODS)}"


def task_class(where: str) -> type:
    """Import a task's class.

    Args:
        where: As `imported` accepts it.

    Raises:
        TaskError: As `imported`; or the class lacks a method of the Task protocol.
    """
    return checked_class(imported(where, "task"), where)


def imported(where: str, what: str) -> Any:
    """Import an object of the user's: a task, or an optimizer.

    The working directory, and the folder of a given file, are appended to `sys.path`, so that the file can import the
    modules beside it.

    Args:
        where: 'package.module:NAME' or 'path/to/file.py:NAME'; a relative path starts at the working directory. Or
            'session:NAME' of an object that was kept by `keep`.
        what: What it is, for errors: "task".

    Raises:
        TaskError: The text has another form; there is no such file or module; it raises on import; it has nothing of
            this name.
    """
    if where.startswith(SESSION):
        if where not in _session_objects:
            raise TaskError(
                f"The {what} {where!r} was defined in an interactive session or a script, and is not stored:"
                " pass its class again"
            )
        return _session_objects[where]
    source, _, name = where.rpartition(":")
    if not source or not name.isidentifier():
        raise TaskError(
            f"{'An' if what[0] in 'aeiou' else 'A'} {what} is given as {ACCEPTED_NAMES}. Received: {where!r}"
        )
    module = _imported(source)
    value = getattr(module, name, None)
    if value is None:
        raise TaskError(f"{source} has no class {name!r}.{_suggestion(name, module)} Received: {where!r}")
    return value


def keep(where: str, value: Any) -> None:
    """Keep an object that no module of another process holds under 'session:NAME', for `imported` in this process."""
    _session_objects[where] = value


def place_of(kind: Any) -> str:
    """Return where other processes find a class: a text as `imported` accepts it.

    Returns:
        "module:NAME" of a class that `module` holds under this name; "/path/to/file.py:NAME" if the module's file was
        imported by its path; or "session:NAME" of a class that other processes cannot import: one of a notebook, of
        the script being run, or local to a function.
    """
    module = sys.modules.get(kind.__module__)
    attribute = _attribute(module, kind)
    if module is not None and attribute is not None and module.__name__ not in _MAIN:
        if is_importable(module):
            return f"{module.__name__}:{attribute}"
        if str(file := getattr(module, "__file__", None)).endswith(".py"):
            return f"{file}:{attribute}"
    return f"{SESSION}{attribute or getattr(kind, 'name', kind.__name__)}"


def _attribute(module: ModuleType | None, kind: Any) -> str | None:
    """Return the name of the module's global variable that is the class, its own name first; None if there is none."""
    known: dict[str, Any] = {} if module is None else vars(module)
    own = str(kind.__name__)
    if known.get(own) is kind:
        return own
    return next((name for name, value in known.items() if value is kind), None)


def tasks_of(path: Path) -> list[str]:
    """Return the names of the tasks that a file offers, in alphabetical order; the file is imported.

    Raises:
        TaskError: There is no such file, or it raises on import.
    """
    module = _from_file(path)
    return sorted(
        name
        for name, value in vars(module).items()
        if inspect.isclass(value) and all(callable(getattr(value, method, None)) for method in METHODS)
    )


def source_of(where: str) -> tuple[ModuleType, str | None]:
    """Return the module of a user's object, which has a file, and its full name if it was not given as a file.

    Args:
        where: As `imported` accepts it, of an object that a module holds.

    Raises:
        TaskError: It cannot be imported, or has no file.
    """
    source = where.rpartition(":")[0]
    module = _imported(source)
    if module.__file__ is None:
        raise TaskError(f"{source} has no file")
    return module, None if _is_path(source) else module.__name__


def checked_class(value: Any, name: str) -> type:
    """Return an object if it is a class with the methods of the Task protocol.

    Args:
        value: Any object.
        name: How the message calls it; what follows the last colon is the name of the object itself.

    Raises:
        TaskError: It is not; the message says how it can be made a task, where that is known.
    """
    missing = [method for method in METHODS if not callable(getattr(value, method, None))]
    if is_training_function(value):
        raise TaskError(
            f"{name} is a training function: training functions can only be tuned; use `lodo-tune` or `tuner.tune`"
        )
    if not inspect.isclass(value):
        raise TaskError(
            f"{name} is not a task but {_kind(value)}; a task is {ACCEPTED_TASKS}"
            f"{_remedy(name.rpartition(':')[2], value)}"
        )
    if missing:
        raise TaskError(f"{name} is not a Task: it has no method {', '.join(missing)}; a task is {ACCEPTED_TASKS}")
    return value


def is_importable(module: ModuleType) -> bool:
    """Return whether a fresh process with this `sys.path` would import the same module by its name."""
    top = sys.modules.get(module.__name__.partition(".")[0])
    origin = getattr(getattr(top, "__spec__", None), "origin", None)
    if top is None or origin is None:
        return False
    for finder in sys.meta_path:  # not importlib.util.find_spec, which answers from sys.modules
        if (spec := finder.find_spec(top.__name__, None)) is not None:
            return spec.origin == origin
    return False


def _kind(value: Any) -> str:
    return "a function" if inspect.isroutine(value) else f"of type {type(value).__name__}"


def _remedy(name: str, value: Any) -> str:
    """Return how an object that is not a task can be made one, as far as that is known."""
    if is_of_keras_2(value):
        return f". It is {KERAS_2}"
    if is_of_keras(value):
        return ". Of a model it needs the function that builds it: MyTask = keras_task(build, train=(x, y), loss=...)"
    if all(callable(getattr(value, method, None)) for method in METHODS):
        return f". Give the class, {type(value).__name__}, and not an instance of it"
    if callable(value):
        return (
            f". If {name} is a loss: MyTask = function_task({name}, start=[...]);"
            f" if it builds a model: MyTask = keras_task({name}, train=(x, y), loss=...);"
            f" if it trains one, it has an argument report: {FORM}"
        )
    return ""


def _imported(source: str) -> ModuleType:
    return _from_file(Path(source)) if _is_path(source) else _from_package(source)


def _is_path(source: str) -> bool:
    return source.endswith(".py") or os.sep in source or "/" in source


def _from_file(path: Path) -> ModuleType:
    """Import a file under a name derived from its full path, once per process."""
    path = path.expanduser()
    folder = os.environ.get(TASK_FOLDER)
    if folder and (folder == str(path.parent) or not path.exists()) and (Path.cwd() / path.name).is_file():
        path = Path.cwd() / path.name  # found by its name alone: the file may have moved on the driver's machine
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
    sys.modules[name] = module  # before it is executed: dataclasses and pickle look up their module there
    try:
        with _same_folder(), _without_arguments(path), _time_limit():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TaskError(f"{path} raises on import: {described(error, path)}{_hidden(error, path.parent)}") from error
    return module


def _offered_by(module: str) -> str:
    """Return in words which installed package promises a module by an entry point of ours; "" if none does."""
    for point in importlib.metadata.entry_points(module=module):
        if point.group.startswith(ENTRY_POINTS):
            package = point.dist.name if point.dist else "?"
            return f", in which the installed package {package} offers {point.name}: install it anew"
    return ""


def _from_package(name: str) -> ModuleType:
    _search_last(Path.cwd())
    try:
        with _same_folder(), _without_arguments(Path(name)), _time_limit():
            spec = importlib.util.find_spec(name)  # imports the parent packages
    except ModuleNotFoundError as error:
        if hidden := _hidden(error, Path.cwd()):
            raise TaskError(f"There is no module {name!r}{hidden}") from error
        spec = None
    except (Exception, SystemExit) as error:
        raise TaskError(f"Module {name!r} raises on import: {described(error, None)}") from error
    if spec is None:
        hidden = _hidden(ModuleNotFoundError(name=name), Path.cwd())
        way = _offered_by(name) or "; a file is given as 'path/to/file.py:NAME'"
        raise TaskError(f"There is no module {name!r}{hidden}{way}")
    try:
        with _same_folder(), _without_arguments(Path(spec.origin or name)), _time_limit():
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        path = Path(spec.origin) if spec.origin else None
        hidden = _hidden(error, Path.cwd())
        raise TaskError(f"{path or name} raises on import: {described(error, path)}{hidden}") from error


@contextmanager
def _same_folder() -> Iterator[None]:
    """Return to the working directory at the end: relative paths of a command start where it was called."""
    before = Path.cwd()
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _without_arguments(path: Path) -> Iterator[None]:
    """Have `sys.argv` name the file alone: a parser at the top of a module must not read our arguments."""
    before = sys.argv
    sys.argv = [str(path)]
    try:
        yield
    finally:
        sys.argv = before


def _hidden(error: BaseException, folder: Path) -> str:
    """Return a hint if a module is missing because a package of ours has the name of a user's file or folder."""
    top = str(getattr(error, "name", None)).partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or top not in OUR_PACKAGES:
        return ""
    places = (place / name for place in (folder, Path.cwd()) for name in (top, f"{top}.py"))
    hidden = next((place for place in places if place.exists() and place.resolve() != _OUR_FOLDER / top), None)
    return "" if hidden is None else f" ({hidden} is hidden by the package {top!r} of lodo-tune: give it another name)"


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise TimeoutError after MAX_IMPORT_SECONDS, and every second from then on in case the module catches it.

    Only the main thread can be interrupted (by SIGALRM, restored afterwards); other threads have no time limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"it takes over {MAX_IMPORT_SECONDS:g} s; move slow work into the constructor of the class")

    previous = signal.signal(signal.SIGALRM, stop)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, MAX_IMPORT_SECONDS, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining, interval)
        signal.signal(signal.SIGALRM, previous)


def _search_last(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _suggestion(name: str, module: ModuleType) -> str:
    """Return the class of the module whose name is nearest, or else the names of all its classes."""
    classes = [key for key, value in vars(module).items() if inspect.isclass(value) and not key.startswith("_")]
    listed = f" It has {', '.join(classes)}." if classes else " It has no class."
    return did_you_mean(name, classes) or listed
