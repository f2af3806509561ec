"""Errors that users' own code raises, as one line with file and line."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

from tuner.core.text import describe_error

_OURS = [Path(__file__).resolve().parents[2] / package for package in ("tuner", "lodo", "tasks", "search_spaces")]
_STANDARD = [Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib")]


def users_place(error: BaseException) -> tuple[str, str]:
    """Return the last line of the user's own code in a traceback, and the function or method that contains it.

    They are "my_file.py, line 14" and "MyOptimizer.begin"; "" and "" if there is no such line.
    """
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        path = Path(frame.f_code.co_filename)
        if path.suffix == ".py" and not _is_installed(path.resolve()):
            return f"{path.name}, line {number}", frame.f_code.co_qualname.rpartition("<locals>.")[2]
    return "", ""


def explained(error: BaseException) -> str:
    """Return an error of a user's code as one line: what to do about it where that is known, or the message."""
    line, method = users_place(error)
    advice = _advice(error, method)
    if line and advice:
        return f"{line}: {advice}"
    return f"{describe_error(error)[0]}{f' ({line})' if line else ''}"


def _is_installed(path: Path) -> bool:
    return bool({"site-packages", "dist-packages"} & set(path.parts)) or any(
        path.is_relative_to(folder) for folder in (*_OURS, *_STANDARD)
    )


def _advice(error: BaseException, method: str) -> str:
    """Return what to do about an error that is frequent in code that TensorFlow traces; "" if none is known."""
    text = f"{type(error).__name__}: {error}"
    if "Python `bool`" in text or "Python bool" in text or "can be compared with 0 only" in text:
        return "hyperparameters and the step number are tensors: choose by tf.where, not by Python's `if`"
    if "numpy" in text and isinstance(error, AttributeError | NotImplementedError):
        return "a step is traced once and compiled: compute by TensorFlow operations, without .numpy()"
    if "singleton tf.Variables" in text:
        return f"{method} creates a tf.Variable: a state consists of tensors, such as tf.zeros_like(x)"
    return ""
