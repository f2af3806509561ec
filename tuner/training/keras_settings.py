"""The backend of Keras, and its folder where there is no home folder.

The environment variables KERAS_BACKEND and KERAS_HOME of this process are written, because Keras has no other
configuration before it is imported. Uses the standard library and `tasks.home` only.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tasks.home import writable_home

BACKEND = "tensorflow"
_NO_FOLDER = f"{os.devnull}/.keras"  # neither Keras nor TensorFlow can create it, so that they read and write nothing

_given = os.environ.get("KERAS_BACKEND", "")


def given_backend() -> str | None:
    """Return the backend that KERAS_BACKEND named before this package was imported; None if it named none."""
    return _given or None


def settle_keras() -> None:
    """Choose the TensorFlow backend, whatever KERAS_BACKEND and keras.json name.

    Without a home folder, Keras' folder is set to one that cannot exist: TensorFlow would create a folder named "~".
    """
    os.environ["KERAS_BACKEND"] = BACKEND
    if "KERAS_HOME" not in os.environ and writable_home() is None:
        os.environ["KERAS_HOME"] = _NO_FOLDER


def check_keras() -> None:
    """Check that Keras, if it is imported already, uses the TensorFlow backend.

    Raises:
        ValueError: It uses another one, which cannot be changed in this process.
    """
    keras = sys.modules.get("keras")
    backend = keras.config.backend() if keras is not None and hasattr(keras, "config") else BACKEND
    if backend != BACKEND:
        raise ValueError(
            f"Keras was imported with its backend {backend!r} in this process, and tasks are trained on {BACKEND!r}: "
            f"set KERAS_BACKEND={BACKEND} before keras is imported"
        )


def unused_backend() -> str | None:
    """Return a remark if KERAS_BACKEND or keras.json names another backend, which is not used; None if neither does."""
    place, backend = "KERAS_BACKEND", _given
    if not backend:
        place, backend = str(_file()), _of_file()
    if backend in ("", BACKEND):
        return None
    return f"the Keras backend {backend!r} of {place} is not used: tasks are trained on the backend {BACKEND!r}"


def _file() -> Path:
    folder = os.environ.get("KERAS_HOME")
    return (Path(folder) if folder else (writable_home() or Path(_NO_FOLDER).parent) / ".keras") / "keras.json"


def _of_file() -> str:
    try:
        settings = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    backend = settings.get("backend", "") if isinstance(settings, dict) else ""
    return backend if isinstance(backend, str) else ""
