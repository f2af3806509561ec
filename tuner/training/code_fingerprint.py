"""What identifies the code of optimizers and training functions.

The files that they name are part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tasks import importing
from tasks.named_files import hashes_of_named
from tuner.core.live_code import live_hash
from tuner.core.source_code import MAIN, source_hashes
from tuner.core.trial import FUNCTION


def optimizer_code(place: str) -> Mapping[str, Any]:
    """Return what identifies a user's own optimizer: the hashes of its code, and of the files that it names.

    Args:
        place: As `tasks.importing.imported` accepts it.

    Raises:
        ValueError: It cannot be imported, or a file that it names cannot be read.
    """
    return _identified(place, "optimizer")


def function_code(place: str) -> Mapping[str, Any]:
    """Return what identifies a training function; see `optimizer_code`."""
    return {FUNCTION: _identified(place, "training function")}


@lru_cache
def file_hashes(module: ModuleType, name: str | None) -> Mapping[str, str]:
    """Return the hashes of a module's files as they were when this process began to use it, and not as they are now."""
    return source_hashes(Path(str(module.__file__)), name)


def _identified(place: str, what: str) -> dict[str, Any]:
    named = hashes_of_named(importing.imported(place, what))
    return {"files": _hashes_at(place, what), **({"data": named} if named else {})}


def _hashes_at(place: str, what: str) -> dict[str, str]:
    if place.startswith(importing.SESSION):
        return {MAIN: live_hash(importing.imported(place, what))}
    return dict(file_hashes(*importing.source_of(place)))
