"""What identifies the code of optimizers and training functions.

The files that training functions name are part of it.
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
    """Return what identifies the code of a user's own optimizer: the hashes of its files.

    Args:
        place: As `tasks.importing.imported` accepts it.

    Raises:
        ValueError: It cannot be imported.
    """
    return {"files": _hashes_at(place, "optimizer")}


def function_code(place: str) -> Mapping[str, Any]:
    """Return what identifies the code of a training function, and the files that its attribute `files` names.

    Raises:
        ValueError: It cannot be imported, or a file cannot be read.
    """
    named = hashes_of_named(importing.imported(place, "training function"))
    return {FUNCTION: {"files": _hashes_at(place, "training function"), **({"data": named} if named else {})}}


@lru_cache
def file_hashes(module: ModuleType, name: str | None) -> Mapping[str, str]:
    """Return the hashes of a module's files as they were when this process began to use it, and not as they are now."""
    return source_hashes(Path(str(module.__file__)), name)


def _hashes_at(place: str, what: str) -> dict[str, str]:
    if place.startswith(importing.SESSION):
        return {MAIN: live_hash(importing.imported(place, what))}
    return dict(file_hashes(*importing.source_of(place)))
