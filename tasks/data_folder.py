"""The folder in which data sets are looked for.

Uses the standard library only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

DATA_DIR_VARIABLE = "LODO_DATA_DIR"

_in_force: ContextVar[Path | None] = ContextVar("data_folder", default=None)


def data_folder(given: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder in which data sets are looked for, or None if none is named.

    That is the first of: `given`, the folder of the innermost `using`, and the environment variable LODO_DATA_DIR
    (ignored if empty). `~` is expanded. Whether the folder exists is not checked.

    Args:
        given: A folder that takes precedence. Default: None.
    """
    folder = given if given is not None else _in_force.get() or os.environ.get(DATA_DIR_VARIABLE) or None
    return None if folder is None else Path(folder).expanduser()


@contextlib.contextmanager
def using(folder: str | os.PathLike[str] | None) -> Iterator[None]:
    """Look for data sets in a folder while the context is open.

    A context variable holds the folder: threads started within the context, and other processes, do not see it.

    Args:
        folder: The folder; None changes nothing.
    """
    if folder is None:
        yield
        return
    token = _in_force.set(Path(folder))
    try:
        yield
    finally:
        _in_force.reset(token)
