"""The fingerprint of a training function: of its code alone, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tasks import importing
from tuner.core.live_code import live_hash
from tuner.core.source_code import MAIN, source_hashes
from tuner.core.trial import FUNCTION


def function_code(place: str) -> Mapping[str, Any]:
    """Return what identifies the code of a training function: the hashes of its files.

    Args:
        place: As `tasks.importing.imported` accepts it.

    Raises:
        ValueError: It cannot be imported.
    """
    if place.startswith(importing.SESSION):
        files = {MAIN: live_hash(importing.imported(place, "training function"))}
    else:
        files = dict(_files(*importing.source_of(place)))
    return {FUNCTION: {"files": files}}


@lru_cache
def _files(module: ModuleType, name: str | None) -> Mapping[str, str]:
    """Return the hashes of a module's files as they were when this process began to use it, and not as they are now."""
    return source_hashes(Path(str(module.__file__)), name)
